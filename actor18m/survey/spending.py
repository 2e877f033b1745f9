"""What builds of a store took, by stage: the time of workers and of GPUs, at work and idle, and what was paid."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from actor18m.config.costs import DOLLARS, GPU_SECONDS
from actor18m.survey.rates import prices_of
from actor18m.survey.runs import stages_of


@dataclass(frozen=True)
class Spent:
    """Of one stage, in a build or in several."""

    measured: int = 0
    worker_s: float = 0.0
    """At work."""
    held_s: float = 0.0
    """Of workers that were there, at work or not; where that is not known, as long as they worked."""
    gpu_s: float = 0.0
    """At work."""
    idle_gpu_s: float = 0.0
    """Claimed by workers that loaded a model, waited, or stood by."""
    dollars: float = 0.0
    """Without idle GPUs."""
    idle_dollars: float = 0.0
    """For idle GPUs, by the price of a GPU hour that the pipeline had then."""
    more: Mapping[str, float] = field(default_factory=dict)
    """Requests, tokens, and what else the stage told."""

    def __add__(self, other: "Spent") -> "Spent":
        more = Counter(self.more)
        more.update(other.more)
        return Spent(
            self.measured + other.measured,
            self.worker_s + other.worker_s,
            self.held_s + other.held_s,
            self.gpu_s + other.gpu_s,
            self.idle_gpu_s + other.idle_gpu_s,
            self.dollars + other.dollars,
            self.idle_dollars + other.idle_dollars,
            dict(more),
        )

    @property
    def is_paid(self) -> bool:
        """Something else than the time of CPUs was taken."""
        return bool(self.gpu_s or self.idle_gpu_s or self.dollars or self.more)

    @property
    def busy_share(self) -> float | None:
        """Of the time that workers were there."""
        return self.worker_s / self.held_s if self.held_s else None


def spent_of(account: Mapping[str, object]) -> dict[str, Spent]:
    """By stage, of those that the run measured something in, or had workers for."""
    found = {name: _spent(told) for name, told in stages_of(account).items()}
    return {name: spent for name, spent in found.items() if spent.measured or spent.held_s}


def spent_in_all(accounts: Iterable[Mapping[str, object]]) -> dict[str, Spent]:
    """In several runs."""
    found: dict[str, Spent] = {}
    for account in accounts:
        for name, spent in spent_of(account).items():
            found[name] = found.get(name, Spent()) + spent
    return found


def _spent(told: Mapping[str, Any]) -> Spent:
    """Of one stage, as a run tells it."""
    worker_s = _number(told.get("seconds"))
    held_s = max(worker_s, _number(told.get("held_seconds")))
    costs = told.get("costs")
    more = {str(name): _number(value) for name, value in costs.items()} if isinstance(costs, Mapping) else {}
    idle_gpu_s = _number(told.get("gpus")) * (held_s - worker_s)
    return Spent(
        int(_number(told.get("measured"))),
        worker_s,
        held_s,
        more.pop(GPU_SECONDS, 0.0),
        idle_gpu_s,
        more.pop(DOLLARS, 0.0),
        prices_of(told.get("dollars_per")).of({GPU_SECONDS: idle_gpu_s}),
        more,
    )


def _number(told: object) -> float:
    return float(told) if isinstance(told, int | float) else 0.0
