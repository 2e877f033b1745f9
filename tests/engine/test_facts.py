"""What a pipeline asks for is told in a clip's JSON, too, as is a caption that the clip's list brought along."""

import json
import tarfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.errors import ActorError
from tests.engine.site import Site, films
from tests.engine.steady import PIPELINE
from tests.engine.test_columns import OWN, WITH_OWN, asked_of

FACTS = "publish: {facts: [letters.most, letters.at, look.score]}\n"


def told(site: Site) -> dict[str, dict[str, Any]]:
    """By its text, each clip's JSON."""
    found = {}
    for shard in sorted((site.dataset / "latest" / "videos").glob("*.tar")):
        with tarfile.open(shard) as tar:
            for member in (each for each in tar if each.name.endswith(".json")):
                stream = tar.extractfile(member)
                assert stream is not None
                facts = json.load(stream)
                found[facts["clip"]] = facts
    return found


def test_what_stages_measured_is_in_the_json_with_the_same_fields_in_each(site: Site) -> None:
    (site.root / "own_letters.py").write_text(OWN)
    site.put(films("good", 5, 0.5, 1.0) | films("poor", 2, 0.0, 0.3))
    asked = replace(site, pipeline=WITH_OWN + FACTS)
    asked.build()
    facts = told(asked)
    assert len(facts) == 5
    for each in facts.values():
        text = each["text"]
        assert each["letters_most"] == max(sorted(set(text)), key=text.count)
        assert each["letters_at"][0]["times"] == [i for i, letter in enumerate(text) if letter == min(text)]
        assert (each["look_score"] >= 0.4, each["unknown"]) == (True, "")


def test_a_moved_threshold_makes_no_shard_anew_for_it(site: Site) -> None:
    (site.root / "own_letters.py").write_text(OWN)
    site.put(films("good", 4, 0.6, 1.0))
    asked = replace(site, pipeline=WITH_OWN + FACTS)
    asked.build()
    shards = asked.shards()
    lower = replace(asked, pipeline=asked.pipeline.replace("score: {at_least: 0.4}", "score: {at_least: 0.5}"))
    assert lower.pipeline != asked.pipeline
    lower.build()
    assert lower.shards() == shards, "the same files"


def test_a_caption_of_the_list_is_carried_along_as_it_is(site: Site) -> None:
    site.put(films("good", 3, 0.5, 1.0))
    names = sorted(path.name for path in site.videos.iterdir())
    rows = [{"path": f"videos/{names[0]}", "Caption": 'A man says "no", and turns.'}, {"path": f"videos/{names[1]}"}]
    (site.root / "list.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    site.build(given=site.root / "list.jsonl")
    captions = sorted(each["source_caption"] for each in told(site).values())
    assert captions == ["", 'A man says "no", and turns.'], "no text where there is none"
    rows_of = asked_of(site, "SELECT source_caption FROM clips ORDER BY source_caption NULLS FIRST")
    assert rows_of == [(None,), ('A man says "no", and turns.',)]


@pytest.mark.parametrize(
    ("column", "hint"),
    [("look.scor", "did you mean score?"), ("read.words", "is in metadata/clips already"), ("look.no", "no column no")],
)
def test_what_cannot_be_told_is_refused(tmp_path: Path, column: str, hint: str) -> None:
    file = tmp_path / "pipeline.yaml"
    file.write_text(f"{PIPELINE}publish: {{facts: [{column}]}}\n")
    with pytest.raises(ActorError, match=r"publish\.facts") as caught:
        load_pipeline(file)
    assert hint in str(caught.value)
