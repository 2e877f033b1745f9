"""Whether machines have the Pythons that stages name. Ray tries without end, and without a word, to begin a worker with
one that is not there: the build would wait for it until the time to be set up is over.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actor18m.config.environment import Environment
from actor18m.errors import ActorError
from actor18m.execute import ray_cluster
from actor18m.execute.messages import Duty

_LOOK_S = 30.0
"""A machine that does not answer in time is not accused of anything."""


def check(duties: Mapping[str, Duty]) -> None:
    """Looks on each machine that is there and that the stage may use; nowhere when no stage names a Python."""
    for stage, duty in duties.items():
        run = duty.step.run
        if run.environment.py_executable is None:
            continue
        if lacking := list(_lacking(run.environment, "GPU" if run.gpus else "CPU")):
            shown = ", ".join(lacking[:3]) + (f" and {len(lacking) - 3} more" if len(lacking) > 3 else "")
            raise ActorError(
                f"stage {stage}: its workers are to run with {run.environment.py_executable}, and that is no program "
                f"on {shown}. Put it there, on each machine or on a disk that all share, or correct "
                f"`{stage}.run.environment.py_executable` in the pipeline; nothing was measured."
            )


def _lacking(environment: Environment, resource: str) -> Iterator[str]:
    """Names of the machines that have no such program."""
    nodes = [node for node in ray.nodes() if node["Alive"] and node["Resources"].get(resource)]  # type: ignore[no-untyped-call]
    look: Any = ray.remote(_is_missing)
    own = {"num_cpus": 0, "max_retries": 0, "runtime_env": {"env_vars": dict(ray_cluster.environment())}}
    asked = {
        look.options(scheduling_strategy=NodeAffinitySchedulingStrategy(node["NodeID"], soft=False), **own).remote(
            environment
        ): node["NodeManagerHostname"]
        for node in nodes
    }
    done, late = ray.wait(list(asked), num_returns=len(asked), timeout=_LOOK_S) if asked else ([], [])
    for answer in late:
        ray.cancel(answer, force=True)
    for answer in done:
        try:
            is_missing = ray.get(answer)
        except Exception:  # its machine was lost meanwhile: the build goes on without it
            continue
        if is_missing:
            yield asked[answer]


def _is_missing(environment: Environment) -> bool:
    return environment.missing_program() is not None
