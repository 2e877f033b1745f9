"""How many workers each stage gets on a cluster, and what each claims of it. Pure functions, fixed for a run.

All stages work at once, and which of them takes longest is not known beforehand. So each gets as many workers as the
CPUs would allow if it were alone, and every claim of CPUs is scaled down until all of them fit: a worker that waits for
clips takes no CPU, and the operating system shares CPUs among those that do not wait. A claim too many would leave a
stage without any worker, and the stages before it full. GPUs are not scaled: a claim on one is a part of its memory.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from actor18m.config.stage_config import Run
from actor18m.errors import ActorError

_PROCESS_GIB = 0.5
"""What a worker takes when its stage does not say: Python with a small model."""
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
    """Of one stage: how many workers, and what each claims."""

    workers: int
    cpus: float
    gpus: float


def plan_pools(
    runs: Mapping[str, Run], nodes: Sequence[Node], cpus: int | None, waiting: Collection[str] = ()
) -> dict[str, Pool]:
    """By stage. `cpus`: as many workers as so many CPUs would allow, whatever the pipeline says. `waiting` are stages
    whose work is waiting: one worker has enough in flight.
    """
    pools = {
        stage: Pool(run.workers or 1 if stage in waiting else _workers(run, runs, nodes, cpus), run.cpus, run.gpus)
        for stage, run in runs.items()
    }
    fixed = {stage for stage, run in runs.items() if run.workers is not None and cpus is None} | {*waiting}
    pools = _within_memory(pools, runs, nodes, fixed)
    _check_gpus({stage: pool for stage, pool in pools.items() if stage not in fixed}, nodes)
    return _within_cpus(pools, nodes)


def _workers(run: Run, runs: Mapping[str, Run], nodes: Sequence[Node], cpus: int | None) -> int:
    if run.workers is not None and cpus is None:
        return run.workers
    allowed = max(1, int((cpus or sum(node.cpus for node in nodes)) / run.cpus))
    if run.gpus == 0:
        return allowed
    sharing = sum(other.gpus > 0 for other in runs.values())
    on_gpus = max(1, sum(_on_node(node, run.gpus) for node in nodes) // sharing)
    return on_gpus if cpus is None else min(on_gpus, allowed)


def _on_node(node: Node, gpus: float) -> int:
    """A worker's part of a GPU lies on one GPU."""
    return node.gpus * int(1 / gpus) if gpus < 1 else int(node.gpus / gpus)


def _within_memory(
    pools: dict[str, Pool], runs: Mapping[str, Run], nodes: Sequence[Node], fixed: set[str]
) -> dict[str, Pool]:
    wanted = sum(pool.workers * (runs[stage].memory_gib or _PROCESS_GIB) for stage, pool in pools.items())
    share = min(1.0, _MEMORY_SHARE * sum(node.memory_gib for node in nodes) / wanted)
    return {
        stage: pool if stage in fixed else replace(pool, workers=max(1, int(pool.workers * share)))
        for stage, pool in pools.items()
    }


def _check_gpus(pools: Mapping[str, Pool], nodes: Sequence[Node]) -> None:
    one_of_each = {stage: replace(pool, workers=1, cpus=0) for stage, pool in pools.items() if pool.gpus}
    if not _fit(one_of_each, nodes):
        wanted = ", ".join(f"{stage} {pool.gpus:g}" for stage, pool in one_of_each.items())
        raise ActorError(
            f"the stages want more GPUs than the {sum(node.gpus for node in nodes)} there are, at the same time: "
            f"{wanted}. Lower `run.gpus` of some, build fewer stages at once with --until, or join a larger cluster "
            "with --address. Where an autoscaler will bring GPUs, say how many `run.workers` there shall be."
        )


def _within_cpus(pools: dict[str, Pool], nodes: Sequence[Node]) -> dict[str, Pool]:
    """Scaled until they fit; when the GPUs alone do not, which only a given number of workers can cause, as they are:
    those that fit begin.
    """
    wanted = sum(pool.workers * pool.cpus for pool in pools.values())
    share = min(1.0, sum(node.cpus for node in nodes) / wanted)
    while max(pool.cpus for pool in pools.values()) * share > _LEAST_CPUS:
        scaled = {stage: replace(pool, cpus=_claim(pool.cpus * share)) for stage, pool in pools.items()}
        if _fit(scaled, nodes):
            return scaled
        share *= _SHRINK
    return {stage: replace(pool, cpus=_LEAST_CPUS) for stage, pool in pools.items()}


def _claim(cpus: float) -> float:
    return max(_LEAST_CPUS, int(cpus * 1000) / 1000)


def _fit(pools: Mapping[str, Pool], nodes: Sequence[Node]) -> bool:
    """First fit, the largest first."""
    cpus = [node.cpus for node in nodes]
    gpus = [[1.0] * node.gpus for node in nodes]
    for pool in sorted(pools.values(), key=lambda pool: (pool.gpus, pool.cpus), reverse=True):
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
