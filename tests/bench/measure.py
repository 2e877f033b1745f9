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
    peak_mib: float
    result: Any

    def __str__(self) -> str:
        return f"{self.seconds:8.2f} s {self.peak_mib:6.0f} MiB"


def cost(call: Callable[..., Any], *arguments: Any) -> Cost:
    """Imports count for the memory and not for the time."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_measure, (call, arguments))


def _measure(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    start = time.perf_counter()
    result = call(*arguments)
    seconds = time.perf_counter() - start
    return Cost(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result)
