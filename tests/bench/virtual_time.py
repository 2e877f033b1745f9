"""A clock for a driver whose workers pretend: it goes on by what the driver takes of the processor, and jumps over the
time in which nothing happens. So days of a cluster pass in minutes, and a driver that is too slow shows as GPUs that
wait.
"""

import heapq
import itertools
import queue
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from queue import SimpleQueue
from typing import Any


class VirtualTime:
    """What happens later is kept here, and happens when somebody waits."""

    def __init__(self) -> None:
        self._begun = time.thread_time()
        self._own_s = self._jumped_s = self.charged_s = 0.0
        self._frozen: float | None = None
        self._later: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    @property
    def driver_s(self) -> float:
        """Of the processor, that the driver took itself."""
        return (time.thread_time() if self._frozen is None else self._frozen) - self._begun - self._own_s

    def now(self) -> float:
        return self._jumped_s + self.driver_s

    def charge(self, seconds: float) -> None:
        """What the driver would have taken elsewhere, as in a library that is not there."""
        self.charged_s += seconds
        self._jumped_s += seconds

    @contextmanager
    def not_counted(self) -> Iterator[None]:
        """What is done in this block is the bench's own."""
        if self._frozen is not None:
            yield
            return
        self._frozen = time.thread_time()
        try:
            yield
        finally:
            self._own_s += time.thread_time() - self._frozen
            self._frozen = None

    def at(self, when: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._later, (when, next(self._numbers), happens))

    def first(self, came: "SimpleQueue[Any]", seconds: float) -> Any:
        """What comes first within so long. All that is due by then has happened."""
        with self.not_counted():
            until = self.now() + max(seconds, 0.0)
            while self._later and (self._later[0][0] <= self.now() or (came.empty() and self._later[0][0] <= until)):
                when, _, happens = heapq.heappop(self._later)
                self._jump(when)
                happens()
            if came.empty():
                if until == float("inf"):
                    raise RuntimeError("everybody waits, and nothing will happen any more")
                self._jump(until)
                raise queue.Empty
        return came.get_nowait()

    def _jump(self, to: float) -> None:
        self._jumped_s += max(0.0, to - self.now())
