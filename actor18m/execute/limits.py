"""What a worker's process may take: memory for its stage, one thread in each library, and time to set itself up."""

import resource
from pathlib import Path

from actor18m.config.stage_config import Step
from actor18m.execute.messages import Task

ATTEMPTS = 4
"""Of a stage that waits, at most, each with a deadline of its own, and pauses between them."""
SET_UP_S = 600.0
"""Weights of tens of GB are read, maybe from far away."""

_THREADS = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OPENCV_FOR_THREADS_NUM")
ONE_THREAD = dict.fromkeys(_THREADS, "1")
"""Environment of a worker: a sum that is split among threads differs in its last bits from machine to machine."""


def deadline_s(step: Step, task: Task) -> float:
    """When a worker that measures nothing else hangs. One that waits ends each attempt by itself; only what blocks its
    process makes it hang.
    """
    each_s = step.run.deadline_s * len(task.todos)
    return each_s * ATTEMPTS + SET_UP_S if step.waits else each_s


def limit_memory(gib: float | None) -> None:
    """From now on this process gets so much more, and a MemoryError or its death beyond it.

    The limit is on data that the process writes (RLIMIT_DATA). One on addresses (RLIMIT_AS) would count what is only
    mapped or reserved, such as Ray's object store and CUDA's address space, which is many times what is used.
    """
    if gib is not None:
        _, hard = resource.getrlimit(resource.RLIMIT_DATA)
        wanted = _data_bytes() + int(gib * 2**30)
        resource.setrlimit(resource.RLIMIT_DATA, (wanted if hard < 0 else min(wanted, hard), hard))


def _data_bytes() -> int:
    """What RLIMIT_DATA counts, of this process now."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("VmData:"):
            return int(line.split()[1]) * 1024
    return 0
