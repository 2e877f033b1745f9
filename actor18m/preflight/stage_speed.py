"""What a stage takes with its backends, in a process as a worker's: seconds for one clip or image, memory, GPU."""

import os
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass

from actor18m.config.stage_config import Step
from actor18m.models.shared import Shared
from actor18m.preflight.device import Gpu, data_bytes, gpu_bytes_used, most_resident_bytes, resident_bytes, watched_busy
from actor18m.so_far import as_kept
from actor18m.stage import Clip, Failure, Image, Row


@dataclass(frozen=True)
class StageSpeed:
    load_s: float
    """Of its libraries and its backends' weights."""
    first_s: float
    """The first clip or image, with all that happens once."""
    seconds: float
    """Each of those after it; the first one's, where there was only one."""
    measured: int
    failed: int
    cpus: float
    """How many of them were busy on the average."""
    bytes: int
    """Of the process, at most, as the machine has to have it."""
    data_bytes: int
    """What it came to be allowed to write to, used or not: what `memory_gib` limits."""
    gpu_bytes: int
    gpu_busy: float | None
    """0 to 1; None where nobody tells."""
    bare_bytes: int
    """Of `bytes`, what the process took before its stage was made."""
    kept_bytes: int
    """Of `bytes`, what it still took after the last clip or image: its models, not what it worked on."""


def measured_alone(
    step: Step, units: Sequence[Clip | Image], seconds: float, gpu: Gpu | None
) -> tuple[StageSpeed, list[Row | Failure]]:
    """For so many seconds, at least two units where there are two; also what came of them. In this process, which is
    to do nothing else."""
    if not step.run.gpus:
        os.environ["CUDA_VISIBLE_DEVICES"] = ""  # as Ray does for a worker that claims none
    data_before, bare = data_bytes(), resident_bytes()
    with closing(Shared()) as shared:
        begun = time.perf_counter()
        stage = step.made(shared)
        load_s = time.perf_counter() - begun
        outcomes: list[Row | Failure] = []
        times, cpu_s, data = list[float](), 0.0, 0

        def measure(some: Sequence[Clip | Image]) -> None:
            nonlocal cpu_s, data
            began, cpu_began = time.perf_counter(), time.process_time()
            told = {outcome.key: outcome for outcome in stage.measure(some)}
            times.append(time.perf_counter() - began)
            cpu_s += time.process_time() - cpu_began
            data = max(data, data_bytes() - data_before)
            outcomes.extend(as_kept(stage, told[unit.key], unit.key) for unit in some)

        with watched_busy(gpu if step.run.gpus else None) as busy:
            measure(units[:1])
            while len(outcomes) < len(units) and (len(times) < 2 or sum(times[1:]) < seconds):
                measure(units[len(outcomes) :][: step.run.clips_per_call])
        kept, taken = resident_bytes(), most_resident_bytes()  # before torch is imported for the next line
        on_gpu = gpu_bytes_used() - gpu.used_bytes if gpu is not None and step.run.gpus else 0
    later = len(outcomes) - 1
    return StageSpeed(
        load_s,
        times[0],
        sum(times[1:]) / later if later else times[0],
        len(outcomes),
        sum(isinstance(outcome, Failure) for outcome in outcomes),
        cpu_s / max(sum(times), 1e-9),
        taken,
        data,
        max(0, on_gpu),
        sum(busy) / len(busy) if busy else None,
        bare,
        kept,
    ), outcomes
