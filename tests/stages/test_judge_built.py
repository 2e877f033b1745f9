"""The judge in a pipeline: it looks at what a maker made, beside the image that it was made from."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actor18m import build
from actor18m.models.lock import read_lock
from actor18m.samples.shipped import SHIPPED
from tests.docs.page import Reader, reader

__all__ = ["reader"]

PIPELINE = """
extends: toy.yaml
name: judged
stages:
  - stage: stages.judge:Judge
    of: [tint]
    roles: {faces: centerface, identity: dlib-face, encoder: efficientnet, pose: mediapipe-pose}
policy:
  judge:
    verdict: {value: "cast(verdict = 'consistent' as integer)", equals: 1}
publish:
  images: all
"""


@pytest.mark.slow
def test_images_are_kept_by_its_verdict(reader: Reader, pulled: Callable[[str], None], tmp_path: Path) -> None:
    for model in read_lock().models:
        pulled(model)
    reader.write_files("a-subset.md")
    Path("judged.yaml").write_text(PIPELINE)
    shutil.copy(SHIPPED / "talk_yaw_1.mp4", "clip.mp4")
    built = build("judged.yaml", inputs=["clip.mp4"], only="subset-T")
    every = pq.read_table("dataset/latest/metadata/references").to_pylist()
    rows = [row for row in every if row["subset"] == "T"]
    assert len(rows) == sum(built.images["T"].values()) == 5
    assert {(row["state"], row["verdict"]) for row in rows} == {("kept", "consistent"), ("rejected", "inconsistent")}
    assert {row["judged_by"] for row in rows} == {"measured"}
    for row in rows:
        # a maker that brings no mask leaves nothing but the face to compare, and nobody is known from the side
        assert row["face"] == ("consistent" if row["state"] == "kept" else "not_visible")
        assert row["state"] == "rejected" or row["face_similarity"] > 0.7
