"""What measuring costs beside time, and how much of it a stage may spend in one build."""

from collections import Counter
from collections.abc import Iterable, Mapping

from actor18m.config.stage_config import GPU_SECONDS, REQUESTS
from actor18m.execute.messages import Duty
from actor18m.stage import Failure, Row

FIRST = 8
"""So many are measured before it is known what one costs."""


def costs_of(outcomes: Iterable[Row | Failure], more: Mapping[str, float], duty: Duty, seconds: float) -> Counter[str]:
    """Of a call: what its rows say, and what else is known of it. Where rows say something, they know it better."""
    costs = Counter[str]()
    for outcome in outcomes:
        for name, value in outcome.costs.items():
            costs[name] += value  # type: ignore[assignment]
    for name, value in more.items():
        costs.setdefault(name, value)  # type: ignore[arg-type]
    if duty.step.run.gpus:
        costs.setdefault(GPU_SECONDS, duty.step.run.gpus * seconds)  # type: ignore[arg-type]
    return costs


class Budget:
    """Of one stage in one build. It is kept by what one clip or image cost so far, on average: what is under way is
    taken into account, and nothing more is begun when the next one would exceed it.
    """

    def __init__(self, most: Mapping[str, float]) -> None:
        self._most = most
        self.spent: Counter[str] = Counter()
        self._measured = 0

    def add(self, costs: Mapping[str, float], measured: int) -> None:
        for name, value in costs.items():
            self.spent[name] += value  # type: ignore[assignment]
        self._measured += measured

    def affords(self, flying: int) -> int | None:
        """How many more may be begun while so many are under way; None: any number."""
        return min((max(0, self._left(name, most) - flying) for name, most in self._most.items()), default=None)

    @property
    def told(self) -> str:
        """What is spent of it: `4.98 of 5 dollars`."""
        return ", ".join(f"{self.spent[name]:g} of {most:g} {name}" for name, most in self._most.items())

    def _left(self, name: str, most: float) -> int:
        """For so many it is enough."""
        if not self._measured:
            return min(FIRST, int(most)) if name == REQUESTS else FIRST
        each = self.spent[name] / self._measured
        if name == REQUESTS:
            each = max(1.0, each)
        return int((most - self.spent[name]) / each + 1e-9) if each else FIRST
