import os
import signal
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress

import pyarrow as pa
import pytest

from actor18m.config.stage_config import Step
from actor18m.execute.messages import Duty, Report, Task, Todo
from actor18m.execute.worker import Worker
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger
from actor18m.stage import Clip, Failure, Row, Stage, schema
from actor18m.stopping import check, stoppable, was_asked
from actor18m.storage.lease import hold
from actor18m.storage.store import Store

SIGNALS = [signal.SIGINT, signal.SIGTERM]


class Deaf(Stage):
    """Is stopped in the midst of a clip, and takes that for the clip's end."""

    version = 1
    writes = schema("deaf", half=pa.bool_())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            is_half = False
            if clip.uri == "stopped":
                with suppress(BaseException):
                    os.kill(os.getpid(), signal.SIGINT)
                is_half = True
            yield Row(clip.key, {"half": is_half})


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_ends_the_block_and_no_more(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with pytest.raises(KeyboardInterrupt), stoppable():
        os.kill(os.getpid(), number)
    assert signal.getsignal(number) is before
    with stoppable():
        check()


@pytest.mark.parametrize("number", SIGNALS)
def test_a_signal_that_became_an_error_is_a_signal_still(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), stoppable():
        _query(number)


def _query(number: signal.Signals) -> None:
    try:
        os.kill(os.getpid(), number)
    except KeyboardInterrupt:
        raise RuntimeError("query interrupted") from None


def test_an_error_stays_what_it_was() -> None:
    with pytest.raises(ZeroDivisionError), stoppable():
        raise ZeroDivisionError


@pytest.fixture
def worker(store: Store) -> Iterator[Worker]:
    with hold(store) as lease:
        ledger, step = Ledger(store, "deaf", "f1"), Step(stage=f"{__name__}:Deaf")
        yield Worker(Duty("deaf", step, ledger, {}, {}, Values("none", (), lambda rows: rows.select([])), lease))


def done(worker: Worker, *uris: str) -> Report:
    todos = tuple(Todo(f"{number:020x}", "d", uri) for number, uri in enumerate(uris))
    return worker.do(Task(0, "deaf", 0, todos, {}))


def done_until_asked(worker: Worker, *uris: str) -> Report:
    with stoppable():
        report = done(worker, *uris)
        assert was_asked()
    return report


def test_of_a_call_that_is_stopped_all_is_committed_that_was_whole_before(worker: Worker, store: Store) -> None:
    report = done_until_asked(worker, *["whole"] * 10, "stopped", "whole")
    assert report.left == (f"{10:020x}", f"{11:020x}"), "of the clip whose end the signal was taken for nothing is kept"
    assert report.seconds > 0
    ((_, rows),) = Ledger(store, "deaf", "f1").read()
    assert (rows.num_rows, rows["half"].to_pylist()) == (10, [False] * 10)


def test_a_clip_alone_that_is_stopped_leaves_the_time_it_took(worker: Worker, store: Store) -> None:
    report = done_until_asked(worker, "stopped")
    assert (report.part, report.left, report.seconds > 0) == (None, (f"{0:020x}",), True)
    assert not Ledger(store, "deaf", "f1").files()


def test_who_is_asked_again_puts_nothing_in_order_first(
    worker: Worker, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actor18m.execute.worker.check", lambda *_: os.kill(os.getpid(), signal.SIGINT))
    with pytest.raises(KeyboardInterrupt), stoppable():
        done(worker, "whole", "stopped", "whole")
    assert not Ledger(store, "deaf", "f1").files()
