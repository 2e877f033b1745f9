"""What a build would cost: a plan with what is likely to come, what each of it costs, and what a kept image does."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

from actor18m.config.costs import DOLLARS, GPU_SECONDS, SECONDS
from actor18m.survey.foreseen import Number, Waiting, foresee, if_all_pass
from actor18m.survey.kept_price import kept_prices
from actor18m.survey.plan import Plan, Planning, StagePlan
from actor18m.survey.rates import rates_of
from actor18m.survey.runs import accounts
from actor18m.survey.shares import shares_of
from actor18m.survey.snapshot import Record


@dataclass(frozen=True)
class Total:
    """Of all stages together; None where nobody knows."""

    least: float
    """For what is known to be missing."""
    expected: Number
    at_most: Number
    without: tuple[str, ...]
    """Stages that have something to do and cost such, and of which nobody knows how much: they are not in it."""


def plan(record: Record, new: int = 0) -> Plan:
    """Surveys everything that is registered; `new` inputs are about to be."""
    planning = Planning(record)
    for block, surveyed in record.surveyed():
        planning.add(block, surveyed)
    found, waiting, told = planning.found(), planning.waiting, accounts(record.store)
    chain = record.surveyor.stages
    rates, shares = rates_of(chain.links, told), shares_of(record, planning.repeating, told)
    first = chain.clips[0].name
    waiting = Waiting({**waiting.clips, first: waiting.clips[first] + new}, waiting.images, waiting.again)
    likely, most = foresee(chain, waiting, shares), foresee(chain, waiting, if_all_pass(shares, chain))
    for name, stage in found.stages.items():
        stage.rate = rates.get(name)
        stage.expected, stage.at_most = _whole(likely.units[name]), _whole(most.units[name])
    for link in chain.links:
        if link.stage_class.requests is not None and found.stages[link.name].at_most != 0:
            found.asking[link.name] = shares.asking.get(link.name)
    found.new = new
    found.kept = list(kept_prices(chain, shares, rates))
    return found


def totals(found: Plan) -> dict[str, Total]:
    """By cost: seconds of one worker, gpu_seconds, dollars, those of which anything is known."""
    stages = {
        name: replace(stage, missing=stage.missing + (found.new if number == 0 else 0))
        for number, (name, stage) in enumerate(found.stages.items())
        if stage.at_most != 0
    }
    return {
        cost: _total(cost, stages)
        for cost in (SECONDS, GPU_SECONDS, DOLLARS)
        if any(each(stage, cost) is not None for stage in stages.values())
    }


def each(stage: StagePlan, cost: str) -> Number:
    """What one clip or image of a stage costs."""
    if stage.rate is None:
        return None
    return {SECONDS: stage.rate.seconds, DOLLARS: stage.rate.dollars}.get(cost, stage.rate.costs.get(cost))


def _total(cost: str, stages: Mapping[str, StagePlan]) -> Total:
    told = {name: price for name, stage in stages.items() if (price := each(stage, cost)) is not None}
    return Total(
        sum(price * stages[name].missing for name, price in told.items()),
        _sum((stages[name].expected, price) for name, price in told.items()),
        _sum((stages[name].at_most, price) for name, price in told.items()),
        tuple(name for name, stage in stages.items() if name not in told and _concerns(stage, cost)),
    )


def _concerns(stage: StagePlan, cost: str) -> bool:
    """A GPU is paid for, whether or not it is said how much."""
    return cost in (SECONDS, *stage.costs) or (cost == DOLLARS and GPU_SECONDS in stage.costs)


def _sum(told: Iterable[tuple[Number, float]]) -> Number:
    found = 0.0
    for count, price in told:
        if count is None:
            return None
        found += count * price
    return found


def _whole(number: Number) -> Number:
    return None if number is None else math.ceil(number - 1e-6)
