"""What one clip or image costs a stage, as builds of this store measured it, or as the pipeline says."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from actor18m.config.costs import DOLLARS, GPU_SECONDS, REQUESTS, SECONDS, DollarsPer
from actor18m.config.stage_config import Step
from actor18m.survey.chain import Link
from actor18m.survey.runs import stages_of

ENOUGH = 64
"""The latest runs count that measured so many together: a few clips alone tell little."""
Basis = Literal["measured", "measured otherwise", "expected"]
"""Otherwise: with other parameters or models. Expected: as `run.expected` of the pipeline says."""


@dataclass(frozen=True)
class Rate:
    """Of one clip or image. What is not in `costs` is not known, or costs nothing."""

    basis: Basis
    seconds: float | None
    """Of one worker."""
    costs: Mapping[str, float] = field(default_factory=dict)
    """gpu_seconds, requests, tokens, dollars, and what else the stage tells."""

    @property
    def dollars(self) -> float | None:
        """Where nothing is paid, nobody has said what it costs."""
        return self.costs.get(DOLLARS) or None

    @property
    def gpu_seconds(self) -> float | None:
        return self.costs.get(GPU_SECONDS)


def rates_of(links: Iterable[Link], accounts: Sequence[Mapping[str, Any]]) -> dict[str, Rate]:
    """By stage, of those of which anything is known. What was measured counts before what the pipeline expects."""
    found = {link.name: _rate(link, accounts) for link in links}
    return {name: rate for name, rate in found.items() if rate is not None}


def _rate(link: Link, accounts: Sequence[Mapping[str, Any]]) -> Rate | None:
    told = [stages_of(account).get(link.name, {}) for account in reversed(accounts)]
    own = [stage for stage in told if stage.get("fingerprint") == link.fingerprint]
    expected = _expected(link.step)
    bases: tuple[tuple[Basis, Sequence[Mapping[str, Any]]], ...] = (("measured", own), ("measured otherwise", told))
    for basis, stages in bases:
        if (measured := _measured(stages, link.step)) is not None:
            seconds, costs = measured
            return Rate(basis, seconds, _priced(link.step, expected | costs))
    if not expected:
        return None
    return Rate("expected", expected.pop(SECONDS, None), _priced(link.step, expected))


def _measured(stages: Iterable[Mapping[str, Any]], step: Step) -> tuple[float, dict[str, float]] | None:
    """Seconds and costs of one, without what was paid by prices of then; the latest runs come first."""
    count, seconds, costs = 0, 0.0, Counter[str]()
    for stage in stages:
        match stage:
            case {"measured": int(measured), "seconds": int() | float() as took} if measured > 0:
                count, seconds = count + measured, seconds + took
                told = {name: float(value) for name, value in (stage.get("costs") or {}).items()}
                paid = prices_of(stage.get("dollars_per")).of(told)
                if DOLLARS in told:
                    told[DOLLARS] = max(0.0, told[DOLLARS] - paid)
                if step.run.gpus:
                    told.setdefault(GPU_SECONDS, step.run.gpus * took)
                for name, value in told.items():
                    costs[name] += value  # type: ignore[assignment]
        if count >= ENOUGH:
            break
    return (seconds / count, {name: value / count for name, value in costs.items()}) if count else None


def prices_of(told: object) -> DollarsPer:
    """Of a run; none where it tells them in a way that is not known."""
    try:
        return DollarsPer.model_validate(told or {})
    except ValueError:
        return DollarsPer()


def _expected(step: Step) -> dict[str, float]:
    told = dict(step.run.expected)
    if step.run.gpus and SECONDS in told:
        told.setdefault(GPU_SECONDS, step.run.gpus * told[SECONDS])
    if step.waits and told:
        told.setdefault(REQUESTS, 1.0)
    return told


def _priced(step: Step, costs: Mapping[str, float]) -> dict[str, float]:
    told = {name: value for name, value in costs.items() if name != SECONDS}
    if paid := step.run.dollars_per.of(told):
        told[DOLLARS] = told.get(DOLLARS, 0.0) + paid
    return told
