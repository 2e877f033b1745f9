"""What a pipeline would cost at a size, on so many GPUs, and what it would wait for: by numbers that are assumed."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from actor18m.config.costs import DOLLARS, GPU_SECONDS, REQUESTS, TOKENS
from actor18m.config.pipeline import Pipeline
from actor18m.models.backends import Backend
from actor18m.survey.assumed import (
    Assumed,
    Assumptions,
    OfStage,
    check_meant,
    notes_of,
    of_others,
    rates_of,
    read_assumptions,
    shares_of,
)
from actor18m.survey.chain import Chain, Link, chain_of
from actor18m.survey.foreseen import Waiting, foresee
from actor18m.survey.kept_price import KeptPrice, kept_prices
from actor18m.survey.rates import Rate


@dataclass(frozen=True)
class StagePrice:
    """Of all clips or images that come to a stage."""

    unit: str
    units: float
    seconds: float
    """Each."""
    cpu_hours: float
    gpu_hours: float
    requests: float
    tokens: float
    dollars: float
    is_guess: bool
    """Whether how long one takes is a guess."""
    least_hours: float
    """The time that so many requests take, at the endpoint's pace or the pipeline's, however many GPUs there are."""


@dataclass(frozen=True)
class Wall:
    """The time from the beginning to the end, if nothing waits but for what is scarce."""

    gpus: int
    hours: float
    bottleneck: str


@dataclass(frozen=True)
class Priced:
    clips: float
    accepted: float
    kept: Mapping[str, float]
    """Images, by maker."""
    stages: Mapping[str, StagePrice]
    bytes: Mapping[str, float]
    """By kind of file."""
    store_bytes: float
    """Of these, what the store takes; the rest is the dataset's."""
    storage_dollars: float
    """A month."""
    walls: tuple[Wall, ...]
    prices: tuple[KeptPrice, ...]
    sources: Mapping[str, str]
    """Of each number that is assumed, by its place in the file."""
    notes: tuple[str, ...]
    """Of what does not fit the pipeline."""

    def total(self, of: str) -> float:
        return sum(float(getattr(stage, of)) for stage in self.stages.values())

    @property
    def guessed(self) -> float:
        """Which share of the GPU hours rests on guesses of how long one takes."""
        hours = self.total("gpu_hours")
        return sum(stage.gpu_hours for stage in self.stages.values() if stage.is_guess) / hours if hours else 0.0


def price(pipeline: Pipeline, file: Path) -> Priced:
    """Without a store, and without any weights."""
    chain, told = chain_of(pipeline, describe=by_name), read_assumptions(file)
    shares, rates, others = shares_of(told, chain, file), rates_of(told, chain), of_others(told, chain)
    check_meant(others, pipeline.name, file)
    found = foresee(chain, Waiting({chain.clips[0].name: told.clips.value}), shares)
    units = {name: count or 0.0 for name, count in found.units.items()}
    stages = {
        link.name: _of_stage(link, units[link.name], told.stages[link.name], rates, link.name in others)
        for link in chain.links
    }
    accepted = told.clips.value * math.prod(shares.passing[link.name, ""] for link in chain.clips)
    kept = {maker: count or 0.0 for maker, count in found.kept.items()}
    stored = _bytes(told, chain, units, accepted, sum(kept.values()))
    return Priced(
        told.clips.value,
        accepted,
        kept,
        stages,
        stored,
        sum(size.value * units[link.name] for link in chain.links for size in told.stages[link.name].bytes.values()),
        sum(stored.values()) / 2**40 * told.machines.dollars_per_tib_month.value,
        tuple(_wall(stages, gpus, told.machines.cpus_per_gpu.value) for gpus in told.machines.gpus),
        tuple(kept_prices(chain, shares, rates)),
        dict(_sources(told.model_dump(), ())),
        tuple(notes_of(told, chain, others, pipeline.name)),
    )


def by_name(backend: Backend) -> tuple[str, str]:
    """Nothing is measured, so nobody asks with which bytes."""
    return backend.name, ""


def _of_stage(link: Link, units: float, of: OfStage, rates: Mapping[str, Rate], is_of_others: bool) -> StagePrice:
    costs, step = rates[link.name].costs, link.step
    at_once = step.run.in_flight if step.waits else 1
    requests = units * costs.get(REQUESTS, 0.0)
    paces = [of.requests_per_minute.value if of.requests_per_minute else None, step.run.requests_per_minute]
    pace = min((each for each in paces if each), default=math.inf)
    return StagePrice(
        link.unit,
        units,
        of.seconds.value,
        units * of.seconds.value * step.run.cpus / at_once / 3600,
        units * costs.get(GPU_SECONDS, 0.0) / 3600,
        requests,
        units * costs.get(TOKENS, 0.0),
        units * costs[DOLLARS],
        is_of_others or (of.gpu_seconds or of.seconds).is_guess,
        requests / pace / 60,
    )


def _bytes(
    told: Assumptions, chain: Chain, units: Mapping[str, float], accepted: float, kept: float
) -> dict[str, float]:
    found = Counter[str]()
    for link in chain.links:
        _add(found, told.stages[link.name].bytes, units[link.name])
    _add(found, told.accepted_bytes, accepted)
    _add(found, told.kept_bytes, kept)
    return dict(found)


def _add(found: Counter[str], each: Mapping[str, Assumed], count: float) -> None:
    for kind, size in each.items():
        found[kind] += size.value * count  # type: ignore[assignment]


def _wall(stages: Mapping[str, StagePrice], gpus: int, cpus_per_gpu: float) -> Wall:
    """All stages work at once, each on what came so far: what is scarcest decides."""
    resources = {
        "GPUs": {name: stage.gpu_hours / gpus for name, stage in stages.items()},
        "CPUs": {name: stage.cpu_hours / (gpus * cpus_per_gpu) for name, stage in stages.items()},
    }
    waits = [(sum(hours.values()), what, hours) for what, hours in resources.items()]
    hours, what, by_stage = max(waits, key=lambda each: each[0])
    slow, least = max(((name, stage.least_hours) for name, stage in stages.items()), key=lambda each: each[1])
    if least > hours:
        return Wall(gpus, least, f"the requests of {slow}")
    largest = max(by_stage, key=by_stage.__getitem__)
    return Wall(gpus, hours, f"{what}, {by_stage[largest] / hours:.0%} of them for {largest}" if hours else "nothing")


def _sources(told: object, place: tuple[str, ...]) -> Iterable[tuple[str, str]]:
    if isinstance(told, Mapping):
        if {"value", "source"} == told.keys():
            yield ".".join(filter(None, place)), str(told["source"])
        else:
            for name, below in told.items():
                yield from _sources(below, (*place, str(name)))
