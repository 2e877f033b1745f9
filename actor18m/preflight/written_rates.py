"""What a preflight found, as rates for `plan`: of the pipeline's own stages, and of no others."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from actor18m.config.costs import SECONDS
from actor18m.config.pipeline import Pipeline
from actor18m.preflight.measuring import StageRun
from actor18m.preflight.stage_speed import StageSpeed
from actor18m.preflight.written import Found
from actor18m.survey.assumed import OfStage, is_of, told_of, words_of
from actor18m.survey.assumed_price import by_name
from actor18m.survey.chain import Chain, Link, chain_of
from actor18m.yaml_file import as_yaml, read_yaml

_NO_RULE = "guess: preflight asks no rules, so as if all passed"


@dataclass(frozen=True)
class Rates:
    text: str
    lacking: tuple[str, ...]
    """Stages that were not measured, and of which nobody knows how long one takes: the text says nothing of them."""


def measured_rates(found: Found, pipeline: Pipeline, file: Path) -> Rates:
    """What was measured, and what the file says of the same stages beside. What claims a GPU and was measured without
    one stays as the file has it."""
    chain, told = chain_of(pipeline, describe=by_name), dict(_mapping(read_yaml(file)))
    given, runs = _mapping(told["stages"]), {run.step.name: run for run in found.runs}
    taken = {link.name: _taken(_mapping(given.get(link.name) or {}), link, chain) for link in chain.links}
    stages = {link.name: _of_stage(found, runs[link.name], link, taken[link.name]) for link in chain.links}
    if given.keys() - {name for name, of in taken.items() if of}:
        told["clips"] = [told["clips"][0], f"guess: as many as {file.name} has"]
    if not any(taken.values()):
        told["pipeline"] = pipeline.name
    if gates := _gates(_mapping(told.pop("gates", {})), chain):
        told["gates"] = gates
    known = {name: of for name, of in stages.items() if of}
    return Rates(as_yaml({**told, "stages": known}), tuple(name for name in stages if name not in known))


def _taken(of: Mapping[str, Any], link: Link, chain: Chain) -> dict[str, Any]:
    """What the file says of this stage; nothing, where it tells of another one of that name."""
    if not is_of(of.get("of"), link.step):
        return {}
    taken, passing = dict(of), of.get("passing")
    if isinstance(passing, Mapping):
        words = words_of(chain) if link.unit == "images" else []
        taken["passing"] = {word: share for word, share in passing.items() if word in ("", *words)}
    return taken


def _of_stage(found: Found, run: StageRun, link: Link, taken: Mapping[str, Any]) -> dict[str, Any]:
    """Nothing, where nobody knows how long one takes, or for how many images a clip asks."""
    measured = _seconds(found, run, taken)
    beside = {key: value for key, value in taken.items() if not measured or key not in ("of", "gpu_seconds", "gpus")}
    own = measured | beside | measured  # in the order of measured
    if link.stage_class.requests is not None and "asks" not in own and run.asks is not None:
        own["asks"] = [_rounded(run.asks), f"measured: preflight, {date.today()}, over its sample clips"]
    if (link.rules or link.stage_class.of == "requests") and not own.get("passing"):
        own["passing"] = [1, _NO_RULE]
    is_whole = "seconds" in own and (link.stage_class.requests is None or "asks" in own)
    return own if is_whole else {}


def _seconds(found: Found, run: StageRun, taken: Mapping[str, Any]) -> dict[str, Any]:
    speed, step, name = run.speed, run.step, run.step.name
    of = {"of": told_of(step)}
    if not isinstance(speed, StageSpeed):
        expected = {cost: each for cost, each in step.run.expected.items() if cost in OfStage.model_fields}
        if "seconds" in taken or SECONDS not in expected:
            return {}
        return of | {cost: [each, "guess: `run.expected` of the pipeline"] for cost, each in expected.items()}
    seconds, on = _rounded(speed.seconds), f"on {found.machine.called}, {date.today()}, {_of(run, speed)}"
    if step.run.gpus and found.machine.gpu is None:
        return {} if "seconds" in taken else of | {"seconds": [seconds, f"guess: preflight without a GPU, {on}"]}
    source = f"measured: preflight {on}"
    return of | {"seconds": [seconds, source], "gpus": [found.plan.claims[name].gpus, source]}


def _gates(given: Mapping[str, Any], chain: Chain) -> dict[str, Any]:
    """Of subsets that the pipeline has, at the stages where clips meet their gates."""
    ways = {branch.subset: {chain.clips[0].name, *(link.name for link in branch.way)} for branch in chain.branches}
    own = {
        subset: {stage: share for stage, share in _mapping(gate).items() if stage in ways[subset]}
        for subset, gate in given.items()
        if subset in ways
    }
    return {subset: gate for subset, gate in own.items() if gate}


def _of(run: StageRun, speed: StageSpeed) -> str:
    return f"{speed.measured} {run.units if speed.measured > 1 else run.units.removesuffix('s')}"


def _rounded(number: float) -> float:
    return float(f"{number:.3g}")


def _mapping(content: object) -> Mapping[str, Any]:
    assert isinstance(content, Mapping)
    return content
