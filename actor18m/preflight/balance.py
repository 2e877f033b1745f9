"""How many workers each stage gets, so that no clip waits for one stage while another one idles. Pure functions.

Each clip that comes in costs a stage so many seconds: what one clip or image takes, times how many of them come of a
clip. The slowest stage gets one worker more, again and again, until the GPUs, the memory or the CPUs are taken. What it
then lacks is the bottleneck.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from actor18m.execute.pools import Node, Pool, fit

_MEMORY_SHARE = 0.8
_MOST_WORKERS = 100_000
_MOST_GPUS = 64
_SURELY = 0.8
"""Of what all of them together could do at best, so much is given out at once."""


@dataclass(frozen=True)
class Need:
    """Of stages that share workers; most often of one."""

    stages: tuple[str, ...]
    seconds: float
    """Of one worker, for each clip that comes in."""
    cpus: float
    """That a worker keeps busy while it works."""
    gpus: float
    memory_gib: float
    most: int | None = None
    """As many workers as a build begins by itself, where the pipeline claims nothing for them."""


@dataclass(frozen=True)
class Shared:
    """The machines, shared out."""

    workers: Mapping[tuple[str, ...], int]
    clips_per_hour: float
    """That may come in."""
    bottleneck: str
    gpus: Mapping[tuple[str, ...], float]
    """Of which all together are those there are: as many as each should have if workers could be divided."""
    too_few: int | None = None
    """GPUs of one such machine with which one worker of each would fit, where those there are do not suffice."""


def share_out(needs: Sequence[Need], nodes: Sequence[Node]) -> Shared:
    """`needs` are of stages that were measured, and at least one of them takes time."""
    ideal = _ideal(needs, sum(node.gpus for node in nodes))
    workers = {need.stages: 1 for need in needs}
    if not _fits(needs, workers, nodes):
        told = "more GPUs are wanted by one worker of each stage than there are"
        return Shared({}, 0.0, told, ideal, _least_gpus(needs, nodes))
    cpus, gpus = sum(node.cpus for node in nodes), sum(node.gpus for node in nodes)
    by_cpus = cpus / max(sum(need.seconds * need.cpus for need in needs), 1e-9)
    by_gpus = gpus / max(sum(need.seconds * need.gpus for need in needs), 1e-9) or math.inf
    surely = _SURELY * min(by_cpus, by_gpus)
    most = {need.stages: max(1, min(int(surely * need.seconds), need.most or _MOST_WORKERS)) for need in needs}
    workers = most if _fits(needs, most, nodes) else workers
    while sum(workers.values()) < _MOST_WORKERS:
        slowest = max(needs, key=lambda need: need.seconds / workers[need.stages])
        by_slowest = workers[slowest.stages] / slowest.seconds
        if by_slowest >= by_cpus:
            return Shared(workers, by_cpus * 3600, f"the {cpus:g} CPUs", ideal)
        if workers[slowest.stages] == slowest.most:
            return Shared(
                workers, by_slowest * 3600, f"the {cpus:g} CPUs, on which a build begins no more workers", ideal
            )
        more = workers | {slowest.stages: workers[slowest.stages] + 1}
        if not _fits(needs, more, nodes):
            lacks = "GPUs" if slowest.gpus else "memory"
            return Shared(workers, by_slowest * 3600, f"{called(slowest.stages)}, for want of {lacks}", ideal)
        workers = more
    raise ValueError(f"more than {_MOST_WORKERS} workers")


def _ideal(needs: Sequence[Need], gpus: int) -> dict[tuple[str, ...], float]:
    """By what each clip costs of them."""
    costs = {need.stages: need.seconds * need.gpus for need in needs if need.gpus}
    whole = sum(costs.values())
    return {stages: gpus * cost / whole for stages, cost in costs.items()} if whole else {}


def _fits(needs: Sequence[Need], workers: Mapping[tuple[str, ...], int], nodes: Sequence[Node]) -> bool:
    """GPUs and memory; of CPUs each claim is scaled down when they are run, and what they do in an hour is bounded."""
    memory = sum(need.memory_gib * workers[need.stages] for need in needs)
    if memory > _MEMORY_SHARE * sum(node.memory_gib for node in nodes) and sum(workers.values()) > len(needs):
        return False
    return fit([Pool(need.stages, workers[need.stages], 0, need.gpus, 0) for need in needs if need.gpus], nodes)


def _least_gpus(needs: Sequence[Need], nodes: Sequence[Node]) -> int:
    workers = {need.stages: 1 for need in needs}
    counts = range(1, max(_MOST_GPUS, math.ceil(sum(need.gpus for need in needs)) + len(needs)))
    return next(count for count in counts if _fits(needs, workers, [replace(nodes[0], gpus=count)]))


def called(stages: tuple[str, ...]) -> str:
    """Of those that share workers."""
    return stages[0] if len(stages) == 1 else f"the {len(stages)} stages that share workers"
