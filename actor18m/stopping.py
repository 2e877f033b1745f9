"""Being asked to stop: by Ctrl-C, or by SIGTERM, which batch systems send before they kill.

KeyboardInterrupt is raised wherever the program is, and not all code lets it through: DuckDB makes another error of it,
and where it falls into a callback of a C library, that may take it for the end of a file. So whoever is about to keep
what other code made calls `check` first.
"""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager

_is_asked = False


@contextmanager
def stoppable() -> Iterator[None]:
    """When asked to, the block ends with KeyboardInterrupt. Only a program's main thread is ever asked."""
    global _is_asked
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    _is_asked = False
    before = {number: signal.signal(number, _stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    except Exception:
        check()
        raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        _is_asked = False


def check() -> None:
    """Raises KeyboardInterrupt again, once it was. In a worker's process, which its driver stops, it never was."""
    if _is_asked:
        raise KeyboardInterrupt


def was_asked() -> bool:
    """Whatever became of the KeyboardInterrupt meanwhile."""
    return _is_asked


def _stop(number: int, frame: object) -> None:
    global _is_asked
    _is_asked = True
    raise KeyboardInterrupt
