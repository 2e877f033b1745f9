"""Which stages share workers on a cluster, how many there are, and what each claims. Pure functions, fixed for a run.

Stages that ask for nothing of their own, but for CPUs, share a pool: its workers play whichever of them has something
to do, load a model once that several of them use, and leave no CPU idle. A GPU, a limit on memory and waiting are a
stage's own, and so is its pool then.

All pools work at once, and which of them takes longest is not known beforehand. So each gets as many workers as the
CPUs would allow if it were alone, and every claim of CPUs is scaled down until all of them fit: a worker that waits for
clips takes no CPU, and the operating system shares CPUs among those that do not wait. A claim too many would leave a
stage without any worker, and the stages before it full. GPUs are not scaled: a claim on one is a part of its memory.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from actor18m.config.stage_config import Run
from actor18m.errors import ActorError

_PROCESS_GIB = 0.5
"""What a worker takes when its stage does not say: Python with a small model."""
_STAGE_GIB = 0.1
"""And with each further stage that it plays: eight of small models take 0.95 GiB."""
_MEMORY_SHARE = 0.8
_SHRINK = 0.9
_LEAST_CPUS = 0.001


@dataclass(frozen=True)
class Node:
    """A machine of the cluster."""

    cpus: float
    gpus: int
    memory_gib: float


@dataclass(frozen=True)
class Pool:
    """Of one stage, or of some that share it: how many workers, and what each claims."""

    stages: tuple[str, ...]
    workers: int
    cpus: float
    gpus: float
    memory_gib: float
    """Of each worker, as far as is known."""


def plan_pools(
    runs: Mapping[str, Run], nodes: Sequence[Node], cpus: int | None, waiting: Collection[str] = ()
) -> list[Pool]:
    """`cpus`: as many workers as so many CPUs would allow, whatever the pipeline says. `waiting` are stages whose work
    is waiting: one worker has enough in flight.
    """
    given = {stage: (run.workers or 1) if stage in waiting else run.workers for stage, run in runs.items()}
    if cpus is not None:
        given = {stage: number if stage in waiting else None for stage, number in given.items()}
    sharing = sum(run.gpus > 0 for run in runs.values())
    pools = []
    for stages in _together(runs, given, waiting):
        run, number = runs[stages[0]], given[stages[0]]
        memory_gib = run.memory_gib or _PROCESS_GIB + _STAGE_GIB * (len(stages) - 1)
        pools.append(Pool(stages, number or _workers(run, nodes, cpus, sharing), run.cpus, run.gpus, memory_gib))
    fixed = {pool.stages for pool in pools if given[pool.stages[0]] is not None}
    pools = _within_memory(pools, nodes, fixed)
    _check_gpus([pool for pool in pools if pool.stages not in fixed], nodes)
    return _within_cpus(pools, nodes)


def _together(
    runs: Mapping[str, Run], given: Mapping[str, int | None], waiting: Collection[str]
) -> Iterable[tuple[str, ...]]:
    """Stages by the pool that they share."""
    alike: dict[object, list[str]] = defaultdict(list)
    for stage, run in runs.items():
        is_for_itself = stage in waiting or run.gpus > 0 or run.memory_gib is not None
        alike[stage if is_for_itself else (run.cpus, given[stage])].append(stage)
    return map(tuple, alike.values())


def _workers(run: Run, nodes: Sequence[Node], cpus: int | None, sharing: int) -> int:
    """`sharing`: so many stages want GPUs."""
    allowed = max(1, int((cpus or sum(node.cpus for node in nodes)) / run.cpus))
    if run.gpus == 0:
        return allowed
    on_gpus = max(1, sum(_on_node(node, run.gpus) for node in nodes) // sharing)
    return on_gpus if cpus is None else min(on_gpus, allowed)


def _on_node(node: Node, gpus: float) -> int:
    """A worker's part of a GPU lies on one GPU."""
    return node.gpus * int(1 / gpus) if gpus < 1 else int(node.gpus / gpus)


def _within_memory(pools: list[Pool], nodes: Sequence[Node], fixed: Collection[tuple[str, ...]]) -> list[Pool]:
    """Fewer workers where there is not memory for all, but for pools whose number is given."""
    wanted = sum(pool.workers * pool.memory_gib for pool in pools)
    share = min(1.0, _MEMORY_SHARE * sum(node.memory_gib for node in nodes) / wanted)
    return [
        pool if pool.stages in fixed else replace(pool, workers=max(1, int(pool.workers * share))) for pool in pools
    ]


def _check_gpus(pools: Sequence[Pool], nodes: Sequence[Node]) -> None:
    one_of_each = [replace(pool, workers=1, cpus=0) for pool in pools if pool.gpus]
    if not fit(one_of_each, nodes):
        wanted = ", ".join(f"{', '.join(pool.stages)} {pool.gpus:g}" for pool in one_of_each)
        raise ActorError(
            f"the stages want more GPUs than the {sum(node.gpus for node in nodes)} there are, at the same time: "
            f"{wanted}. Lower `run.gpus` of some, build fewer stages at once with --until, or join a larger cluster "
            "with --address. Where an autoscaler will bring GPUs, say how many `run.workers` there shall be."
        )


def _within_cpus(pools: Sequence[Pool], nodes: Sequence[Node]) -> list[Pool]:
    """Scaled until they fit; when the GPUs alone do not, which only a given number of workers can cause, as they are:
    those that fit begin.
    """
    wanted = sum(pool.workers * pool.cpus for pool in pools)
    share = min(1.0, sum(node.cpus for node in nodes) / wanted)
    while max(pool.cpus for pool in pools) * share > _LEAST_CPUS:
        scaled = [replace(pool, cpus=_claim(pool.cpus * share)) for pool in pools]
        if fit(scaled, nodes):
            return scaled
        share *= _SHRINK
    return [replace(pool, cpus=_LEAST_CPUS) for pool in pools]


def _claim(cpus: float) -> float:
    return max(_LEAST_CPUS, int(cpus * 1000) / 1000)


def fit(pools: Sequence[Pool], nodes: Sequence[Node]) -> bool:
    """First fit, the largest first."""
    cpus = [node.cpus for node in nodes]
    gpus = [[1.0] * node.gpus for node in nodes]
    for pool in sorted(pools, key=lambda pool: (pool.gpus, pool.cpus), reverse=True):
        for _ in range(pool.workers):
            for at in range(len(nodes)):
                if cpus[at] + 1e-9 >= pool.cpus and _take(gpus[at], pool.gpus):
                    cpus[at] -= pool.cpus
                    break
            else:
                return False
    return True


def _take(free: list[float], wanted: float) -> bool:
    if wanted == 0:
        return True
    fitting = [at for at, left in enumerate(free) if left + 1e-9 >= min(wanted, 1)]
    if len(fitting) < wanted:
        return False
    for at in fitting[: max(1, int(wanted))]:
        free[at] -= min(wanted, 1)
    return True
