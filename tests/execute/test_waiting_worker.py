import asyncio
import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import ClassVar

import pyarrow as pa
import pytest

from actor18m.config.stage_config import Run, Step
from actor18m.execute import trouble
from actor18m.execute.messages import Duty, Task, Todo
from actor18m.execute.trouble import is_transient, retry_after_s
from actor18m.execute.waiting_worker import WaitingWorker
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger
from actor18m.stage import Clip, Failure, Row, schema
from actor18m.storage.lease import Lease
from actor18m.waiting import WaitingStage
from tests.engine.slow_server import Response, StatusError


class Named(WaitingStage):
    """Does what a clip's name says."""

    version = 1
    reads_source = False
    writes = schema("named", at=pa.float64())

    async def measure_one(self, clip: Clip, /) -> Row:
        await asyncio.sleep(60 if clip.uri == "hang" else 0.3 if clip.uri == "slow" else 0.0)
        if clip.uri == "exit":
            raise SystemExit(1)
        if clip.uri == "hungry":
            raise MemoryError
        return Row("another" if clip.uri == "another" else clip.key, {"at": time.monotonic()})


class Prepared(WaitingStage[Clip, tuple[str, str]]):
    """Makes ready in a thread what it sends; a clip's name says what goes wrong."""

    version = 1
    reads_source = False
    writes = schema("named", at=pa.float64())
    prepared: ClassVar[Counter[str]] = Counter()
    asked: ClassVar[Counter[str]] = Counter()
    ready_before: ClassVar[list[int]] = []
    """How many were ready when each was asked."""

    def prepare(self, clip: Clip, /) -> tuple[str, str] | Failure:
        assert threading.current_thread() is not threading.main_thread()
        with pytest.raises(RuntimeError):
            asyncio.get_running_loop()
        self.prepared[clip.key] += 1
        if clip.uri == "nothing":
            return Failure(clip.key, "nothing", "there is nothing to ask")
        if clip.uri == "unsteady" and self.prepared[clip.key] == 1:
            raise ConnectionResetError("it was cut")
        if clip.uri == "broken":
            raise ValueError("it cannot be read")
        return clip.key, clip.uri

    async def measure_one(self, ready: tuple[str, str], /) -> Row:
        key, uri = ready
        self.asked[key] += 1
        self.ready_before.append(self.prepared.total())
        if uri == "busy" and self.asked[key] < 3:
            raise StatusError(Response(503))
        await asyncio.sleep(0.1)
        return Row(key, {"at": time.monotonic()})


@pytest.fixture
def preparing(lease: Lease) -> Iterator[WaitingWorker]:
    for counts in (Prepared.prepared, Prepared.asked, Prepared.ready_before):
        counts.clear()
    step = Step(stage=f"{__name__}:Prepared", run=Run(concurrency=2))
    ledger = Ledger(lease.store, "named", "f1")
    made = WaitingWorker(Duty("named", step, ledger, {}, {}, Values("no", (), lambda rows: rows.select([])), lease))
    yield made
    made.close()


@pytest.fixture
def worker(lease: Lease, request: pytest.FixtureRequest) -> Iterator[WaitingWorker]:
    """Run as the test says."""
    step = Step(stage=f"{__name__}:Named", run=Run(**getattr(request, "param", {})))
    ledger = Ledger(lease.store, "named", "f1")
    made = WaitingWorker(Duty("named", step, ledger, {}, {}, Values("no", (), lambda rows: rows.select([])), lease))
    yield made
    made.close()


def tasks(*names: str, lot: int = 0) -> list[Task]:
    return [
        Task(at, "named", lot, (Todo(f"{at:020x}", "d", name),), {}) for at, name in enumerate(names, start=lot * 100)
    ]


@pytest.mark.parametrize("worker", [{"deadline_s": 1.5}], indirect=True)
def test_each_ends_for_itself(worker: WaitingWorker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", ())
    names = ["well", "hang", "exit", "hungry", "another", "well"]
    given = tasks(*names)
    reports = [future.result(20) for future in [worker.submit(task) for task in given]]
    told = dict(zip(names, reports, strict=True))
    assert told["well"].known.num_rows == 1
    assert told["hang"].given_up == {given[1].keys[0]: "gave no answer within 1.5 s"}
    assert "SystemExit" in told["exit"].raised[given[2].keys[0]].message
    assert told["hungry"].out_of_memory == given[3].keys
    assert "gave an outcome of another" in told["another"].raised[given[4].keys[0]].message


def test_tasks_of_two_lots_are_committed_to_each(worker: WaitingWorker, lease: Lease) -> None:
    both = [*tasks("well", "well"), *tasks("well", lot=1)]
    reports = [future.result(20) for future in [worker.submit(task) for task in both]]
    assert all(report.costs == {"requests": 1} for report in reports)
    assert {lot: rows.num_rows for lot, rows in Ledger(lease.store, "named", "f1").read()} == {0: 2, 1: 1}


def test_what_is_asked_is_ready_before_its_turn_and_made_ready_once(
    preparing: WaitingWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", (0.01, 0.01))
    given = tasks(*["well"] * 8, "busy", "unsteady", "broken", "nothing")
    reports = [future.result(20) for future in [preparing.submit(task) for task in given]]
    assert [report.known.num_rows for report in reports] == [1] * 10 + [0, 1], "a failure is a row, too"
    busy, unsteady, broken, nothing = (task.keys[0] for task in given[8:])
    assert (Prepared.prepared[busy], Prepared.asked[busy]) == (1, 3)
    assert (Prepared.prepared[unsteady], Prepared.asked[unsteady]) == (2, 1)
    assert {broken, nothing}.isdisjoint(Prepared.asked)
    assert [report.costs.get("requests", 0) for report in reports] == [1] * 8 + [3, 1, 0, 0]
    assert "it cannot be read" in reports[10].raised[broken].message
    # two are in flight, and by the second round as many are ready: what is ready is bounded
    assert all(ready >= min(number + 2, 4) for number, ready in enumerate(Prepared.ready_before[2:8], start=2))
    assert max(ready - number for number, ready in enumerate(Prepared.ready_before)) <= 5


@pytest.mark.parametrize("worker", [{"concurrency": 2}], indirect=True)
def test_what_is_in_flight_ends_when_nothing_more_may_begin(worker: WaitingWorker) -> None:
    futures = [worker.submit(task) for task in tasks(*["slow"] * 6)]
    time.sleep(0.15)
    worker.stop()
    reports = [future.result(20) for future in futures]
    assert [len(report.left) for report in reports] == [0, 0, 1, 1, 1, 1]
    assert [report.known.num_rows for report in reports] == [1, 1, 0, 0, 0, 0]


@pytest.mark.parametrize("worker", [{"requests_per_minute": 600}], indirect=True)
def test_no_more_requests_begin_than_may_in_a_minute(worker: WaitingWorker, lease: Lease) -> None:
    for future in [worker.submit(task) for task in tasks(*["well"] * 9)]:
        future.result(20)
    ((_, rows),) = Ledger(lease.store, "named", "f1").read()
    begun = sorted(rows["at"].to_pylist())
    assert begun[-1] - begun[0] >= 0.75, "a tenth of a second between any two"


def test_what_a_worker_cannot_read_ends_the_build(worker: WaitingWorker, lease: Lease) -> None:
    lease.store.place.drop_aside(lease.aside)  # nothing can be committed any more
    future = worker.submit(tasks("well")[0])
    assert future.exception(20) is not None


class WithResponse(Exception):
    def __init__(self, status: int, **headers: str) -> None:
        self.status, self.headers = status, headers


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (StatusError(Response(429, {"Retry-After": "7"})), 7),
        (WithResponse(503, **{"retry-after": "0.5"}), 0.5),
        (WithResponse(429), None),
        (ValueError("no"), None),
    ],
)
def test_how_long_to_wait_is_what_the_response_says(error: Exception, seconds: float | None) -> None:
    assert retry_after_s(error) == seconds
    assert is_transient(error) is not isinstance(error, ValueError)


def test_a_time_to_come_back_may_be_a_date_or_the_errors_own() -> None:
    at = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    assert 50 < (retry_after_s(WithResponse(503, **{"Retry-After": at})) or 0) <= 60
    own = ConnectionError("later")
    own.retry_after_s = 3  # type: ignore[attr-defined]
    assert retry_after_s(own) == 3
