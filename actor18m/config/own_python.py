"""Whether the Python that a stage names for its workers can be one on this machine: has it Ray and actor18m, as here?
Of a conda environment only whether it is there.

Ray says nothing of one that cannot: it tries to begin it again and again.
"""

import os
import platform
import subprocess
from importlib.metadata import version

from actor18m.config.environment import Environment
from actor18m.config.own_conda import trouble_with_conda
from actor18m.redact import redact

_LOOK_S = 60.0
"""One that takes longer, on a disk that is slow today, is not accused of anything."""
_TOLD = "actor18m sees "
_LOOK = f"""
import platform
import ray
import actor18m.execute.ray_hands
print({_TOLD!r} + platform.python_version() + " " + ray.__version__)
"""
"""What a worker imports before anything else."""


def trouble_with(environment: Environment) -> str | None:
    """In words that follow its name; None where nothing is wrong, as far as one can see."""
    if environment.conda is not None:
        return trouble_with_conda(environment.conda)
    if environment.py_executable is None:
        return None
    if environment.missing_program() is not None:
        return "is no program"
    variables = {name: os.path.expandvars(value) for name, value in environment.env_vars.items()}
    command = ["bash", "-c", f'exec {environment.py_executable} -c "$0"', _LOOK]  # as Ray begins it
    try:
        done = subprocess.run(
            command,
            env=os.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=_LOOK_S,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    if done.returncode:
        return f"cannot run a worker: {_last_line(done.stderr) or f'it ended with {done.returncode}'}"
    told = next((line for line in done.stdout.splitlines() if line.startswith(_TOLD)), "").removeprefix(_TOLD).split()
    if len(told) != 2:
        return None
    python, ray = told
    if python.split(".")[:2] != platform.python_version().split(".")[:2]:
        return f"is Python {python}, and here it is {platform.python_version()}: Ray wants the same everywhere"
    if ray != (here := version("ray")):
        return f"has Ray {ray}, and here it is {here}: Ray wants the same everywhere"
    return None


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return redact(lines[-1])[:300] if lines else ""
