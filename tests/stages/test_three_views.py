"""Sheets and captions through the engine, with real models: what docs promise of subset C."""

import json
import shutil
import tarfile
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from actor18m import build
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from tests.stages.sheet_by_truth import mask_of, off_lines, true_views

OWN = 'A source\'s own words, "as they are".'


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_golden_clips_have_a_sheet_and_every_clip_a_caption(tmp_path: Path) -> None:
    for name in ("turn_walking_1", "talk_yaw_1"):
        shutil.copy(SHIPPED / f"{name}.mp4", tmp_path)
    rows = [{"path": "turn_walking_1.mp4", "caption": OWN}, {"path": "talk_yaw_1.mp4"}]
    (tmp_path / "list.jsonl").write_text("\n".join(json.dumps(row) for row in rows))
    built = build(
        "embedded", inputs=[str(tmp_path / "list.jsonl")], store=tmp_path / "store",
        dataset=tmp_path / "dataset",
    )  # fmt: skip
    assert built.states == {"accepted": 2}
    metadata = tmp_path / "dataset" / "latest" / "metadata"
    (sheet,) = [row for row in pq.read_table(metadata / "references").to_pylist() if row["subset"] == "C"]
    assert (sheet["state"], sheet["method"], sheet["how"]) == ("kept", "composited", "layout")
    assert sheet["seen_views"] == ["front", "side", "back"]
    files = {name: content for name, content in samples(tmp_path, "subset-C").items() if name.startswith(sheet["key"])}
    truth = Truth.read(SHIPPED / "turn_walking_1.json")
    assert true_views(sheet["anchors"], truth) == ["front", "side", "back"]
    apart = off_lines(
        mask_of({"mask.png": files[f"{sheet['key']}.mask.png"]}), sheet["scales"], sheet["anchors"], truth
    )
    assert max(apart.values()) < 0.03, apart
    facts = json.loads(files[f"{sheet['key']}.json"])
    assert not {"masks", "points"} & facts.keys(), "they are for the maker alone"
    captions = {row["clip"]: row for row in pq.read_table(metadata / "clips").to_pylist()}
    told = {facts["clip"]: facts for facts in map(json.loads, jsons(samples(tmp_path, "videos")))}
    assert told.keys() == captions.keys()
    for clip, row in captions.items():
        assert told[clip]["captions_caption"] == row["captions_caption"] != ""
        assert told[clip]["captions_written_by"] == "template"
        assert [each["view"] for each in told[clip]["captions_moments"]] == [
            each["view"] for each in row["captions_moments"]
        ]
        assert told[clip]["source_caption"] == (row["source_caption"] or "")
    assert sorted(row["source_caption"] or "" for row in captions.values()) == ["", OWN]


def samples(folder: Path, family: str) -> dict[str, bytes]:
    found: dict[str, bytes] = {}
    for shard in (folder / "dataset" / "latest" / family).glob("*.tar"):
        with tarfile.open(shard) as tar:
            for member in tar:
                stream: Any = tar.extractfile(member)
                found[member.name] = stream.read()
    return found


def jsons(files: dict[str, bytes]) -> list[bytes]:
    return [content for name, content in files.items() if name.endswith(".json")]
