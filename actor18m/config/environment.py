"""A Python environment of its own for the workers of a stage, on Ray, where one cannot hold what two stages need."""

import os
import shlex
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import Field, field_validator, model_validator

from actor18m.redact import is_secret_name
from actor18m.yaml_file import Section, trouble

_WAYS = ("pip", "uv", "conda", "py_executable")
"""Each tells Ray which Python a worker begins with, and of two the last one is heard."""


class Environment(Section):
    """What Ray calls a runtime environment, of one stage. Ray makes it on each machine before a worker begins there."""

    pip: tuple[str, ...] = Field(default=(), description="requirements, on top of what a machine has installed")
    uv: tuple[str, ...] = Field(default=(), description="the same, installed by uv")
    conda: str | Mapping[str, Any] | None = Field(
        default=None, description="name of an environment that every machine has, or the content of an environment.yml"
    )
    py_executable: str | None = Field(
        default=None, description="the Python that workers run with, such as that of an environment on a shared disk"
    )
    env_vars: Mapping[str, str] = Field(default={}, description="variables; no keys: Ray's dashboard shows them")

    @model_validator(mode="after")
    def _is_made_in_one_way(self) -> "Environment":
        if len(told := [name for name in _WAYS if getattr(self, name)]) > 1:
            raise trouble(f"{' and '.join(told)} exclude each other: Ray makes an environment in one way")
        return self

    @field_validator("env_vars")
    @classmethod
    def _holds_no_secrets(cls, given: Mapping[str, str]) -> Mapping[str, str]:
        """Where a secret lies is none: a path may be said."""
        if told := [name for name, value in given.items() if is_secret_name(name) and not value.startswith("/")]:
            raise trouble(
                f"{', '.join(told)} is named like a secret, and Ray's dashboard shows what is set here; set it on the "
                "machines, before Ray starts there"
            )
        return given

    def for_ray(self, env_vars: Mapping[str, str]) -> dict[str, Any]:
        """As Ray takes it; with variables that every worker has."""
        told: dict[str, Any] = {"env_vars": {**env_vars, **self.env_vars}}
        told |= {name: list(given) for name in ("pip", "uv") if (given := getattr(self, name))}
        told |= {name: given for name in ("conda", "py_executable") if (given := getattr(self, name)) is not None}
        return told

    @property
    def shown(self) -> str:
        """What Ray is asked to make, in words; empty when nothing is asked but variables."""
        told = [f"{name} {', '.join(given)}" for name in ("pip", "uv") if (given := getattr(self, name))]
        if self.conda is not None:
            told.append(f"conda {self.conda if isinstance(self.conda, str) else 'of an environment.yml'}")
        if self.py_executable is not None:
            told.append(f"py_executable {self.py_executable}")
        return "; ".join(told)

    def missing_program(self) -> str | None:
        """What `py_executable` would begin, if this machine has no such program. Ray tries without end to begin it."""
        if self.py_executable is None:
            return None
        program = os.path.expandvars(_first_word(self.py_executable))
        if program.startswith("~"):
            program = str(Path(program).expanduser())
        if "$" in program:
            return None  # only the worker's own shell knows
        folders = os.path.expandvars(self.env_vars["PATH"]) if "PATH" in self.env_vars else None
        return None if shutil.which(program, path=folders) else program


def _first_word(command: str) -> str:
    """Ray gives it to a shell, so that options may follow."""
    try:
        return (shlex.split(command) or [command])[0]
    except ValueError:  # an open quote
        return command
