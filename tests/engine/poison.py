"""Backends that do harm: what a film's first word says."""

import os
from pathlib import Path

from tests.engine.steady import CALLS, Steady, counted
from tests.execute.poison_stages import act


class Poisonous(Steady):
    """Segfaults, hangs, raises or allocates without end; of other words measures what Steady does."""

    @classmethod
    def load(cls) -> "Poisonous":
        return cls()

    def measure(self, text: str) -> float:
        act(text.partition(" ")[0])
        return super().measure(text)


class Flaky(Steady):
    """`flaky 5 …` is lost the first five times."""

    @classmethod
    def load(cls) -> "Flaky":
        return cls()

    def measure(self, text: str) -> float:
        word, number, *_ = text.split()
        if word == "flaky" and text.endswith("0") and _tries(text) <= int(number):
            raise ConnectionError("the model's server hung up")
        return super().measure(text)


def _tries(text: str) -> int:
    counted("flaky", text)
    files = Path(os.environ[CALLS]).glob("flaky-*")
    return sum(line == text for file in files for line in file.read_text().splitlines())
