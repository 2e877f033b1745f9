"""docs/endpoints.md, followed as it is printed, with a server of the tests at the place of vLLM."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.models.lock import read_lock
from actor18m.samples.shipped import SHIPPED
from tests.docs.page import Reader, blocks, reader, run
from tests.engine.chat_server import KEY, Asked, ChatServer
from tests.stages.asked.painting import words
from tests.stages.asked.test_captions import described

__all__ = ["reader"]


def answers(asked: Asked) -> object:
    is_judge = asked.body["response_format"]["json_schema"]["name"].startswith("Judged")
    return words(observed_view="front") if is_judge else described()


def test_its_pipeline_is_the_embedded_one_with_other_players(reader: Reader) -> None:
    reader.write_files("endpoints.md")
    own, shipped = load_pipeline(Path("asked.yaml")), load_pipeline(find_pipeline("embedded"))
    assert own.stage_names == shipped.stage_names
    assert own.step("judge").of == shipped.step("judge").of
    assert [step.name for step in own.stages if step.waits] == ["captions", "judge"]


@pytest.mark.slow
def test_captions_and_verdicts_are_asked_for_and_published(
    reader: Reader, pulled: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for model in read_lock().models:
        pulled(model)
    monkeypatch.setenv("JUDGE_API_KEY", KEY)
    (reader.folder / "clips").mkdir()
    shutil.copy(SHIPPED / "talk_yaw_1.mp4", reader.folder / "clips")
    reader.write_files("endpoints.md")
    with ChatServer(answers) as server:
        pipeline = Path("asked.yaml")
        pipeline.write_text(pipeline.read_text().replace("http://127.0.0.1:8000/v1", server.url))
        commands = [block.text for block in blocks("endpoints.md") if block.language == "sh"]
        assert commands[0].startswith("vllm serve"), "which is what the server stands for"
        printed = "".join(run(line) for text in commands[1:] for line in text.splitlines())
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
