import errno
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pytest

from actor18m.execute import work
from actor18m.execute.work import Duty, Task, Todo, Worker
from actor18m.index import Values
from actor18m.ledger import Ledger
from actor18m.rows import OK
from actor18m.stage import Clip, Failure, Row, Stage, schema
from actor18m.step import Step
from actor18m.writer import Lease


class OutOfMemoryError(RuntimeError):
    """As torch has one."""


class Troubled(Stage):
    """Cannot do what a clip's name says."""

    version = 1
    writes = schema("troubled", seen=pa.bool_())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            if clip.uri == "hungry":
                raise OutOfMemoryError("tried to allocate 80 GiB")
            if clip.uri != "well":
                raise OSError(getattr(errno, clip.uri), "as named")
            yield Row(clip.key, {"seen": True})


def test_a_machine_in_trouble_makes_no_clip_fail(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(work, "PATIENCE_S", ())
    ledger = Ledger(lease.store, "troubled", "f1")
    step = Step(stage=f"{__name__}:Troubled")
    worker = Worker(Duty("troubled", step, ledger, {}, Values("none", (), lambda rows: rows.select([])), lease))
    names = ["well", "ENOSPC", "EMFILE", "EINVAL", "well"]
    todos = tuple(Todo(f"{number:020x}", "d", name) for number, name in enumerate(names))
    report = worker.do(Task(0, "troubled", 0, todos, {}))
    assert report.given_up.keys() == {todos[1].key, todos[2].key}
    assert report.raised.keys() - report.given_up.keys() == {todos[3].key}, "whose fault it is the driver says"
    (_, rows), *_ = ledger.read()
    states = dict(zip(rows["key"].to_pylist(), rows["state"].to_pylist(), strict=True))
    assert states == {todos[0].key: OK, todos[4].key: OK}


def test_a_gpu_without_memory_left_makes_no_clip_fail(lease: Lease) -> None:
    step = Step(stage=f"{__name__}:Troubled")
    ledger = Ledger(lease.store, "troubled", "f1")
    worker = Worker(Duty("troubled", step, ledger, {}, Values("none", (), lambda rows: rows.select([])), lease))
    todos = tuple(Todo(f"{number:020x}", "d", name) for number, name in enumerate(["well", "hungry"]))
    assert worker.do(Task(0, "troubled", 0, todos, {})).out_of_memory == (todos[1].key,)
