"""Columns that a pipeline asks for are in the table of clips, typed, and no shard is written again for them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import duckdb
import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.errors import ActorError
from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE

OWN = """
from pyarrow import float32, int32, list_, string, struct
from actor18m.stage import Row, Stage, schema
from tests.engine.steady import Read


class Letters(Stage):
    version = 1
    needs = {Read: ("text",)}
    writes = schema("letters", most=string(), at=list_(struct([("letter", string()), ("times", list_(int32()))])))

    def measure(self, clips):
        for clip in clips:
            text = clip.upstream["read"]["text"]
            places = [{"letter": l, "times": [i for i, c in enumerate(text) if c == l]} for l in sorted(set(text))[:3]]
            yield Row(clip.key, {"most": max(sorted(set(text)), key=text.count), "at": places})
"""
WITH_OWN = PIPELINE.replace("duplicates:", '  - stage: "own_letters:Letters"\nduplicates:')
COLUMNS = "publish: {columns: [letters.most, letters.at, look.scores, look.score, deep.sum]}\n"


def test_a_stage_of_one_s_own_is_published_and_read_back(site: Site) -> None:
    (site.root / "own_letters.py").write_text(OWN)
    site.put(films("good", 5, 0.5, 1.0) | films("poor", 2, 0.0, 0.3))
    before = replace(site, pipeline=WITH_OWN)
    before.build()
    shards = before.shards()
    asked = replace(site, pipeline=WITH_OWN + COLUMNS)
    assert asked.build()["published"]["is_new"] is True
    assert asked.shards() == shards, "the same files"
    types = {name: kind for name, kind, *_ in asked_of(asked, "DESCRIBE SELECT * FROM clips")}
    assert types["letters_at"] == "STRUCT(letter VARCHAR, times INTEGER[])[]"
    assert (types["look_scores"], types["look_score"]) == ("FLOAT[]", "FLOAT")
    accepted = asked_of(asked, "SELECT text, letters_most, letters_at, look_scores FROM clips WHERE state = 'accepted'")
    assert len(accepted) == 5
    for text, most, at, scores in accepted:
        assert text.count(most) == max(map(text.count, text))
        assert at[0] == {"letter": min(text), "times": [i for i, each in enumerate(text) if each == min(text)]}
        assert len(scores) == 3
    poor = asked_of(asked, "SELECT letters_most, letters_at, deep_sum, look_score FROM clips WHERE state = 'rejected'")
    assert [row[:3] for row in poor] == [(None, None, None)] * 2, "they never came so far"
    assert all(row[3] < 0.4 for row in poor)


def asked_of(site: Site, sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as db:
        for table in ("clips", "decisions"):
            db.execute(f"CREATE VIEW {table} AS FROM '{site.dataset}/latest/metadata/{table}/*.parquet'")
        return db.execute(sql).fetchall()


def test_the_value_of_a_rule_may_be_asked_for_too(site: Site) -> None:
    by_rule = PIPELINE.replace("score: {at_least: 0.4}", 'best: {value: "list_max(scores)", at_least: 0.0}')
    asked = replace(site, pipeline=f"{by_rule}publish: {{columns: [look.best]}}\n")
    asked.put(films("good", 3))
    asked.build()
    joined = "SELECT look_best, decisions.value FROM clips JOIN decisions USING (clip) WHERE decisions.rule = 'best'"
    both = asked_of(asked, joined)
    assert len(both) == 3
    assert all(best == pytest.approx(decided) for best, decided in both)


@pytest.mark.parametrize(
    ("column", "hint"),
    [
        ("look.scor", "did you mean score?"),
        ("lok.score", "did you mean look?"),
        ("score", "write stage.column"),
        ("read.words", "is in metadata/clips already"),
        ("look.score, look.score", "stands twice"),
    ],
)
def test_what_cannot_be_published_is_told_with_what_was_meant(tmp_path: Path, column: str, hint: str) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(f"{PIPELINE}publish: {{columns: [{column}]}}\n")
    with pytest.raises(ActorError, match=r"publish\.columns") as caught:
        load_pipeline(file)
    assert hint in str(caught.value)
