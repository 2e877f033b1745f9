import os
import signal
from collections.abc import Iterable, Sequence
from contextlib import suppress

import pyarrow as pa
import pytest

from actor18m.config.stage_config import Step
from actor18m.execute.messages import Duty, Task, Todo
from actor18m.execute.worker import Worker
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger
from actor18m.stage import Clip, Failure, Row, Stage, schema
from actor18m.stopping import check, stoppable
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


def test_what_was_measured_while_a_signal_was_swallowed_is_not_committed(store: Store) -> None:
    with hold(store) as lease:
        ledger = Ledger(store, "deaf", "f1")
        step = Step(stage=f"{__name__}:Deaf")
        worker = Worker(Duty("deaf", step, ledger, {}, {}, Values("none", (), lambda rows: rows.select([])), lease))
        todos = tuple(Todo(f"{number:020x}", "d", uri) for number, uri in enumerate(["whole", "stopped", "whole"]))
        with pytest.raises(KeyboardInterrupt), stoppable():
            worker.do(Task(0, "deaf", 0, todos, {}))
        assert not ledger.files()
