"""What a result costs the driver, with few items under way and with many: processor time of its thread for each image
that is measured.

Nobody measures anything: pretended workers answer, so many times a second as 1,000 GPUs would at 3 s an image, one
image a call. The pipeline has ten stages; clips have come as far as their requests, 25 images each, which are made and
looked at. What the workers do here (make rows, as a report has them) is not counted. More than about 100,000 are never
under way: lots begin in order, 64 at a time.

python -m tests.bench.driver_cost [--items 1000]... [--rate 330] [--results 2000]
"""

import argparse
import tempfile
import time
from collections import defaultdict, deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import ClassVar

import pyarrow as pa
from pyarrow import field, int32, list_, string, struct

from actor18m.building.listener import Silent
from actor18m.building.measuring import register
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute.drain import Drain
from actor18m.execute.duties import duties_of
from actor18m.execute.journal import Journal
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.workers import Broken, Done
from actor18m.inputs import Input
from actor18m.ledger.index import known_of
from actor18m.stage import Clip, Failure, Image, Requests, Row, Stage, schema
from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import make_store
from actor18m.survey.project import Project
from tests.bench.no_ops import One, Three, Two

IMAGES = 25
GPUS, SECONDS = 1000, 3.0
"""So many are under way; each result comes after so long."""


class _After(Stage):
    version = 1

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        raise NotImplementedError


class Four(_After):
    needs: ClassVar = {Three: ("value",)}
    writes = schema("four", value=int32())


class Five(_After):
    needs: ClassVar = {Four: ("value",)}
    writes = schema("five", value=int32())


class Six(_After):
    needs: ClassVar = {Five: ("value",)}
    writes = schema("six", value=int32())


class Seven(_After):
    needs: ClassVar = {Six: ("value",)}
    writes = schema("seven", value=int32())


class Ask(_After):
    needs: ClassVar = {Seven: ("value",)}
    requests = Requests("views", "view")
    writes = schema("ask", views=list_(struct([field("name", string()), field("prompt", string())])))


class Make(Stage[Image]):
    version = 1
    of = "requests"
    writes = schema("make", sha256=string())


class Look(Stage[Image]):
    version = 1
    of = "images"
    writes = schema("look", seen=int32())


STAGES = (One, Two, Three, Four, Five, Six, Seven, Ask, Make, Look)
PIPELINE = "".join(
    [
        "name: driven\nprofile: bench\nstages:\n",
        *(f"  - {{stage: '{each.__module__}:{each.__name__}', run: {{clips_per_call: 1}}}}\n" for each in STAGES),
        "policy:\n",
        *(f"  {name}: {{is_there: {{value: value, at_least: 1}}}}\n" for name in ("two", "four", "six")),
        "  look: {is_seen: {value: seen, at_least: 1}}\n",
        "subsets:\n  A: {references: make}\n",
    ]
)


def values_of(stage: str, key: str) -> dict[str, object]:
    if stage == "one":
        clip = f"{int(key[:12], 16):020x}"
        return {"clip": clip, "content_sha256": clip, "signature": None, "duration_s": None, "value": 1}
    if stage == "ask":
        return {"views": [{"name": f"face-view-{n:02d}", "prompt": f"the view {n} of it"} for n in range(IMAGES)]}
    return {"sha256": f"{key:0<64}"} if stage == "make" else {"seen" if stage == "look" else "value": 1}


class Enough(Exception):
    """So many results were taken."""


class Pretended:
    """Takes as much as so many GPUs would, and answers at their rate."""

    def __init__(self, duties: Mapping[str, Duty], rate: float) -> None:
        self._duties, self._rate = duties, rate
        self.left = 0
        self._waiting: deque[Task] = deque()
        self._due = 0.0
        self.own_s = 0.0
        """Of the thread's time, what is not the driver's."""
        self.waits = 0

    @contextmanager
    def _not_counted(self) -> Iterator[None]:
        begun = time.thread_time()
        try:
            yield
        finally:
            self.own_s += time.thread_time() - begun

    def now(self) -> float:
        return time.monotonic()

    def room(self, stage: str, waiting: int = 1) -> int:
        return max(0, GPUS - len(self._waiting))

    def room_alone(self, stage: str) -> int:
        return 0

    def at_once(self, stage: str) -> int:
        return GPUS

    def watch(self, moved: Callable[[str, int], None]) -> None: ...
    def submit(self, task: Task) -> None:
        self._waiting.append(task)

    def submit_alone(self, task: Task) -> None: ...
    def held(self) -> Mapping[str, float]:
        return {}

    def stop(self, stage: str) -> None: ...
    def release(self, stage: str) -> None: ...
    def close(self) -> None: ...

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        with self._not_counted():
            if self.left <= 0:
                raise Enough
            now = time.monotonic()
            self._due = self._due or now
            time.sleep(min(seconds, max(0.0, self._due - now)))
            back: list[Done | Broken] = []
            while self._waiting and len(back) < self.left and self._due <= time.monotonic():
                back.append(self._done(self._waiting.popleft()))
                self._due += 1 / self._rate
            self.left -= len(back)
            self.waits += bool(back)
            return back

    def _done(self, task: Task) -> Done:
        duty = self._duties[task.stage]
        rows = table_of(duty, [(todo.key, todo.input_digest) for todo in task.todos])
        return Done(task, Report(f"{task.number:016x}", known_of([(task.lot, rows)], duty.values), {}, (), SECONDS))


def table_of(duty: Duty, about: Sequence[tuple[str, str]]) -> pa.Table:
    rows = [Row(key, values_of(duty.stage, key)) for key, _ in about]
    return duty.step.stage_class.writes.table(rows, dict(about))


def fill(project: Project, lease: Lease) -> None:
    """All clips come as far as their requests."""
    duties = duties_of(project, lease, project.stages.links)
    for link in project.stages.clips:
        for _, surveyed in project.record().surveyed():
            by_lot: dict[int, list[tuple[str, str]]] = defaultdict(list)
            for row in surveyed.missing[link.name].select(["lot", "key", "input_digest"]).to_pylist():
                by_lot[row["lot"]].append((row["key"], row["input_digest"]))
            for lot, about in by_lot.items():
                duties[link.name].ledger.commit(lease, lot, table_of(duties[link.name], about))


def measured(items: int, rate: float, results: int) -> None:
    with tempfile.TemporaryDirectory() as folder, hold(make_store(f"{folder}/store")) as lease:
        project = Project(parse_pipeline(PIPELINE, "driven"), lease.store)
        clips = items // IMAGES
        register(project, lease, (Input(f"s3://bucket/{n:08d}.mp4", version=str(n)) for n in range(clips)))
        fill(project, lease)
        duties = duties_of(project, lease, project.stages.links)
        with Journal(lease) as journal:
            workers = Pretended(duties, rate)
            drain = Drain(project.record(), lease, journal, workers, Silent())
            to_begin_s = busy_s(drain, workers, 1)
            since = time.monotonic()
            driver_s = busy_s(drain, workers, results)
            seconds = time.monotonic() - since
        print(
            f"{items:>10,} {to_begin_s:>9.1f} s {results / seconds:>9.0f}/s {results / workers.waits:>9.1f} "
            f"{driver_s / results * 1e3:>12.3f} ms {driver_s / seconds:>8.0%}",
            flush=True,
        )


def busy_s(drain: Drain, workers: Pretended, results: int) -> float:
    """The driver's, until so many results came."""
    workers.left, workers.own_s, workers.waits = results, 0.0, 0
    begun = time.thread_time()
    with suppress(Enough):
        drain.run()
    return time.thread_time() - begun - workers.own_s


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--items", type=int, action="append")
    parser.add_argument("--rate", type=float, default=GPUS / SECONDS)
    parser.add_argument("--results", type=int, default=2000)
    args = parser.parse_args()
    print(f"{'under way':>10} {'to begin':>11} {'results':>11} {'at a time':>9} {'a result':>15} {'of a core':>8}")
    for items in args.items or [1_000, 10_000, 100_000]:
        measured(items, args.rate, args.results)


if __name__ == "__main__":
    main()
