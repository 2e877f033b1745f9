"""The machine at hand: its processors, its memory, its GPUs; and how much of them a process takes."""

import importlib
import os
import re
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actor18m.preflight.apart import Ended, apart

_LOOK_S = 120
_FREE = "import torch; print(torch.cuda.mem_get_info()[0])"
_BUSY = ("nvidia-smi", "--query-gpu=utilization.gpu", "--format=csv,noheader,nounits", "-lms", "200")
_STATUS, _FORGET_PEAK = Path("/proc/self/status"), (Path("/proc/self/clear_refs"), "5")


@dataclass(frozen=True)
class Gpu:
    """The first one that this process may use; the others are taken to be as it is."""

    name: str
    uuid: str
    bytes: int
    used_bytes: int
    """By others, before anything is measured."""
    context_bytes: int
    """What CUDA takes for each process, whatever runs in it."""


@dataclass(frozen=True)
class Machine:
    cpus: int
    bytes: int
    gpus: int
    gpu: Gpu | None
    """None: torch sees none."""

    @property
    def called(self) -> str:
        if self.gpu is None:
            return f"{self.cpus} CPU cores, no GPU"
        return f"{self.gpus} x {self.gpu.name}" if self.gpus > 1 else self.gpu.name


def machine(device: str = "auto") -> Machine:
    """`cpu`: as if there were no GPU."""
    told = None if device == "cpu" else apart(_gpu, deadline_s=_LOOK_S)
    gpu, count = (None, 0) if told is None or isinstance(told, Ended) else told
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return Machine(len(os.sched_getaffinity(0)), memory, count, gpu)


def _gpu() -> tuple[Gpu, int] | None:
    """A second process shows what CUDA takes for one."""
    try:
        torch: Any = importlib.import_module("torch")
    except ImportError:
        return None
    if not torch.cuda.is_available():
        return None
    free, total = torch.cuda.mem_get_info()
    second = subprocess.run([sys.executable, "-c", _FREE], capture_output=True, text=True, check=True)
    context = max(0, free - int(second.stdout))
    about = torch.cuda.get_device_properties(0)
    gpu = Gpu(about.name, str(getattr(about, "uuid", "")), total, max(0, total - free - context), context)
    return gpu, torch.cuda.device_count()


def gpu_bytes_used() -> int:
    """Of the GPU, by all processes, now: what libraries keep for themselves counts."""
    torch: Any = importlib.import_module("torch")
    torch.cuda.synchronize()
    free, total = torch.cuda.mem_get_info()
    return int(total - free)


def resident_bytes() -> int:
    """Of this process, now."""
    return _told("VmRSS")


def most_resident_bytes() -> int:
    """Of this process, since the last `forget_peak` or its beginning."""
    try:
        return _told("VmHWM")
    except LookupError:
        return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def data_bytes() -> int:
    """What this process may write to, now: what a stage's `memory_gib` limits."""
    return _told("VmData")


def forget_peak() -> None:
    """Where the system lets it."""
    file, word = _FORGET_PEAK
    with suppress(OSError):
        file.write_text(word)


def _told(name: str) -> int:
    found = re.search(rf"^{name}:\s+(\d+) kB$", _STATUS.read_text(), re.MULTILINE)
    if found is None:
        raise LookupError(name)
    return int(found[1]) * 1024


@contextmanager
def watched_busy(gpu: Gpu | None) -> Iterator[list[float]]:
    """When it ends, the list has how busy the GPU was, five times a second: 0 to 1. Nothing where nobody tells."""
    shares: list[float] = []
    if gpu is None:
        yield shares
        return
    with tempfile.TemporaryFile("w+") as told:
        try:
            watching = subprocess.Popen([*_BUSY, "-i", f"GPU-{gpu.uuid}"], stdout=told)
        except OSError:
            yield shares
            return
        try:
            yield shares
        finally:
            watching.kill()
            watching.wait()
            told.seek(0)
            shares += [int(line) / 100 for line in told.read().splitlines() if line.strip().isdigit()]
