"""Time and peak memory of one call, in a fresh process of its own."""

import multiprocessing
import os
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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


def busy_with_all_s() -> float:
    """Of the processor so far: this process and all that it started, and these in turn, dead ones too where somebody
    waited for them. On a machine that does other things too, the clock tells less.
    """
    table = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended just now
            continue
        table[int(path.parent.name)] = int(fields[1]), sum(map(int, fields[11:15]))
    ticks, to_ask = 0, [os.getpid()]
    while to_ask:
        one = to_ask.pop()
        ticks += table[one][1] if one in table else 0
        to_ask += [process for process, (parent, _) in table.items() if parent == one]
    return ticks / os.sysconf("SC_CLK_TCK")


def _measure(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    start, busy = time.perf_counter(), time.process_time()
    result = call(*arguments)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return Cost(seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result)
