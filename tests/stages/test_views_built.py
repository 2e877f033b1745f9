"""Views of two samples, from the video to the table, with the real models."""

import shutil
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from accuracy.at import frame_at
from accuracy.viewpoints import obtained
from actor18m.cli.app import app
from actor18m.media.views import angle_between, view_shown
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth

PIPELINE = """
extends: embedded
name: views
stages:
  - stage: stages.views:Views
    parameters: {prompts: {top_down: "from above"%s}}
"""
CLIPS = ("turn_standing_1", "expressions_1")


def build(folder: Path, more: str = "") -> str:
    (folder / "views.yaml").write_text(PIPELINE % more)
    inputs = [word for name in CLIPS for word in ("--input", str(folder / f"{name}.mp4"))]
    places = ["--store", str(folder / "store"), "--dataset", str(folder / "dataset")]
    done = CliRunner().invoke(app, ["build", str(folder / "views.yaml"), *inputs, *places, "--only", "subset-A"])
    assert done.exit_code == 0, done.output
    return done.stdout


def _share_seen_alike(time_s: float) -> float:
    """Of the frames of turn_standing_1, by truth."""
    truth = Truth.read(SHIPPED / "turn_standing_1.json")
    yaws = [truth.actors[0].body_yaw_deg[frame] for frame in truth.mask_frames]
    own = truth.actors[0].body_yaw_deg[frame_at(truth, time_s)]
    assert own is not None
    return sum(yaw is not None and angle_between(yaw, own) <= 15 for yaw in yaws) / len(yaws)


def references(folder: Path) -> dict[str, dict[str, Any]]:
    """By clip and name."""
    rows = pq.read_table(folder / "dataset/latest/metadata/references").to_pylist()
    return {f"{Path(row['uri']).stem} {row['key'].partition('-')[2]}": row for row in rows}


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_views_are_asked_for_made_looked_at_and_published(tmp_path: Path) -> None:
    for name in CLIPS:
        shutil.copy(SHIPPED / f"{name}.mp4", tmp_path)
    build(tmp_path)
    rows = references(tmp_path)
    views = {name: row for name, row in rows.items() if row["maker"] == "view_images"}
    # real frames show the view, by truth too, and none was given before
    real = [row for row in views.values() if row["how"] == "harvest"]
    assert {row["view"] for row in real} >= {"left", "right", "back"}
    truth = Truth.read(SHIPPED / "turn_standing_1.json")
    for row in (row for row in rows.values() if row["time_s"] is not None and row["key"].split("-")[1] == "body"):
        if Path(row["uri"]).stem == "turn_standing_1":
            assert row["same_view_share"] == pytest.approx(_share_seen_alike(row["time_s"]), abs=0.1)
            assert not row["copy_solves"], "of who turns round no view is half of the clip"
        else:
            assert row["copy_solves"], "who stands still is the same in all frames"
    for row in real:
        true = truth.actors[0].body_yaw_deg[frame_at(truth, row["time_s"])]
        assert true is not None
        assert angle_between(row["yaw_deg"], true) < 20
        assert angle_between(row["seen_yaw_deg"], true) < 20
        assert view_shown(row["seen_viewpoint"], row["seen_yaw_deg"]) == row["view"]
        assert (row["method"], row["is_generated"]) == ("real", False)
        assert row["apart_s"] >= 0.5
    crops = {(row["clip"], row["region"], row["sample"]) for row in rows.values() if row["maker"] == "crops"}
    assert not crops & {(row["clip"], row["region"], row["sample"]) for row in real}
    # faces that no frame shows so are turned; what cannot be had says why
    turned = [row for row in views.values() if row["how"] == "mesh"]
    assert {(row["region"], row["method"]) for row in turned} == {("face", "composited")}
    assert {"up", "down"} <= {row["seen_viewpoint"] for row in turned}
    assert all(row["viewpoint"] is None for row in turned), "nobody has measured what was wanted"
    lost = [row for row in views.values() if row["state"] == "unavailable"]
    assert "from which height a body is seen is not measured" in {row["lacks"] for row in lost}
    assert (
        sum(each.wanted for each in obtained(list(rows.values()))) == len(views) == len(real) + len(turned) + len(lost)
    )
    # one more prompt makes the images anew that it is for, and cuts nothing again
    told = build(tmp_path, more=', back: "from behind"')
    asked = sum(row["view"] == "back" for row in views.values())
    made = sum(row["view"] == "back" and row["how"] is not None for row in views.values())
    assert f"view_images: {made} images measured, {asked - made} failed" in told
    assert "crops:" not in told
    assert "annotate:" not in told, "the picture is the same"
