"""A backend that takes parameters, and keeps count of who is loaded and closed."""

from typing import ClassVar, Self

from pydantic import PositiveInt

from actor18m.models.parameters import BackendParameters, NoEffect


class KnobsParameters(BackendParameters):
    threshold: float = 0.5
    checkpoint: str = "small"
    batch: NoEffect[PositiveInt] = 8
    device: NoEffect[str] = "cpu"


class Knobs:
    """Counts as `tests.tiny_stages` asks it to."""

    version = 1
    parameters = KnobsParameters()
    life: ClassVar[list[str]] = []
    """What became of those that were loaded."""

    def __init__(self, told: KnobsParameters) -> None:
        self.told = told

    @classmethod
    def load(cls, parameters: KnobsParameters) -> Self:
        cls.life.append(f"loaded {parameters.checkpoint} on {parameters.device}")
        return cls(parameters)

    def close(self) -> None:
        self.life.append(f"closed {self.told.checkpoint} on {self.told.device}")

    def count(self, uri: str) -> int:
        return self.told.batch


class Network:
    """As a framework's module: what it calls parameters is something else."""

    @classmethod
    def load(cls) -> Self:
        return cls()

    def parameters(self) -> list[float]:
        return []

    def count(self, uri: str) -> int:
        return 0
