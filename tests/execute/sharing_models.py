"""Stages and models for tests of who shares workers: none of them is a real one."""

from collections.abc import Iterable, Sequence
from typing import ClassVar, Protocol

from pyarrow import string

from actor18m.models.parameters import BackendParameters
from actor18m.stage import Clip, Failure, Row, Stage, schema


class Editor(Protocol):
    name: str


LIFE: list[str] = []
"""What was loaded and closed in this process."""


class Tuned(BackendParameters):
    adapter: str = ""


class Large:
    """A model of which a GPU holds one."""

    name = "large"
    parameters = Tuned()

    def __init__(self, parameters: Tuned) -> None:
        self._told = f"{self.name}{parameters.adapter}"
        LIFE.append(f"+{self._told}")

    @classmethod
    def load(cls, parameters: Tuned) -> "Large":
        return cls(parameters)

    def close(self) -> None:
        LIFE.append(f"-{self._told}")


class Small(Large):
    name = "small"


class Beside(Large):
    name = "beside"


class Edits(Stage):
    version = 1
    roles: ClassVar[dict[str, type]] = {"editor": Editor, "beside": Editor}
    writes = schema("edits", by=string())

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            yield Row(clip.key, {"by": self.backends["editor"].name})
