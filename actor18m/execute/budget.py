"""What measuring costs beside time, and how much of it a stage, and all of them, may spend in one build."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from actor18m.config.costs import DOLLARS, GPU_SECONDS, REQUESTS
from actor18m.config.stage_config import Step
from actor18m.execute.tally import Bound
from actor18m.stage import Failure, Row

FIRST = 8
"""So many are measured before it is known what one costs."""
OWN, LIMIT = "run.budget", "--limit"
OF_ALL = {DOLLARS: "--budget-usd", GPU_SECONDS: "--budget-gpu-hours"}
"""Who set a bound: the pipeline for a stage, or who builds, for all stages together."""


def costs_of(outcomes: Iterable[Row | Failure], more: Mapping[str, float], step: Step, seconds: float) -> Counter[str]:
    """Of a call: what its rows say, and what else is known of it. Where rows say something, they know it better."""
    costs = Counter[str]()
    for outcome in outcomes:
        for name, value in outcome.costs.items():
            costs[name] += value  # type: ignore[assignment]
    for name, value in more.items():
        costs.setdefault(name, value)  # type: ignore[arg-type]
    if step.run.gpus:
        costs.setdefault(GPU_SECONDS, step.run.gpus * seconds)  # type: ignore[arg-type]
    if paid := step.run.dollars_per.of(costs):
        costs[DOLLARS] += paid  # type: ignore[assignment]
    return costs


@dataclass
class Purse:
    """What all stages of one build may spend together, and how many clips or images each of them may measure."""

    most: Mapping[str, float] = field(default_factory=dict)
    """By what it costs: dollars, gpu_seconds."""
    limit: int | None = None
    spent: Counter[str] = field(default_factory=Counter)
    measured: Counter[str] = field(default_factory=Counter)
    """By stage."""
    expected: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """By stage, what one clip or image cost in builds before, or as the pipeline expects: it counts until one is
    measured."""

    def concerns(self, step: Step) -> tuple[str, ...]:
        """What of it the stage may spend."""
        return tuple(name for name in self.most if name in step.costs)


class Budget:
    """Of one stage in one build. It is kept by what one clip or image cost so far, on average: what is under way is
    taken into account, and nothing more is begun when the next one would exceed it.
    """

    def __init__(
        self, stage: str, most: Mapping[str, float], purse: Purse, shares: Sequence[str] = (), requests_each: int = 1
    ) -> None:
        """`requests_each`: so many one clip or image may take, unless some are tried again."""
        self._stage, self._most, self._purse, self._shares = stage, most, purse, shares
        self._requests_each = requests_each
        self.beside: list[Budget] = []
        """Those of the other stages, which take from the same purse."""
        self.spent: Counter[str] = Counter()
        self._measured = 0
        self.flying = 0
        """So many are being measured."""

    def add(self, costs: Mapping[str, float], measured: int) -> None:
        for name, value in costs.items():
            self.spent[name] += value  # type: ignore[assignment]
            self._purse.spent[name] += value  # type: ignore[assignment]
        self._measured += measured
        self._purse.measured[self._stage] += measured

    @property
    def bounds(self) -> list[Bound]:
        """All that bound it, with what is spent of each."""
        found = [
            Bound(
                OWN,
                name,
                self.spent[name],
                most,
                self.each(name) or None,
                self._for(name, most - self.spent[name], most),
            )
            for name, most in self._most.items()
        ]
        for name in self._shares:
            if not self._measured or self.spent[name]:
                spent, most = self._purse.spent[name], self._purse.most[name]
                affords = self._for(name, self._left_of_all(name), most)
                found.append(Bound(OF_ALL[name], name, spent, most, self.each(name) or None, affords))
        if (limit := self._purse.limit) is not None:
            measured = self._purse.measured[self._stage]
            found.append(Bound(LIMIT, "", measured, limit, None, limit - measured))
        return found

    @property
    def affords(self) -> int | None:
        """How many more may be begun while so many are under way; None: any number."""
        return min((max(0, bound.affords - self.flying) for bound in self.bounds), default=None)

    @property
    def reached(self) -> tuple[Bound, ...]:
        """What leaves room for no other one."""
        return tuple(bound for bound in self.bounds if bound.affords <= self.flying)

    def _left_of_all(self, name: str) -> float:
        """What the other stages will have spent, too, once what is under way has come back, is not there any more."""
        under_way = sum(other.each(name) * other.flying for other in self.beside if other is not self)
        return self._purse.most[name] - self._purse.spent[name] - under_way

    def each(self, name: str) -> float:
        """What one costs, as far as that is known."""
        if not self._measured:
            return self._purse.expected.get(self._stage, {}).get(name, 0.0)
        return self.spent[name] / self._measured

    def _for(self, name: str, left: float, most: float) -> int:
        """For so many it is enough."""
        each = self.each(name)
        if name == REQUESTS:
            each = max(float(self._requests_each), each)
        many = int(left / each + 1e-9) if each else FIRST
        if self._measured or self.each(name):
            return many
        return min(FIRST, many) if left > 0 else 0
