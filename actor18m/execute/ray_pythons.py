"""Whether machines have the Pythons that stages name, with what a worker needs. Ray tries without end, and without a
word, to begin a worker with one that cannot: the build would wait for it until the time to be set up is over.
"""

from collections.abc import Iterator, Mapping

import ray

from actor18m.config.environment import Environment
from actor18m.config.own_python import trouble_with
from actor18m.errors import ActorError
from actor18m.execute import ray_cluster
from actor18m.execute.messages import Duty

_LOOK_S = 90.0
"""A machine that does not answer in time is not accused of anything."""


def check(duties: Mapping[str, Duty]) -> None:
    """Looks on each machine that is there and that the stage may use; nowhere when no stage names a Python."""
    for stage, duty in duties.items():
        run = duty.step.run
        if run.environment.py_executable is None:
            continue
        if troubles := dict(_troubles(run.environment, "GPU" if run.gpus else "CPU")):
            shown = "; ".join(f"{why} on {machine}" for machine, why in list(troubles.items())[:3])
            shown += f"; and something on {len(troubles) - 3} more" if len(troubles) > 3 else ""
            raise ActorError(
                f"stage {stage}: its workers are to run with {run.environment.py_executable}, and that {shown}. Put "
                "a Python with actor18m, its requirements and Ray there, of the versions of here, on each machine or "
                f"on a disk that all share, or correct `{stage}.run.environment.py_executable` in the pipeline; "
                "nothing was measured."
            )


def _troubles(environment: Environment, resource: str) -> Iterator[tuple[str, str]]:
    """Names of the machines on which it cannot be, and why."""
    for machine, answer, is_late in ray_cluster.answers(trouble_with, environment, _LOOK_S, resource):
        if is_late:
            ray.cancel(answer, force=True)
            continue
        try:
            trouble = ray.get(answer)
        except Exception:  # its machine was lost meanwhile: the build goes on without it
            continue
        if trouble is not None:
            yield machine, trouble
