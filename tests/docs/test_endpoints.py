"""docs/endpoints.md, followed as it is printed, with a server of the tests at the place of vLLM."""

import json
import shutil
from collections import Counter
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.samples.shipped import SHIPPED
from tests.docs.page import Reader, blocks, reader, run
from tests.engine.chat_server import KEY, Asked, ChatServer
from tests.stages.asked.painting import words
from tests.stages.asked.test_captions import described

__all__ = ["reader"]

MODEL = "Qwen/Qwen3-VL-32B-Instruct"


def answers(asked: Asked) -> object:
    form = asked.body["response_format"]["json_schema"]["name"]
    if form == "Instructions":
        return {"instructions": [f"Show them {change['environment']}." for change in json.loads(asked.texts[1])]}
    return words(observed_view="front") if form.startswith("Judged") else described()


def followed(reader: Reader, server: ChatServer, pipeline: str) -> str:
    """What the page's commands about a pipeline print."""
    reader.write_files("endpoints.md")
    path = Path(pipeline)
    path.write_text(_patient(path.read_text()).replace("http://127.0.0.1:8000/v1", server.url))
    commands = [block.text for block in blocks("endpoints.md") if block.language == "sh" and pipeline in block.text]
    return "".join(run(line) for text in commands for line in text.splitlines())


def _patient(pipeline: str) -> str:
    """However busy the machine is: who is not answered in time asks again, and the tests count."""
    for before, after in (
        ("{backend: openai-chat, ", "{backend: openai-chat, connect_s: 600, "),
        ("        backend: openai-chat\n", "        backend: openai-chat\n        connect_s: 600\n"),
        ("concurrency: 64,", "concurrency: 64, deadline_s: 600,"),
    ):
        pipeline = pipeline.replace(before, after)
    return pipeline


def test_its_pipeline_is_the_embedded_one_with_other_players(reader: Reader) -> None:
    reader.write_files("endpoints.md")
    own, shipped = load_pipeline(Path("asked.yaml")), load_pipeline(find_pipeline("embedded"))
    assert own.stage_names == shipped.stage_names
    assert own.step("judge").of == shipped.step("judge").of
    assert [step.name for step in own.stages if step.waits] == ["captions", "judge"]


def test_a_stage_may_bring_its_server_along(reader: Reader) -> None:
    reader.write_files("endpoints.md")
    own, before = (load_pipeline(Path(each)).step("judge") for each in ("serving.yaml", "asked.yaml"))
    assert own.run.gpus == 2
    assert own.roles["chat"].parameters.that_count() == before.roles["chat"].parameters.that_count()
    assert own.roles["chat"].parameters.model_dump()["serve"][-2:] == ("--tensor-parallel-size", "2")


def test_sheets_of_a_gemini_model_take_the_place_of_the_laid_out_ones(reader: Reader) -> None:
    reader.write_files("endpoints.md")
    sheets = load_pipeline(Path("gemini.yaml")).step("sheet_images")
    assert sheets.waits
    assert sheets.costs == ("tokens", "requests", "dollars")
    assert sheets.run.budget.keys() <= set(sheets.costs)
    in_jobs = load_pipeline(Path("in-jobs.yaml")).step("sheet_images")
    both = [each.roles["editor"].parameters.that_count() for each in (sheets, in_jobs)]
    assert both[0] == both[1], "a sheet is as good from a job"
    assert in_jobs.run.in_flight >= in_jobs.roles["editor"].parameters.model_dump()["jobs_of"]
    assert in_jobs.run.dollars_per.request == 0


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_captions_and_verdicts_are_asked_for_and_published(reader: Reader, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("JUDGE_API_KEY", KEY)
    (reader.folder / "clips").mkdir()
    shutil.copy(SHIPPED / "talk_yaw_1.mp4", reader.folder / "clips")
    with ChatServer(answers, serves=(MODEL,)) as server:
        printed = followed(reader, server, "asked.yaml")
    assert "asked.yaml: ok" in printed
    (videos,) = Path("dataset/latest/videos").glob("*.tar")
    assert b'"captions_caption":"A person talks."' in videos.read_bytes()
    judged = [row for row in pq.read_table("dataset/latest/metadata/references").to_pylist() if row["verdict"]]
    assert judged
    assert {row["judged_by"] for row in judged} == {"Qwen/Qwen3-VL-32B-Instruct"}
    pairs = sum(row["known_kind"] is not None for row in judged)
    assert len(server.log) == len(judged) + pairs + 1, "once for each image, each pair, and once for the clip"
    assert {asked.authorization for asked in server.log} == {None, f"Bearer {KEY}"}
    whole = b"".join(path.read_bytes() for path in reader.folder.rglob("*") if path.is_file())
    assert KEY.encode() not in whole


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_instructions_are_written_followed_checked_and_judged(reader: Reader) -> None:
    (reader.folder / "clips").mkdir()
    shutil.copy(SHIPPED / "expressions_2.mp4", reader.folder / "clips")
    with ChatServer(answers, serves=(MODEL,)) as server:
        printed = followed(reader, server, "edited.yaml")
        assert "edited.yaml: ok" in printed
        rows = edits()
        assert len(rows) == 4
        for row in rows:
            assert (row["state"], row["seen_people"], row["verdict"]) == ("kept", 1, "consistent")
            *refused, taken = told(row)
            assert all(score < 0.8 for score in refused)
            assert taken >= 0.8
        assert any(row["candidate"] > 1 for row in rows), "a candidate was refused"
        (query,) = (block.text for block in blocks("endpoints.md") if block.language == "python")
        exec(compile(query, "endpoints.md", "exec"), {})
        forms = Counter(each.body["response_format"]["json_schema"]["name"] for each in server.log)
        assert forms["Instructions"] == 1, "once for the clip"
        # where no attempt is like enough, each one is told, and nobody is asked about them
        run("actor18m build edited.yaml --only subset-B --set edits.like_source=0.999 --yes --allow-shrinking 1")
        assert Counter(each.body["response_format"]["json_schema"]["name"] for each in server.log) == forms
    for row in edits():
        assert (row["state"], row["stage"], row["rule"]) == ("rejected", "edits", "like_source")
        assert len(told(row)) == 4
        assert max(told(row)) < 0.999


def edits() -> list[dict[str, Any]]:
    """Rows of subset B."""
    rows = pq.read_table("dataset/latest/metadata/references").to_pylist()
    return [row for row in rows if row["subset"] == "B"]


def told(row: dict[str, Any]) -> list[float]:
    """Scores of all attempts at an image, each of which has the instruction and a seed of its own."""
    assert row["instruction"] == f"Show them {row['environment_text']}."
    assert row["source_key"] == f"{row['clip']}-{row['source_image']}"
    attempts = row["attempts"]
    assert [each["candidate"] for each in attempts] == [*range(1, row["candidate"] + 1)]
    assert {each["prompt"] for each in attempts} == {row["instruction"]}
    assert len({each["seed"] for each in attempts}) == len(attempts)
    return [each["source_similarity"] for each in attempts]
