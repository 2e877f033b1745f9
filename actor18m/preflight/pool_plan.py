"""What a pipeline's `run` sections should say on machines as the one at hand, by what its stages were seen to take."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import median

from actor18m.config.pipeline import Pipeline
from actor18m.errors import ActorError
from actor18m.execute.pools import Node
from actor18m.execute.teams import teams_of
from actor18m.preflight.balance import Need, Shared, share_out
from actor18m.preflight.device import Machine
from actor18m.preflight.measuring import StageRun
from actor18m.preflight.stage_speed import StageSpeed
from actor18m.shipped import manifest
from actor18m.survey.assumed import check_meant, of_others, read_assumptions, shares_of
from actor18m.survey.assumed_price import by_name
from actor18m.survey.chain import Chain, chain_of
from actor18m.survey.foreseen import Waiting, foresee
from actor18m.survey.shares import Shares

_ROOM_ON_GPU, _STEP_OF_GPU = 1.1, 0.05
_ROOM, _STEP_GIB = 1.5, 0.5
"""Other clips are longer and larger than those that were measured."""
_CALL_S, _MOST_A_CALL = 10.0, 64
"""What one death costs is a call, and each call costs a little by itself."""


@dataclass(frozen=True)
class Claim:
    """What one worker of a stage should claim."""

    gpus: float
    memory_gib: float
    clips_per_call: int


@dataclass(frozen=True)
class PoolPlan:
    nodes: tuple[Node, ...]
    per_clip: Mapping[str, float]
    """How many clips or images of each clip that comes in come to a stage."""
    assumed: str
    """Where that is from."""
    claims: Mapping[str, Claim]
    """Of the stages that were measured."""
    together: Mapping[str, tuple[str, ...]]
    """Stage -> those that share its workers, itself among them."""
    shared: Shared | None
    """None: nothing was measured that takes time."""
    unclaimed: frozenset[str]
    """Stages for which the pipeline claims nothing: a build begins their workers by the CPUs that there are."""

    def workers(self, stage: str) -> int | None:
        return None if self.shared is None else self.shared.workers.get(self.together[stage])

    def ideal_gpus(self, stage: str) -> float:
        return 0.0 if self.shared is None else self.shared.gpus.get(self.together[stage], 0.0)


def pool_plan(pipeline: Pipeline, runs: Sequence[StageRun], machine: Machine, nodes: int, rates: Path) -> PoolPlan:
    """Stages that could not be measured are left out."""
    per_clip, assumed = _per_clip(pipeline, runs, rates)
    measured = {run.step.name: (run, run.speed) for run in runs if isinstance(run.speed, StageSpeed)}
    together = _together(run for run, _ in measured.values())
    alone = {name: _claim(run, speed, machine) for name, (run, speed) in measured.items()}
    claims = {name: _as_all(alone[name], [alone[each] for each in together[name]]) for name in measured}
    all_nodes = (Node(machine.cpus, machine.gpus, machine.bytes / 2**30),) * nodes
    needs = [_need(stages, measured, claims, per_clip, all_nodes) for stages in dict.fromkeys(together.values())]
    shared = share_out(needs, all_nodes) if any(need.seconds for need in needs) else None
    unclaimed = frozenset(name for name, (run, _) in measured.items() if not says_claims(run))
    return PoolPlan(all_nodes, per_clip, assumed, claims, together, shared, unclaimed)


def says_claims(run: StageRun) -> bool:
    """Whether the pipeline says what a worker of the stage claims: of others it is not written either, since they would
    share no workers any more."""
    return bool(run.step.run.gpus) or run.step.run.memory_gib is not None


def _together(runs: Iterable[StageRun]) -> dict[str, tuple[str, ...]]:
    """Stage -> those that share its workers, by what the pipeline claims. They go on doing so."""
    steps = {run.step.name: run.step for run in runs}
    models = {name: {backend.name for backend in step.roles.values()} for name, step in steps.items()}
    teams = teams_of({name: step.run for name, step in steps.items()}, None, models=models)
    return {name: team.stages for team in teams for name in team.stages}


def _as_all(own: Claim, every: Sequence[Claim]) -> Claim:
    """A worker plays one of the stages at a time, so it claims what the one takes that takes most."""
    return replace(own, gpus=max(each.gpus for each in every), memory_gib=max(each.memory_gib for each in every))


def _per_clip(pipeline: Pipeline, runs: Sequence[StageRun], rates: Path) -> tuple[dict[str, float], str]:
    """As a file of rates foresees it; where that is of other stages, as the sample clips had it."""
    chain = chain_of(pipeline, describe=by_name)
    if (shares := fitting_shares(pipeline, chain, rates)) is None:
        return {run.step.name: run.per_clip for run in runs}, "as of the clips that were measured, of which all passed"
    units = foresee(chain, Waiting({chain.clips[0].name: 1.0}), shares).units
    return {name: count or 0.0 for name, count in units.items()}, f"as {rates.name} foresees it"


def fitting_shares(pipeline: Pipeline, chain: Chain, rates: Path) -> Shares | None:
    """Of a file that fits the pipeline. None: those that ship do not; any other file that does not is refused."""
    try:
        told = read_assumptions(rates)
        shares = shares_of(told, chain, rates)
        check_meant(of_others(told, chain), pipeline.name, rates)
    except ActorError:
        if rates != Path(str(manifest("rates.yaml"))):
            raise
        return None
    return shares


def _claim(run: StageRun, speed: StageSpeed, machine: Machine) -> Claim:
    """Workers share a GPU's memory and its time: what is scarcer of both. What was measured on no GPU claims what the
    pipeline says."""
    gpus = run.step.run.gpus
    if gpus and machine.gpu is not None:
        memory = _ROOM_ON_GPU * speed.gpu_bytes / machine.gpu.bytes
        gpus = _up(max(memory, speed.gpu_busy or 0.0, _STEP_OF_GPU), _STEP_OF_GPU)
        gpus = gpus if gpus < 1 else float(math.ceil(memory))
    per_call = max(1, min(_MOST_A_CALL, round(_CALL_S / max(speed.seconds, 1e-3))))
    return Claim(gpus, _up(_ROOM * max(speed.bytes, speed.data_bytes) / 2**30, _STEP_GIB), per_call)


def _need(
    stages: tuple[str, ...],
    measured: Mapping[str, tuple[StageRun, StageSpeed]],
    claims: Mapping[str, Claim],
    per_clip: Mapping[str, float],
    nodes: Sequence[Node],
) -> Need:
    """On CPUs a process keeps the models of all its stages. What Python itself takes it takes once, and it works on the
    clips of one stage at a time."""
    speeds = {stage: measured[stage][1] for stage in stages}
    seconds = {stage: speed.seconds * per_clip[stage] for stage, speed in speeds.items()}
    busy = sum(seconds[stage] * speed.cpus for stage, speed in speeds.items())
    bare = median(speed.bare_bytes for speed in speeds.values())
    models = sum(max(0, speed.kept_bytes - speed.bare_bytes) for speed in speeds.values())
    working = max(speed.bytes - speed.kept_bytes for speed in speeds.values())
    claim, run = claims[stages[0]], measured[stages[0]][0]
    memory = claim.memory_gib if says_claims(run) else (bare + models + working) / 2**30
    most = None if says_claims(run) else max(1, int(sum(node.cpus for node in nodes) / run.step.run.cpus))
    return Need(stages, sum(seconds.values()), busy / max(sum(seconds.values()), 1e-9), claim.gpus, memory, most)


def _up(value: float, step: float) -> float:
    return round(math.ceil(round(value / step, 6)) * step, 6)
