"""A build can be killed at any moment: run again until it is done, it publishes what an undisturbed one does."""

import shutil
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from actor18m.samples.shipped import SHIPPED
from tests.engine.killing import PAUSE_S, PUBLISH, ROOT, Build, Project

STEADY = ("read", "look", "deep")
EMBEDDED = ("intake", "identity")
SAMPLES = ("talk_yaw_1", "turn_standing_1", "half_turn_1", "near_duplicate_1", "from_behind_1", "low_resolution_1")


def test_killed_and_resumed_it_publishes_the_same_bytes(few: Project, tmp_path: Path) -> None:
    _kill_often(few, few.again(tmp_path / "killed"), STEADY, in_stages=3, in_publish=1)


@pytest.mark.slow
def test_killed_ten_times_it_publishes_the_same_bytes(many: Project, tmp_path: Path) -> None:
    _kill_often(many, many.again(tmp_path / "killed"), STEADY, in_stages=8, in_publish=2)


@pytest.mark.slow
def test_killed_ten_times_on_ray_with_changing_workers_it_publishes_the_same_bytes(
    many: Project, tmp_path: Path
) -> None:
    _kill_often(many, many.again(tmp_path / "killed"), STEADY, in_stages=8, in_publish=2, options=_ray)


@pytest.mark.slow
def test_killed_with_real_models_it_publishes_the_same_bytes(tmp_path: Path, pulled: Callable[[str], None]) -> None:
    pulled("centerface")
    pulled("dlib-face")
    (tmp_path / "in").mkdir()
    for name in SAMPLES:
        shutil.copy(SHIPPED / f"{name}.mp4", tmp_path / "in")
    pipeline = (ROOT / "pipelines" / "embedded.yaml").read_text()
    (tmp_path / "pipeline.yaml").write_text(_one_clip_a_call(pipeline))
    whole = Project(tmp_path / "undisturbed", tmp_path / "in", tmp_path / "pipeline.yaml")
    print(whole.finish())
    _kill_often(whole, whole.again(tmp_path / "killed"), EMBEDDED, in_stages=2, in_publish=1)


def _one_clip_a_call(pipeline: str) -> str:
    """Of few clips, some are measured already when a build is killed."""
    lines = pipeline.splitlines()
    called = "    run: {clips_per_call: 1}"
    return "\n".join(f"{line}\n{called}" if line.startswith("  - stage:") else line for line in lines)


def _ray(run: int) -> tuple[str, ...]:
    """Another number of workers each time."""
    return ("--executor", "ray", "--workers", str((2, 1, 3)[run % 3]))


def _kill_often(
    undisturbed: Project,
    project: Project,
    stages: tuple[str, ...],
    in_stages: int,
    in_publish: int,
    options: Callable[[int], tuple[str, ...]] = lambda run: (),
) -> None:
    """Spread evenly over the rows that there are to commit, and over the shards that there are to make."""
    random = Random(18)
    hit: Counter[str] = Counter()
    share = undisturbed.rows().total() / in_stages
    for run in range(in_stages):
        build = project.start(*options(run))
        wanted = min(stages, key=lambda stage: hit[stage])
        _reach(build, wanted, int(share * (run + random.uniform(0, 0.5))), int(share * (run + 0.9)))
        time.sleep(random.uniform(0, 8 * PAUSE_S))
        _kill(build, hit, run)
    for run in range(in_publish):
        build = project.start(*options(in_stages + run))
        _reach_publishing(build, shards=run)
        time.sleep(random.uniform(0, 4 * PAUSE_S))
        _kill(build, hit, in_stages + run)
    print(project.finish(*options(in_stages + in_publish)))
    assert set(hit) >= {*stages, PUBLISH}
    assert project.published() == undisturbed.published()


def _reach(build: Build, stage: str, at_least: int, at_most: int) -> None:
    """So many rows, and a call of this stage; when there is none for long, any."""
    before = build.project.rows().total()

    def is_reached() -> bool:
        rows = build.project.rows().total()
        return rows > max(before, at_least) and (stage in build.stages() or rows >= at_most)

    build.until(is_reached)


def _reach_publishing(build: Build, shards: int) -> None:
    build.until(lambda: build.is_publishing() and build.project.shards_made() >= shards)


def _kill(build: Build, hit: Counter[str], run: int) -> None:
    build.kill(alone=run % 2 == 1)
    assert build.process.returncode == -signal.SIGKILL, build.said
    rows, stages = build.project.rows(), build.stages()
    hit.update(stages)
    told = ", ".join(f"{count} {stage}" for stage, count in rows.items())
    print(f"kill {run + 1:2d} in {' and '.join(sorted(stages)):18s} {rows.total():4d} rows committed: {told}")
