"""Whether this machine has a conda, and the environment of it that a stage names for its workers."""

import json
import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from actor18m.errors import instead_of

_LOOK_S = 60.0
_OF_A_FILE = (".yaml", ".yml")


def trouble_with_conda(asked: str | Mapping[str, Any]) -> str | None:
    """In words that follow its name; None where nothing is wrong, as far as one can see."""
    conda = _as_ray_finds_it()
    if shutil.which(conda) is None:
        return f"cannot be had: there is no program {conda}, where RAY_CONDA_HOME, CONDA_EXE or PATH leads to"
    if not isinstance(asked, str) or Path(asked).suffix in _OF_A_FILE:
        return None  # Ray makes it
    if (there := _environments(conda)) is None or asked in there or asked in there.values():
        return None
    return f"is no environment of {conda}; {instead_of(asked, there)}"


def _as_ray_finds_it() -> str:
    if home := os.environ.get("RAY_CONDA_HOME"):
        return str(Path(home) / "bin" / "conda")
    if "CONDA_EXE" in os.environ:
        return str(Path(os.environ["CONDA_EXE"]).parent / "conda")
    return "conda"


def _environments(conda: str) -> dict[str, str] | None:
    """Names and folders, as Ray tells them apart; None where conda does not say, and nobody is accused then."""
    try:
        done = subprocess.run(
            [conda, "info", "--json"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_LOOK_S
        )
        told = json.loads(done.stdout)
        return {"base" if at == told["conda_prefix"] else Path(at).name: at for at in told["envs"]}
    except (OSError, subprocess.TimeoutExpired, ValueError, LookupError, TypeError):
        return None
