"""What the stages cost on one core, and whether memory stays flat over ten times as many clips.

Every run is a process of its own and an engine that measures serially into a new store. Processor time is told, since
other things may run on the machine; loading the models is told apart. Memory is what the process holds at most while a
stage measures, models of all stages included; it is asked of Linux.
"""

import struct
import tempfile
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.table import Table

from accuracy import sets
from accuracy.build import DEFAULT, inputs_now, pipelines
from actor18m.building import measuring
from actor18m.building.listener import Silent
from actor18m.execute.messages import Duty, Task
from actor18m.execute.serial import SerialWorkers
from actor18m.execute.worker import Worker
from actor18m.execute.workers import Broken, Done
from actor18m.inputs import Input, local_path
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey.project import Project
from tests.bench import measure

CORES = 2
"""Of the machine that the bar is about."""
REAL_TIME_BAR = 3.0
SHOWN, FEW, TIMES = 4, 24, 10
"""Clips of so many samples. Few are three full calls of each stage: libraries then have nearly all that they keep, and
allocators nearly all that lies between what is used.
"""
WINDOW = 12
"""Frames of such a clip."""


@dataclass(frozen=True)
class Spent:
    """By stage."""

    loading_s: Mapping[str, float]
    measuring_s: Mapping[str, float]
    peaks_mib: Mapping[str, Sequence[tuple[int, float]]]
    """After each task, how many clips were measured, and what the process has held at most since the task before, the
    engine's work between them included."""


def main() -> None:
    console = Console()
    clips = [clip for clip in sets.samples(sets.SHIPPED, sets.shipped_folder()).clips if clip.state == "accepted"]
    seconds = sum(clip.truth.duration_s for clip in clips[::2] if clip.truth)
    spent: Spent = measure.cost(busy, [Input(clip.uri) for clip in clips[::2]]).result
    console.print(_times(spent, len(clips[::2]), seconds))
    console.print(_peaks(measure.cost(busy_with_copies, [clip.uri for clip in clips[:SHOWN]], FEW * TIMES).result))


def busy_with_copies(uris: Sequence[str], count: int) -> Spent:
    """Of these videos in turn: the same pictures, and each copy a content of its own."""
    with tempfile.TemporaryDirectory() as folder:
        inputs = []
        for number in range(count):
            original = local_path(uris[number % len(uris)])
            assert original is not None
            copy = Path(folder, f"{number}.mp4")
            copy.write_bytes(original.read_bytes() + struct.pack(">I4sI", 12, b"free", number))
            inputs.append(Input(str(copy), cut=(0, WINDOW)))
        return busy(inputs)


def busy(inputs: Sequence[Input]) -> Spent:
    """All stages measure all clips."""
    alone = pipelines()[DEFAULT].model_copy(update={"duplicates": None, "policy": {}})
    with tempfile.TemporaryDirectory() as folder, hold(make_store(Path(folder, "store"))) as lease:
        project = Project(alone, lease.store)
        measuring.register(project, lease, inputs_now(inputs))
        hired: list[_Watched] = []

        def hire(duties: Mapping[str, Duty]) -> _Watched:
            hired.append(_Watched(duties))
            return hired[-1]

        tally = measuring.measure(project, lease, hire, Silent())
    if any(tally.failed.values()) or any(tally.measured[link.name] != len(inputs) for link in project.chain):
        raise SystemExit(f"not every clip was measured by every stage: {tally.measured}, failed: {tally.failed}")
    return hired[0].spent


class _Watched(SerialWorkers):
    """Has all models loaded before the first clip comes."""

    def __init__(self, duties: Mapping[str, Duty]) -> None:
        super().__init__(duties)
        loading: dict[str, float] = {}
        self._measuring = dict.fromkeys(duties, 0.0)
        self._peaks: dict[str, list[tuple[int, float]]] = {stage: [] for stage in duties}
        self.spent = Spent(loading, self._measuring, self._peaks)
        self._task: Task | None = None
        for stage, duty in duties.items():
            begun = time.process_time()
            self._workers[stage] = Worker(duty, self._shared)
            loading[stage] = time.process_time() - begun
        _forget_peak()

    def submit(self, task: Task) -> None:
        self._task = task
        super().submit(task)

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        begun = time.process_time()
        ended = super().wait(seconds)
        if ended and self._task:
            self._measuring[self._task.stage] += time.process_time() - begun
            peaks = self._peaks[self._task.stage]
            before = peaks[-1][0] if peaks else 0
            peaks.append((before + len(self._task.todos), _peak_mib()))
            _forget_peak()
        return ended


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5")


def _peak_mib() -> float:
    """Since it was forgotten."""
    (line,) = (line for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) / 1024


def _times(spent: Spent, clips: int, seconds: float) -> Table:
    title = f"Processor time of one core, {clips} clips of {seconds:.0f} s"
    table = Table("stage", "load, s", "ms a clip-second", "share", title=title)
    total = sum(spent.measuring_s.values())
    for stage, took in spent.measuring_s.items():
        table.add_row(stage, f"{spent.loading_s[stage]:.1f}", f"{1e3 * took / seconds:.0f}", f"{took / total:.0%}")
    table.add_section()
    table.add_row("all", f"{sum(spent.loading_s.values()):.1f}", f"{1e3 * total / seconds:.0f}", "")
    on_cores = total / seconds / CORES
    said = "met" if on_cores <= REAL_TIME_BAR else "missed"
    table.caption = f"{on_cores:.2f} times real time on {CORES} cores; bar: at most {REAL_TIME_BAR:g}, {said}"
    return table


def _peaks(spent: Spent) -> Table:
    table = Table("stage", f"first {FEW} clips", f"{FEW * TIMES} clips", "more", title="Peak memory, MiB")
    firsts, alls = [], []
    for stage, peaks in spent.peaks_mib.items():
        firsts.append(max(peak for clips, peak in peaks if clips <= FEW))
        alls.append(max(peak for _, peak in peaks))
        table.add_row(stage, *_compared(firsts[-1], alls[-1]))
    table.add_section()
    table.add_row("all", *_compared(max(firsts), max(alls)))
    return table


def _compared(first: float, every: float) -> tuple[str, str, str]:
    return f"{first:.0f}", f"{every:.0f}", f"{every / first - 1:.1%}"


if __name__ == "__main__":
    main()
