"""Which stages share workers, for a whole run. Pure functions.

Stages that ask for nothing of their own, but for CPUs, share a pool: its workers play whichever of them has something
to do, load a model once that several of them use, and leave no CPU idle. Stages that claim a GPU share a pool where
they claim the same and have a model in common: its workers play one stage after the other, since a claim is the memory
of one. A limit on memory and waiting are a stage's own, and so is its pool then.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from actor18m.config.stage_config import Run

_PROCESS_GIB = 0.5
"""What a worker takes when its stage does not say: Python with a small model."""
_STAGE_GIB = 0.1
"""And with each further stage that it plays: eight of small models take 0.95 GiB."""


@dataclass(frozen=True, eq=False)
class Team:
    """Stages that share workers, for a whole run."""

    stages: tuple[str, ...]
    run: Run
    """What each of them claims."""
    given: int | None
    """So many workers, by the pipeline's word."""
    memory_gib: float
    """Of each worker, as far as is known."""
    waits: bool = False

    @property
    def gpus(self) -> float:
        return self.run.gpus


def teams_of(
    runs: Mapping[str, Run],
    cpus: int | None,
    waiting: Collection[str] = (),
    models: Mapping[str, Collection[str]] | None = None,
) -> list[Team]:
    """`cpus`: as many workers as so many CPUs would allow, whatever the pipeline says. `waiting` are stages whose work
    is waiting: one worker has enough in flight. `models`: names of those that a stage uses.
    """
    given = {stage: (run.workers or 1) if stage in waiting else run.workers for stage, run in runs.items()}
    if cpus is not None:
        given = {stage: number if stage in waiting else None for stage, number in given.items()}
    teams = []
    for stages in _together(runs, given, waiting, models or {}):
        run = runs[stages[0]]
        memory_gib = run.memory_gib or _PROCESS_GIB + _STAGE_GIB * (len(stages) - 1)
        teams.append(Team(stages, run, given[stages[0]], memory_gib, stages[0] in waiting))
    return teams


def _together(
    runs: Mapping[str, Run],
    given: Mapping[str, int | None],
    waiting: Collection[str],
    models: Mapping[str, Collection[str]],
) -> list[tuple[str, ...]]:
    """Stages by the pool that they share, in the order of the first of each."""
    shared: list[list[str]] = []
    claims: list[object] = []
    for stage, run in runs.items():
        claim: object = (run.cpus, run.gpus, run.memory_gib, given[stage], run.environment)
        if stage in waiting or (run.gpus == 0 and run.memory_gib is not None):
            claim = stage
        alike = [at for at, other in enumerate(claims) if other == claim]
        if run.gpus:
            own = set(models.get(stage, ()))
            alike = [at for at in alike if any(own.intersection(models.get(each, ())) for each in shared[at])]
        if not alike:
            shared.append([stage])
            claims.append(claim)
            continue
        for at in reversed(alike[1:]):  # it joins what had nothing in common before
            shared[alike[0]] += shared.pop(at)
            claims.pop(at)
        shared[alike[0]].append(stage)
    order = {stage: at for at, stage in enumerate(runs)}
    return [tuple(sorted(stages, key=order.__getitem__)) for stages in shared]
