"""What a preflight found, as the `run` sections for a pipeline that extends this one."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import yaml

from actor18m.amounts import amount
from actor18m.config.measured_pools import PREFLIGHT
from actor18m.models.backends import Backend
from actor18m.preflight.backend_speed import BackendSpeed
from actor18m.preflight.device import Machine
from actor18m.preflight.measuring import BackendRun, StageRun
from actor18m.preflight.pool_plan import PoolPlan, says_claims
from actor18m.yaml_file import as_yaml


@dataclass(frozen=True)
class Found:
    pipeline: str
    """As it was named."""
    machine: Machine
    clips: Sequence[str]
    backends: Sequence[BackendRun]
    runs: Sequence[StageRun]
    plan: PoolPlan


def pools_yaml(found: Found) -> str:
    """For `extends: [PIPELINE, this file]`, a line for each stage. Stages that share workers go on doing so."""
    machines, shared = amount(len(found.plan.nodes), "such machine"), found.plan.shared
    told = [f"# Measured by `actor18m preflight {found.pipeline}` on {date.today()}: {found.machine.called}."]
    if shared is not None:
        told.append(f"# On {machines} {shared.clips_per_hour:,.0f} clips an hour may come in.")
        told.append(f"# The bottleneck: {shared.bottleneck}.")
    pools = {run.step.stage: _pool(found, run) for run in found.runs}
    models = {
        run.step.stage: {role: each.name for role, each in run.step.roles.items()}
        for run in found.runs
        if pools[run.step.stage]
    }
    marked = {PREFLIGHT: {"pipeline": found.pipeline, "models": models}}
    told += [as_yaml(marked).rstrip(), "stages:"]
    steps = (step for step in pools.values() if step)
    told += [
        f"  - {yaml.safe_dump(step, default_flow_style=True, sort_keys=False, width=1000).strip()}" for step in steps
    ]
    return "\n".join(told) + "\n"


def _pool(found: Found, run: StageRun) -> dict[str, Any]:
    name = run.step.name
    claim = found.plan.claims.get(name)
    if claim is None:
        return {}
    told: dict[str, Any] = {"clips_per_call": claim.clips_per_call}
    if says_claims(run):
        workers = found.plan.workers(name)
        told |= {"workers": workers} if workers is not None else {}
        told |= {"gpus": claim.gpus} if claim.gpus else {}
        told |= {"memory_gib": claim.memory_gib}
    batches = {role: size for role, backend in run.step.roles.items() if (size := _batch(found, backend))}
    roles = {"roles": {role: {"batch": size} for role, size in batches.items()}} if batches else {}
    return {"stage": run.step.stage, **roles, "run": told}


def _batch(found: Found, backend: Backend) -> int | None:
    """On a GPU, the batch that is best, where it is not the one that the backend has anyway."""
    speeds = [run.speed for run in found.backends if run.playing.backend == backend]
    best = [speed.best.size for speed in speeds if isinstance(speed, BackendSpeed) and len(speed.batches) > 1]
    if found.machine.gpu is None or not best:
        return None
    return max(best) if max(best) != getattr(backend.parameters, "batch", None) else None
