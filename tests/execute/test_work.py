import errno
from collections.abc import Iterable, Sequence

import pyarrow as pa
import pytest

from actor18m.config.stage_config import Step
from actor18m.execute import trouble
from actor18m.execute.messages import Duty, Task, Todo
from actor18m.execute.worker import Worker
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger
from actor18m.ledger.rows import OK
from actor18m.stage import Clip, Failure, Row, Stage, schema
from actor18m.storage.lease import Lease


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
    monkeypatch.setattr(trouble, "PATIENCE_S", ())
    ledger = Ledger(lease.store, "troubled", "f1")
    step = Step(stage=f"{__name__}:Troubled")
    worker = Worker(Duty("troubled", step, ledger, {}, {}, Values("none", (), lambda rows: rows.select([])), lease))
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
    worker = Worker(Duty("troubled", step, ledger, {}, {}, Values("none", (), lambda rows: rows.select([])), lease))
    todos = tuple(Todo(f"{number:020x}", "d", name) for number, name in enumerate(["well", "hungry"]))
    assert worker.do(Task(0, "troubled", 0, todos, {})).out_of_memory == (todos[1].key,)


class Doubling(Stage):
    """Tells twice of a clip that says so, in whatever company, or only in company; or of another one."""

    version = 1
    writes = schema("doubling", seen=pa.int32())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            yield Row(clip.key, {"seen": 1})
            if clip.uri == "twice" or (clip.uri == "in company" and len(clips) > 1):
                yield Row(clip.key, {"seen": 2})
            if clip.uri == "another":
                yield Row("f" * 20, {"seen": 2})


@pytest.mark.parametrize(
    ("names", "failed"),
    [(["well", "twice", "well"], 1), (["twice"], 0), (["well", "in company"], None), (["another", "well"], 0)],
)
def test_what_a_stage_says_twice_of_a_clip_is_not_believed(lease: Lease, names: list[str], failed: int | None) -> None:
    step = Step(stage=f"{__name__}:Doubling")
    ledger = Ledger(lease.store, "doubling", "f1")
    worker = Worker(Duty("doubling", step, ledger, {}, {}, Values("none", (), lambda rows: rows.select([])), lease))
    todos = tuple(Todo(f"{number:020x}", "d", name) for number, name in enumerate(names))
    report = worker.do(Task(0, "doubling", 0, todos, {}))
    wrong = {number for number, todo in enumerate(todos) if todo.key in report.raised}
    assert wrong == (set() if failed is None else {failed})
    for raised in report.raised.values():
        other = "an outcome of ffffffffffffffffffff, which it was not given"
        twice = f"two outcomes of clip {todos[failed or 0].key}"
        assert raised.message.startswith(f"stage doubling gave {other if 'another' in names else twice} in")
    rows = [row for _, table in ledger.read() for row in table.to_pylist()]
    assert {row["key"] for row in rows} == {todo.key for todo in todos} - report.raised.keys()
    assert {row["seen"] for row in rows} <= {1}
