"""A build can be killed at any moment: run again until it is done, it publishes what an undisturbed one does."""

from collections import Counter
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.engine.drawing import PIPELINE as DRAWN
from tests.engine.killed_samples import project_of
from tests.engine.killing import PAUSE_S, Project, finished, kill_often, paused

STEADY = ("read", "look", "deep")
EMBEDDED = ("annotate", "view_images")
SAMPLES = ("talk_yaw_1", "turn_standing_1", "half_turn_1", "near_duplicate_1", "from_behind_1", "low_resolution_1")


def test_killed_and_resumed_it_publishes_the_same_bytes(few: Project, tmp_path: Path) -> None:
    kill_often(few, few.again(tmp_path / "killed"), STEADY, in_stages=3, in_publish=1)


@pytest.mark.slow
def test_killed_ten_times_it_publishes_the_same_bytes(many: Project, tmp_path: Path) -> None:
    kill_often(many, many.again(tmp_path / "killed"), STEADY, in_stages=8, in_publish=2)


@pytest.mark.slow
def test_killed_ten_times_on_ray_with_changing_workers_it_publishes_the_same_bytes(
    many: Project, tmp_path: Path
) -> None:
    kill_often(many, many.again(tmp_path / "killed"), STEADY, in_stages=8, in_publish=2, options=_ray)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["serial", "ray"])
def test_killed_inside_makers_and_those_who_look_it_publishes_the_same_images(tmp_path: Path, executor: str) -> None:
    drawn = finished(tmp_path, 60, paused(PAUSE_S, DRAWN, not_in="Ask"))
    images = pq.read_table(drawn.latest / "metadata" / "references", columns=["state"])["state"].to_pylist()
    assert Counter(images).keys() == {"kept"}
    assert len(images) > 200
    options = _ray if executor == "ray" else _serial
    kill_often(drawn, drawn.again(tmp_path / "killed"), ("draw", "describe"), 6, 2, options)


@pytest.mark.slow
@pytest.mark.usefixtures("embedded_models")
def test_killed_with_real_models_it_publishes_the_same_bytes(tmp_path: Path) -> None:
    whole = project_of(SAMPLES, tmp_path)
    print(whole.finish())
    kill_often(whole, whole.again(tmp_path / "killed"), EMBEDDED, in_stages=2, in_publish=1)


def _serial(run: int) -> tuple[str, ...]:
    return ()


def _ray(run: int) -> tuple[str, ...]:
    """Another number of workers each time."""
    return ("--executor", "ray", "--workers", str((2, 1, 3)[run % 3]))
