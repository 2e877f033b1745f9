"""Time and peak memory of one call, in a fresh process of its own."""

import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cost:
    seconds: float
    busy_s: float
    """Of the processor, all threads: what a machine that does other things too would have taken at least."""
    peak_mib: float
    result: Any

    def __str__(self) -> str:
        return f"{self.seconds:7.1f} s {self.busy_s:6.1f} s {self.peak_mib:5.0f} MiB"


def cost(call: Callable[..., Any], *arguments: Any) -> Cost:
    """Imports count for the memory and not for the time."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (call, arguments))


def _measure(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    start, busy = time.perf_counter(), time.process_time()
    result = call(*arguments)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return Cost(seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result)
