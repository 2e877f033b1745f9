"""The judge in a pipeline: it looks at what a maker made, beside the image that it was made from."""

import json
import shutil
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from actor18m import build
from actor18m.cli.app import app
from actor18m.samples.shipped import SHIPPED
from tests.docs.page import Reader, reader

__all__ = ["reader"]

PIPELINE = """
extends: toy.yaml
name: judged
stages:
  - stage: stages.judge:Judge
    of: [tint]
    parameters: {known_pairs: 1}
    roles: {faces: centerface, identity: dlib-face, encoder: efficientnet, pose: mediapipe-pose}
policy:
  judge:
    verdict: {value: "cast(verdict = 'consistent' as integer)", equals: 1}
publish:
  images: all
"""


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_images_are_kept_by_its_verdict_and_it_is_put_to_the_test(reader: Reader, tmp_path: Path) -> None:
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

    status = json.loads(CliRunner().invoke(app, ["status", "judged.yaml", "--json"]).stdout)
    told = status["judges"]["judge"]
    assert (told["pairs"], told["accepted"]) == (5, 0), "each face beside a stranger's"
    assert "judge accepts 0 of 5 pairs that differ: 0.0%" in CliRunner().invoke(app, ["status", "judged.yaml"]).stdout
    said = CliRunner().invoke(app, ["calibrate", "judged.yaml", "--draw", "curve.svg"])
    assert said.exit_code == 0, said.output
    assert "5 pairs that differ, 5 images" in said.stdout
    assert max(map(len, said.stdout.splitlines())) <= 80
    assert Path("curve.svg").read_text().startswith("<svg")
    rule = said.stdout[said.stdout.index("policy:") :]
    Path("calibrated.yaml").write_text("extends: judged.yaml\nname: calibrated\n" + rule)
    checked = CliRunner().invoke(app, ["validate", "calibrated.yaml"])
    assert checked.exit_code == 0, checked.output
