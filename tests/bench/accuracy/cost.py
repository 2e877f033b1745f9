"""What the stages cost on one core, and whether memory stays flat over ten times as many clips.

Every run is a process of its own and an engine that measures serially into a new store. Processor time is told, since
other things may run on the machine; loading the models is told apart.
"""

import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from actor18m import build as engine
from actor18m.build import Project
from actor18m.execute.serial import SerialWorkers
from actor18m.execute.work import Duty, Task, Worker
from actor18m.execute.workers import Broken, Done
from actor18m.inputs import Input
from actor18m.store import make_store
from actor18m.writer import hold
from tests.bench import measure
from tests.bench.accuracy import sets
from tests.bench.accuracy.build import DEFAULT, pipelines, without_gates
from tests.bench.no_ops import Silent

CORES = 2
"""Of the machine that the bar is about."""
REAL_TIME_BAR = 3.0
FEW, TIMES = 4, 10
WINDOW, STEP = 48, 4
"""Frames of a window of a clip, and between windows: each is a clip of its own."""


def main() -> None:
    console = Console()
    clips = [clip for clip in sets.samples(sets.SHIPPED, sets.shipped_folder()).clips if clip.state == "accepted"]
    seconds = sum(clip.truth.duration_s for clip in clips[::2] if clip.truth)
    loading, measuring = measure.cost(busy, [Input(clip.uri) for clip in clips[::2]]).result
    console.print(_table(loading, measuring, len(clips[::2]), seconds))
    few = [Input(clip.uri, cut=(0, WINDOW)) for clip in clips[:FEW]]
    starts = range(0, STEP * TIMES, STEP)
    many = [Input(clip.uri, cut=(start, start + WINDOW)) for clip in clips[:FEW] for start in starts]
    peaks = [measure.cost(busy, inputs).peak_mib for inputs in (few, many)]
    console.print(f"peak memory: {peaks[0]:.0f} MiB for {len(few)} clips, {peaks[1]:.0f} MiB for {len(many)}")


def busy(inputs: Sequence[Input]) -> tuple[dict[str, float], dict[str, float]]:
    """Seconds of the processor by stage: loading its models, measuring all clips."""
    alone = without_gates(pipelines()[DEFAULT]).model_copy(update={"duplicates": None})
    with tempfile.TemporaryDirectory() as folder, hold(make_store(Path(folder, "store"))) as lease:
        project = Project(alone, lease.store)
        engine.register(project, lease, inputs)
        hired: list[_Timed] = []

        def hire(duties: Mapping[str, Duty]) -> _Timed:
            hired.append(_Timed(duties))
            return hired[-1]

        tally = engine.measure(project, lease, hire, Silent())
    if any(tally.failed.values()) or any(tally.measured[link.name] != len(inputs) for link in project.chain):
        raise SystemExit(f"not every clip was measured by every stage: {tally.measured}, failed: {tally.failed}")
    return hired[0].loading, hired[0].measuring


class _Timed(SerialWorkers):
    """Has all models loaded before the first clip comes."""

    def __init__(self, duties: Mapping[str, Duty]) -> None:
        super().__init__(duties)
        self.loading: dict[str, float] = {}
        self.measuring = dict.fromkeys(duties, 0.0)
        self._stage = ""
        for stage, duty in duties.items():
            begun = time.process_time()
            self._workers[stage] = Worker(duty)
            self.loading[stage] = time.process_time() - begun

    def submit(self, task: Task) -> None:
        self._stage = task.stage
        super().submit(task)

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        begun = time.process_time()
        ended = super().wait(seconds)
        if ended:
            self.measuring[self._stage] += time.process_time() - begun
        return ended


def _table(loading: Mapping[str, float], measuring: Mapping[str, float], clips: int, seconds: float) -> Table:
    title = f"Processor time of one core, {clips} clips of {seconds:.0f} s"
    table = Table("stage", "load, s", "ms a clip-second", "share", title=title)
    total = sum(measuring.values())
    for stage, took in measuring.items():
        table.add_row(stage, f"{loading[stage]:.1f}", f"{1e3 * took / seconds:.0f}", f"{took / total:.0%}")
    table.add_section()
    table.add_row("all", f"{sum(loading.values()):.1f}", f"{1e3 * total / seconds:.0f}", "")
    on_cores = total / seconds / CORES
    said = "met" if on_cores <= REAL_TIME_BAR else "missed"
    table.caption = f"{on_cores:.2f} times real time on {CORES} cores; bar: at most {REAL_TIME_BAR:g}, {said}"
    return table


if __name__ == "__main__":
    main()
