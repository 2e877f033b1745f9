"""Being asked to stop: by Ctrl-C, or by SIGTERM, which batch systems send before they kill.

KeyboardInterrupt is raised wherever the program is, and not all code lets it through: DuckDB makes another error of it,
and where it falls into a callback of a C library, that may take it for the end of a file. So whoever is about to keep
what other code made calls `check` first.
"""

import os
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

INTERRUPTED = 130
"""The exit code of a command that was asked to stop."""

_asked = 0
"""How often."""


@contextmanager
def loading() -> Iterator[None]:
    """While libraries are loaded in the block, Ctrl-C ends the program with one line: not all of them let a
    KeyboardInterrupt through, and nothing needs order yet. Who started it to run undisturbed (nohup) has the signal
    ignored, and it stays so.
    """
    is_main = threading.current_thread() is threading.main_thread()
    is_heard = is_main and signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if is_heard:
        signal.signal(signal.SIGINT, end)
    try:
        yield
    finally:
        if is_heard:
            signal.signal(signal.SIGINT, signal.default_int_handler)


def end(*_: object) -> None:
    """Here and now."""
    os.write(sys.stderr.fileno(), b"Stopped.\n")
    os._exit(INTERRUPTED)


@contextmanager
def stoppable() -> Iterator[None]:
    """When asked to, the block ends with KeyboardInterrupt. Only a program's main thread is ever asked."""
    global _asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _asked = 0
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Exception:
        check()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _asked = 0


def check() -> None:
    """Raises KeyboardInterrupt again, once it was. In a worker's process, which its driver stops, it never was."""
    if _asked:
        raise KeyboardInterrupt


def was_asked() -> bool:
    """Whatever became of the KeyboardInterrupt meanwhile."""
    return _asked > 0


@contextmanager
def until_asked() -> Iterator[None]:
    """The block ends when it is asked to, and what it kept may be put in order then. Asked again, that is left."""
    try:
        yield
    except KeyboardInterrupt:
        if _asked != 1:
            raise


def _stop(number: int, frame: object) -> None:
    global _asked
    _asked += 1
    raise KeyboardInterrupt
