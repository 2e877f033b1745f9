"""A build can be killed at any moment: run again until it is done, it publishes what an undisturbed one does."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from random import Random

import pytest

from tests.engine.killing import PAUSE_S, PUBLISH, Build, Project, Undisturbed

STAGES = ("read", "look", "deep")


def test_killed_and_resumed_it_publishes_the_same_bytes(few: Undisturbed, tmp_path: Path) -> None:
    _kill_often(few, few.again(tmp_path / "killed"), in_stages=3, in_publish=1, options=_serial)


@pytest.mark.slow
@pytest.mark.parametrize("executor", ["serial", "ray"])
def test_killed_ten_times_it_publishes_the_same_bytes(many: Undisturbed, tmp_path: Path, executor: str) -> None:
    options = {"serial": _serial, "ray": _ray}[executor]
    _kill_often(many, many.again(tmp_path / "killed"), in_stages=8, in_publish=2, options=options)


def _serial(run: int) -> tuple[str, ...]:
    return ()


def _ray(run: int) -> tuple[str, ...]:
    """Another number of workers each time."""
    return ("--executor", "ray", "--workers", str((2, 1, 3)[run % 3]))


def _kill_often(
    undisturbed: Undisturbed,
    project: Project,
    in_stages: int,
    in_publish: int,
    options: Callable[[int], tuple[str, ...]],
) -> None:
    """Spread evenly over the rows that there are to commit, and over the time of publishing."""
    random = Random(18)
    total = undisturbed.project.rows().total()
    hit: Counter[str] = Counter()
    for run in range(in_stages):
        build = project.start(*options(run))
        wanted = min(STAGES, key=lambda stage: hit[stage])
        _reach(
            build, wanted, int(total * (run + random.uniform(0, 0.5)) / in_stages), int(total * (run + 0.9) / in_stages)
        )
        time.sleep(random.uniform(0, 8 * PAUSE_S))
        _kill(build, hit, run)
    for run in range(in_publish):
        build = project.start(*options(in_stages + run))
        build.until(build.is_publishing)
        time.sleep(random.uniform(0, 0.7) * undisturbed.publish_s)
        _kill(build, hit, in_stages + run)
    print(project.finish(*options(in_stages + in_publish)))
    assert set(hit) >= {*STAGES, PUBLISH}
    assert project.published() == undisturbed.project.published()


def _reach(build: Build, stage: str, at_least: int, at_most: int) -> None:
    """So many rows, and a call of this stage; when there is none for long, any."""
    before = build.project.rows().total()

    def is_reached() -> bool:
        rows = build.project.rows().total()
        return rows > max(before, at_least) and (stage in build.stages() or rows >= at_most)

    build.until(is_reached)


def _kill(build: Build, hit: Counter[str], run: int) -> None:
    build.kill(alone=run % 2 == 1)
    rows, stages = build.project.rows(), build.stages()
    hit.update(stages)
    told = ", ".join(f"{rows[stage]} {stage}" for stage in STAGES)
    print(f"kill {run + 1:2d} in {' and '.join(sorted(stages)):18s} {rows.total():4d} rows committed: {told}")
