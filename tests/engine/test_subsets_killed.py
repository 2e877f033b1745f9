"""A build can be killed while the images of any subset are made or judged: what was made is not made again."""

import shutil
from functools import partial
from pathlib import Path

import pytest

from actor18m.samples.shipped import SHIPPED
from tests.engine.killing import ROOT, Build, Project
from tests.engine.test_killed import one_clip_a_call

MAKERS = ("view_images", "attribute_images", "sheet_images")
SAMPLES = ("turn_standing_1", "expressions_2")


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["serial", "ray"])
@pytest.mark.usefixtures("embedded_models")
def test_killed_inside_any_subset_it_publishes_the_same_bytes(tmp_path: Path, executor: str) -> None:
    (tmp_path / "in").mkdir()
    for name in SAMPLES:
        shutil.copy(SHIPPED / f"{name}.mp4", tmp_path / "in")
    pipeline = (ROOT / "pipelines" / "embedded.yaml").read_text()
    (tmp_path / "pipeline.yaml").write_text(one_clip_a_call(pipeline))
    whole = Project(tmp_path / "undisturbed", tmp_path / "in", tmp_path / "pipeline.yaml")
    whole.finish()
    options = ("--executor", executor, *(("--workers", "2") if executor == "ray" else ()))
    killed = whole.again(tmp_path / "killed")
    for stage in (*reversed(MAKERS), "judge"):
        build = killed.start(*options)
        build.until(partial(_is_at, build, stage))
        build.kill()
        print(f"killed in {stage}: {dict(killed.rows())}")
    killed.finish(*options)
    assert killed.published() == whole.published()
    made = killed.rows()
    assert {name: made[name] for name in MAKERS} == {name: whole.rows()[name] for name in MAKERS}


def _is_at(build: Build, stage: str) -> bool:
    return stage in build.stages()
