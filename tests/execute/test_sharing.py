"""A short queue is shared out over the workers that there are; a long one in whole calls."""

import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from actor18m.building import measuring
from actor18m.building.listener import Silent
from actor18m.catalog.sources import find_inputs
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute.messages import Task
from actor18m.execute.tally import Tally
from actor18m.execute.worker import Worker
from actor18m.execute.workers import Broken, Done
from actor18m.storage.lease import Lease
from actor18m.survey.project import Project
from tests.engine.films import film
from tests.engine.steady import PIPELINE


class Noted:
    """Two workers' worth of room; what they are given is done in the order that it came."""

    def __init__(self, workers: dict[str, Worker], calls: int) -> None:
        self._workers, self._calls = workers, calls
        self._waiting: list[Task] = []
        self.tasks: list[tuple[str, int]] = []

    def now(self) -> float:
        return time.monotonic()

    def room(self, stage: str, waiting: int = 1) -> int:
        return self._calls - sum(task.stage == stage for task in self._waiting)

    def room_alone(self, stage: str) -> int:
        return 0

    def at_once(self, stage: str) -> int:
        return self._calls

    def watch(self, moved: Callable[[str, int], None]) -> None:
        """Nobody looks."""

    def submit(self, task: Task) -> None:
        self.tasks.append((task.stage, len(task.todos)))
        self._waiting.append(task)

    def submit_alone(self, task: Task) -> None:
        raise AssertionError("nothing is suspected")

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        task = self._waiting.pop(0)
        return [Done(task, self._workers[task.stage].do(task))]

    def held(self) -> Mapping[str, float]:
        return {}

    def stop(self, stage: str) -> None: ...
    def release(self, stage: str) -> None: ...
    def close(self) -> None: ...


def drained(lease: Lease, folder: Path, clips: int, calls: int, pause_s: float) -> tuple[Noted, Tally]:
    for number in range(clips):
        (folder / f"{number}.mp4").write_bytes(film(f"take number {number}"))
    slow = PIPELINE.replace('steady:Steady"}', f'steady:Steady"}}\n    parameters: {{pause_s: {pause_s}}}')
    project = Project(parse_pipeline(slow.replace("at_least: 0.4", "at_least: 0"), "steady"), lease.store)
    measuring.register(project, lease, find_inputs([str(folder)]))
    hired: list[Noted] = []

    def hire(duties: dict[str, object]) -> Noted:
        hired.append(Noted({stage: Worker(duty) for stage, duty in duties.items()}, calls))  # type: ignore[arg-type]
        return hired[0]

    tally = measuring.measure(project, lease, hire, Silent())  # type: ignore[arg-type]
    return hired[0], tally


@pytest.mark.parametrize(("clips", "first"), [(5, [2, 2, 1]), (16, [4, 4, 4, 4]), (2, [1, 1])])
def test_a_few_clips_are_shared_out_among_all_calls_that_may_fly(
    lease: Lease, tmp_path: Path, clips: int, first: list[int]
) -> None:
    (tmp_path / "videos").mkdir()
    noted, tally = drained(lease, tmp_path / "videos", clips, calls=4, pause_s=0.3)
    assert [size for stage, size in noted.tasks if stage == "read"][: len(first)] == first
    assert all(size <= 4 for stage, size in noted.tasks if stage == "look"), "each takes a while"
    assert tally.measured == {"read": clips, "look": clips, "deep": clips}


def test_one_worker_gets_whole_calls(lease: Lease, tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    noted, _ = drained(lease, tmp_path / "videos", 16, calls=1, pause_s=0.0)
    assert next(size for stage, size in noted.tasks if stage == "read") == 8
