"""Time and peak memory of one call, in a fresh process of its own."""

import multiprocessing
import os
import resource
import subprocess
import time
from collections.abc import Callable, Sequence
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


def run_busy_s(command: Sequence[str]) -> float:
    """Runs a command; what it took of the processor with all that it started, also where nobody waits for these: Ray's
    workers end with Ray. Looked at twice a second, so that the last half of one is missed.
    """
    running = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    busy: dict[int, float] = {}
    said = ""
    while True:
        busy |= {process: own for process, (own, _) in _family().items() if process != os.getpid()}
        try:
            _, said = running.communicate(timeout=0.5)
            break
        except subprocess.TimeoutExpired:
            continue
    if running.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {running.returncode}: {said[-2000:]}")
    return sum(busy.values())


def _family() -> dict[int, tuple[float, float]]:
    """This process and those below it: seconds of its own, and of dead ones for which it waited."""
    table = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:  # it ended just now
            continue
        user, system, of_dead_user, of_dead_system = (int(each) / os.sysconf("SC_CLK_TCK") for each in fields[11:15])
        table[int(path.parent.name)] = int(fields[1]), (user + system, of_dead_user + of_dead_system)
    found, to_ask = {}, [os.getpid()]
    while to_ask:
        one = to_ask.pop()
        if one in table:
            found[one] = table[one][1]
        to_ask += [process for process, (parent, _) in table.items() if parent == one]
    return found


def _measure(call: Callable[..., Any], arguments: tuple[Any, ...]) -> Cost:
    start, busy = time.perf_counter(), time.process_time()
    result = call(*arguments)
    seconds, busy = time.perf_counter() - start, time.process_time() - busy
    return Cost(seconds, busy, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, result)
