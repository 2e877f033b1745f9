"""What people assume of a pipeline that was never run: how many pass, what each clip and image takes. From a YAML file,
in which every number says where it is from.
"""

import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, NonNegativeFloat, ValidationError

from actor18m.config.costs import DOLLARS, GPU_SECONDS, REQUESTS, TOKENS
from actor18m.config.stage_config import Step
from actor18m.errors import ActorError, instead_of
from actor18m.shipped import manifest
from actor18m.survey.chain import Chain, Link
from actor18m.survey.rates import Rate
from actor18m.survey.shares import Of, Shares
from actor18m.yaml_file import Section, explained, problems_of, read_yaml, trouble

GUESS = "guess"
_SOURCES = ("measured", "published", GUESS)


class Assumed(Section):
    """A number, and where it is from."""

    value: NonNegativeFloat
    source: str

    @property
    def is_guess(self) -> bool:
        return self.source.startswith(GUESS)


def _of_pair(given: object) -> object:
    if isinstance(given, Assumed):
        return given
    if not isinstance(given, list | tuple) or len(given) != 2 or not isinstance(given[1], str):
        raise trouble(f"must be a number with its source, [0.9, 'published: …'], not {given!r}")
    if isinstance(given[0], bool) or not isinstance(given[0], int | float) or not 0 <= given[0] < math.inf:
        raise trouble(f"must be a number from 0 on, not {given[0]!r}")
    if not given[1].startswith(_SOURCES):
        raise trouble(f"its source must begin with {', '.join(_SOURCES)}, not {given[1]!r}")
    return {"value": given[0], "source": given[1]}


def _of_share(given: Assumed) -> Assumed:
    if given.value > 1:
        raise trouble(f"is a share of what comes: at most 1, not {given.value:g}")
    return given


def _of_count(given: Assumed) -> Assumed:
    if not given.value:
        raise trouble("must be more than 0")
    return given


def _of_sizes(given: object) -> object:
    sizes = given if isinstance(given, list | tuple) else ()
    if not sizes or any(isinstance(each, bool) or not isinstance(each, int) or each < 1 for each in sizes):
        raise trouble(f"must be a list of whole numbers from 1 on, [8, 64], not {given!r}")
    return given


Number = Annotated[Assumed, BeforeValidator(_of_pair)]
Share = Annotated[Number, AfterValidator(_of_share)]
MoreThanNone = Annotated[Number, AfterValidator(_of_count)]


def _by_word(given: object) -> object:
    return given if isinstance(given, Mapping) else {"": given}


class OfStage(Section):
    """Of one clip or image."""

    of: str | None = Field(default=None, description="the stage that it was told of: `module:Class with model, model`")
    passing: Annotated[Mapping[str, Share], BeforeValidator(_by_word)] = Field(
        default={}, description="the share that its rules pass; of images, where it differs, by the third word of keys"
    )
    asks: Number | None = Field(default=None, description="for how many images a clip asks")
    attempts: Number | None = Field(default=None, description="of a maker, at one image")
    seconds: Number
    """Of one worker; of one that waits, until the answer is there."""
    gpus: Number | None = Field(default=None, description="what it claims of a GPU; else as the pipeline's run says")
    gpu_seconds: Number | None = Field(
        default=None, description="where somebody else's GPU answers; else seconds x gpus"
    )
    requests: Number | None = None
    requests_per_minute: MoreThanNone | None = Field(default=None, description="what the endpoint takes")
    tokens: Number | None = None
    dollars: Number | None = Field(default=None, description="beside GPUs")
    bytes: Mapping[str, Number] = Field(default={}, description="by kind of file")


class Machines(Section):
    gpus: Annotated[tuple[int, ...], BeforeValidator(_of_sizes)] = Field(
        description="on how many the wall time is told"
    )
    cpus_per_gpu: MoreThanNone
    dollars_per_gpu_hour: Number
    dollars_per_tib_month: Number


class Assumptions(Section):
    pipeline: str | None = Field(default=None, description="by whose rules the shares were told")
    clips: MoreThanNone
    """That come in."""
    machines: Machines
    stages: Mapping[str, OfStage]
    gates: Mapping[str, Mapping[str, Share]] = Field(
        default={}, description="by subset and stage, the share that passes the rules of the gate, where it differs"
    )
    accepted_bytes: Mapping[str, Number] = Field(default={}, description="of an accepted clip, by kind of file")
    kept_bytes: Mapping[str, Number] = Field(default={}, description="of a kept image, by kind of file")


def rates_file(name: Path) -> Path:
    """A file that is there, or `rates`, which ships: the paper's size."""
    return Path(str(manifest("rates.yaml"))) if str(name) == "rates" and not name.is_file() else name


def read_assumptions(file: Path) -> Assumptions:
    try:
        return Assumptions.model_validate(read_yaml(file))
    except ValidationError as error:
        problems = ((".".join(filter(None, place.split("."))), cause) for place, cause in problems_of(error))
        raise explained(str(file), problems) from error


def shares_of(told: Assumptions, chain: Chain, file: Path) -> Shares:
    """What the file says of how many come through; an error names all that is lacking or too much."""
    if problems := list(_problems(told, chain)):
        raise explained(str(file), problems)
    passing, attempts, words = dict[Of, float](), dict[Of, float](), words_of(chain)
    for link in chain.links:
        of = told.stages[link.name]
        for word in words if link.unit == "images" else ("",):
            share = of.passing.get(word) or of.passing.get("")
            passing[link.name, word] = share.value if share is not None else 1.0
            attempts[link.name, word] = of.attempts.value if of.attempts is not None else 1.0
    by_gate = dict[Of, float]()
    for branch in (branch for branch in chain.branches if branch.gate is not None):
        for link in (chain.clips[0], *branch.way):
            own = told.gates.get(branch.subset, {}).get(link.name)
            by_gate[branch.subset, link.name] = passing[link.name, ""] if own is None else own.value
    asking = {name: of.asks.value for name, of in told.stages.items() if of.asks is not None}
    return Shares(passing, by_gate, asking, attempts)


def told_of(step: Step) -> str:
    """What a number is of: a stage and who plays its roles."""
    models = ", ".join(sorted({backend.name for backend in step.roles.values()}))
    return f"{step.stage} with {models}" if models else step.stage


def is_of(told: str | None, step: Step) -> bool:
    """Whether a number that is told of a stage may be of this one, whoever plays its roles."""
    return told is None or _stage(told) == step.stage


def of_others(told: Assumptions, chain: Chain) -> dict[str, tuple[str, str]]:
    """By stage, of whom its numbers are told and who it is, where that is not the same."""
    found = {link.name: (told.stages[link.name].of, told_of(link.step)) for link in chain.links}
    return {name: (of, own) for name, (of, own) in found.items() if of is not None and of != own}


def check_meant(others: Mapping[str, tuple[str, str]], pipeline: str, file: Path) -> None:
    """What one stage takes says nothing of another stage, though they have one name; other models of it may do."""
    problems = [
        (f"stages.{name}", f"is told of {_stage(of)}, and that stage of {pipeline} is {_stage(own)}")
        for name, (of, own) in others.items()
        if _stage(of) != _stage(own)
    ]
    if problems:
        raise ActorError(
            f"{explained(str(file), problems)}\nThese are of another pipeline. Measure this one, `actor18m preflight "
            f"{pipeline} --rates FILE`, or put numbers for it into a copy of {file}, without `of`."
        )


def notes_of(told: Assumptions, chain: Chain, others: Mapping[str, tuple[str, str]], pipeline: str) -> list[str]:
    """What somebody should know who takes a file for another pipeline than it was made for."""
    names = {link.name for link in chain.links}
    said = []
    if told.pipeline not in (None, pipeline):
        said.append(
            f"how many pass and what is asked for was told of {told.pipeline}, and {pipeline} may have other rules: "
            "the shares are taken as they are"
        )
    if others:
        models = (f"{name} ({_models(own)} instead of {_models(of)})" for name, (of, own) in others.items())
        said.append(f"told of other models, and taken for guesses: {', '.join(models)}")
    idle = [name for name in told.stages if name not in names]
    subsets = {branch.subset for branch in chain.branches}
    idle += [f"gates.{name}" for name in told.gates if name not in subsets]
    if idle:
        said.append(f"of no stage or subset of the pipeline, and left aside: {', '.join(idle)}")
    return said


def _stage(told: str) -> str:
    return told.partition(" with ")[0]


def _models(told: str) -> str:
    return told.partition(" with ")[2] or "none"


def rates_of(told: Assumptions, chain: Chain) -> dict[str, Rate]:
    return {link.name: _rate(told.stages[link.name], link.step, told.machines) for link in chain.links}


def _rate(of: OfStage, step: Step, machines: Machines) -> Rate:
    """A file may be of stages that ask an endpoint or claim a GPU, where the pipeline's own do neither."""
    gpus = of.gpus.value if of.gpus is not None else step.run.gpus
    gpu_seconds = of.gpu_seconds.value if of.gpu_seconds is not None else gpus * of.seconds.value
    told = {GPU_SECONDS: gpu_seconds, REQUESTS: of.requests, TOKENS: of.tokens, DOLLARS: of.dollars}
    paid = {*step.costs, DOLLARS, *([GPU_SECONDS] if step.waits else ())}
    costs = {
        name: each.value if isinstance(each, Assumed) else each for name, each in told.items() if each and name in paid
    }
    hours = costs.get(GPU_SECONDS, 0.0) / 3600
    costs[DOLLARS] = costs.get(DOLLARS, 0.0) + hours * machines.dollars_per_gpu_hour.value
    return Rate("expected", of.seconds.value, costs)


def words_of(chain: Chain) -> list[str]:
    """Third words of images' keys."""
    return [link.stage_class.requests.source for link in chain.links if link.stage_class.requests is not None]


def _problems(told: Assumptions, chain: Chain) -> Iterator[tuple[str, str]]:
    """What is told of stages that the pipeline has not is left aside, unless it may be meant for one that lacks."""
    links, words = {link.name: link for link in chain.links}, words_of(chain)
    if links.keys() - told.stages.keys():
        for name in told.stages.keys() - links.keys():
            yield f"stages.{name}", f"the pipeline has no such stage; {instead_of(name, links)}"
    for name, link in links.items():
        if (of := told.stages.get(name)) is None:
            yield f"stages.{name}", "nothing is told of this stage of the pipeline: say at least its `seconds`"
            continue
        yield from ((f"stages.{name}.{lacking}", why) for lacking, why in _lacking(link, of))
        known = ["", *words] if link.unit == "images" else [""]
        for word in of.passing.keys() - {*known}:
            yield f"stages.{name}.passing.{word}", f"no images have this word in their keys; {instead_of(word, words)}"
    for subset, gate in told.gates.items():
        ways = {branch.subset: [chain.clips[0].name, *(link.name for link in branch.way)] for branch in chain.branches}
        for name in gate.keys() - {*ways.get(subset, gate)}:
            yield f"gates.{subset}.{name}", f"clips do not meet it there; {instead_of(name, ways[subset])}"


def _lacking(link: Link, of: OfStage) -> Iterator[tuple[str, str]]:
    if link.stage_class.requests is not None and of.asks is None:
        yield "asks", "it asks for images: say for how many of a clip"
    if (link.rules or link.stage_class.of == "requests") and not of.passing:
        yield "passing", "it has rules or makes images: say which share passes"
