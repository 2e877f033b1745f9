"""A piece of work in a process of its own: its memory is its own, and its death or its hanging ends nothing else."""

import multiprocessing
import os
import signal
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any, TypeVar

from actor18m.errors import ActorError, is_out_of_memory
from actor18m.redact import redact

Result = TypeVar("Result")
_PROCESSES = multiprocessing.get_context("forkserver")


@dataclass(frozen=True)
class Ended:
    """Without a result."""

    why: str


def preload(modules: Sequence[str]) -> None:
    """Imports these once for all processes to come, before the first of them: torch alone takes seconds."""
    _PROCESSES.set_forkserver_preload(list(modules))


def apart(work: Callable[..., Result], *given: object, deadline_s: float) -> Result | Ended:
    """What the work gives; it and what it is given have to travel. No longer than until the deadline."""
    here, there = _PROCESSES.Pipe(duplex=False)
    process = _PROCESSES.Process(target=_do, args=(there, dict(os.environ), work, given), daemon=True)
    process.start()
    there.close()
    with here:
        try:
            if not wait([here, process.sentinel], timeout=deadline_s):
                return Ended(f"took longer than {deadline_s:.0f} s")
            told: Result | Ended = here.recv()
            return told
        except (EOFError, ConnectionError):
            process.join()
            return Ended(_as_it_ended(process.exitcode))
        finally:
            process.kill()
            process.join()


def said(error: BaseException) -> str:
    """In one line."""
    if is_out_of_memory(error):
        return "memory does not suffice"
    text = redact(" ".join(str(error).split()))
    return text if isinstance(error, ActorError) else f"{type(error).__name__}: {text}"


def _do(there: Connection, environment: Mapping[str, str], work: Callable[..., Any], given: Sequence[object]) -> None:
    """The server that makes processes has the environment of its own beginning. Ctrl-C is for who waits."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.environ.clear()
    os.environ.update(environment)
    try:
        told = work(*given)
    except Exception as error:
        told = Ended(said(error))
    there.send(told)


def _as_it_ended(code: int | None) -> str:
    if code == -signal.SIGKILL:
        return "its process was killed, as systems do when memory is short"
    if code is not None and code < 0:
        return f"its process died of {signal.Signals(-code).name}"
    return f"its process ended with exit code {code}"
