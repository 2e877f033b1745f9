"""What a backend takes, batch by batch: its memory, and how many items it does in a second."""

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from actor18m.errors import is_out_of_memory
from actor18m.models import batches
from actor18m.preflight.device import (
    Gpu,
    forget_peak,
    gpu_bytes_used,
    most_resident_bytes,
    resident_bytes,
)
from actor18m.preflight.probes import Probe, Seen, seen

_MEMORY_SHARE = 0.9


@dataclass(frozen=True)
class Batch:
    size: int
    per_second: float
    bytes: int
    """More than before the backend was loaded, at most while it worked: of the GPU, or of the process on a CPU."""
    halved: tuple[str, ...] = ()
    """What the log said, where memory did not suffice for so many."""


@dataclass(frozen=True)
class BackendSpeed:
    load_s: float
    weights_bytes: int
    """More than before it was loaded, before it worked."""
    batches: tuple[Batch, ...]
    item: str
    stopped: str | None = None
    """Why no larger batch was tried, where that was not for want of time."""

    @property
    def best(self) -> Batch:
        """The smallest that is nearly as fast as the fastest."""
        fastest = max(batch.per_second for batch in self.batches)
        return next(batch for batch in self.batches if batch.per_second >= 0.95 * fastest)


def speed_of(
    load: Callable[[], Any], probe: Probe, sizes: Sequence[int], seconds: float, gpu: Gpu | None
) -> BackendSpeed:
    """Of what `load` gives, in this process, which it leaves again."""
    backend, speed = loaded_speed(load, probe, sizes, seconds, gpu)
    if hasattr(backend, "close"):
        backend.close()
    return speed


def loaded_speed(
    load: Callable[[], Any], probe: Probe, sizes: Sequence[int], seconds: float, gpu: Gpu | None
) -> tuple[Any, BackendSpeed]:
    """And what `load` gave. Sizes grow; each gets an even part of the seconds."""
    seen(1)  # decoding is no matter of the backend
    before = used_bytes(gpu)
    begun = time.perf_counter()
    backend = load()
    load_s, weights = time.perf_counter() - begun, used_bytes(gpu) - before
    told, stopped = list[Batch](), None
    until = time.perf_counter() + seconds
    for number, size in enumerate(sizes if probe.is_batched else (1,)):
        try:
            each_s = max(0.0, until - time.perf_counter()) / (len(sizes) - number)
            told.append(_batch(backend, probe, size, each_s, before, gpu))
        except Exception as error:
            if not told or not is_out_of_memory(error):
                raise
            stopped = f"memory does not suffice for {size}"
            break
        if told[-1].halved:
            stopped = told[-1].halved[-1]
            break
        if gpu is not None and before + 2 * told[-1].bytes > _MEMORY_SHARE * gpu.bytes:
            stopped = f"twice as many would not fit into {gpu.bytes / 2**30:.0f} GiB"
            break
        if time.perf_counter() > until:
            break
    return backend, BackendSpeed(load_s, max(0, weights), tuple(told), probe.item, stopped)


def _batch(backend: Any, probe: Probe, size: int, seconds: float, before: int, gpu: Gpu | None) -> Batch:
    """The first call warms it up, and counts only where there is no time for another one."""
    count = size * probe.together
    forget_peak()
    until = time.perf_counter() + seconds
    with halving() as halved:
        times = [_asked(backend, probe, seen(count))]
        while time.perf_counter() < until:
            times.append(_asked(backend, probe, seen(count, len(times) * count)))
    counted = times[1:] or times
    peak = gpu_bytes_used() if gpu is not None else most_resident_bytes()
    return Batch(size, len(counted) * count / sum(counted), max(0, peak - before), tuple(halved))


def _asked(backend: Any, probe: Probe, given: Sequence[Seen]) -> float:
    begun = time.perf_counter()
    probe.ask(backend, given)
    return time.perf_counter() - begun


def used_bytes(gpu: Gpu | None) -> int:
    """Now: of the GPU, or of this process."""
    return resident_bytes() if gpu is None else gpu_bytes_used()


@contextmanager
def halving() -> Iterator[list[str]]:
    """What `Batches` says in the meantime of memory that did not suffice."""
    said: list[str] = []
    listener = _Listener(said)
    log = logging.getLogger(batches.__name__)
    log.addHandler(listener)
    try:
        yield said
    finally:
        log.removeHandler(listener)


class _Listener(logging.Handler):
    def __init__(self, said: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._said = said

    def emit(self, record: logging.LogRecord) -> None:
        self._said.append(record.getMessage())
