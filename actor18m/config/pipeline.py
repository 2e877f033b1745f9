"""A pipeline's file as one object: which stages with what parameters and backends, and the policy on what they measure.

What is not in the file is filled in: the object, and the YAML that it renders, say everything that the build depends
on. Stages are named by import path, and imported by it: the engine knows none of them.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    StringConstraints,
    ValidationError,
    model_validator,
)
from pydantic_core import PydanticCustomError

from actor18m.catalog import cuts
from actor18m.catalog.cuts import Cutting
from actor18m.config.checks import between_sections
from actor18m.config.extended import read_extended
from actor18m.config.rest import rest_of
from actor18m.config.settings import apply
from actor18m.config.stage_class import imported
from actor18m.config.stage_config import Step
from actor18m.errors import ActorError, WrongUsage, instead_of
from actor18m.models.backends import ONLY_WHAT_COUNTS
from actor18m.policy.rules import Rule, Rules
from actor18m.relations.linkage import Same
from actor18m.relations.signature_search import DuplicateRule
from actor18m.yaml_file import LACKING, Section, as_yaml, explained, parse_yaml, problems_of, trouble

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
_SAY_OR_EXTEND = f"{LACKING}; or take it from another pipeline, as with `extends: embedded`"
_MODES = ("shots", "windows")
_ROOM_S = 4
_MOST_LOTS = 1024
"""In a shard: a part of a table has as many."""
VIDEOS = "videos"
"""The shards that are of no subset."""


def _gate(given: object) -> object:
    if given != "accepted" and not isinstance(given, list | tuple):
        raise trouble(f"must be accepted, or a list of `stage` and `stage.rule`, not {given!r}")
    return given


def _some(given: object) -> object:
    return (given,) if isinstance(given, str) else given


class Subset(Section):
    """What is made of which clips."""

    stages: tuple[str, ...] = Field(default=(), description="stages of clips that only this subset needs")
    gate: Annotated[Literal["accepted"] | tuple[str, ...], BeforeValidator(_gate)] = Field(
        default="accepted", description="accepted: every rule passes. Or the rules that must: `stage`, `stage.rule`"
    )
    references: Annotated[tuple[str, ...], BeforeValidator(_some)] = Field(
        default=(), description="the makers whose images are the subset's: one, or a list"
    )


def _aligned(given: int) -> int:
    if _MOST_LOTS % given:
        raise trouble(f"must be a power of two up to {_MOST_LOTS}, not {given}")
    return given


class IntoShots(Step):
    """Sources are cut at the boundaries of their shots."""

    min_s: PositiveFloat = Field(default=2, description="shorter shots are no clips")
    max_s: PositiveFloat = Field(default=60, description="longer shots are cut into even parts")
    min_score: NonNegativeFloat = Field(description="of a boundary that counts")

    @model_validator(mode="after")
    def _has_room_for_even_parts(self) -> "IntoShots":
        if self.max_s < 2 * self.min_s + _ROOM_S:
            raise trouble(f"max_s must be at least twice min_s and {_ROOM_S} s, so that parts of a shot are clips")
        return self

    @property
    def cutting(self) -> Cutting:
        return cuts.CutAtShots(self.min_s, self.max_s, self.min_score)


class IntoWindows(Step):
    """Sources are cut every so many seconds, whatever they show."""

    min_s: PositiveFloat = Field(default=2, description="a shorter rest is no clip")
    length_s: PositiveInt = 10

    @property
    def cutting(self) -> Cutting:
        return cuts.CutInWindows(self.min_s, self.length_s)


class Split(Section):
    """How inputs that are longer than clips become clips."""

    mode: Literal["none", "shots", "windows"] = Field(default="none", description="none: every input is a clip")
    shots: IntoShots | None = None
    windows: IntoWindows | None = None

    @property
    def now(self) -> IntoShots | IntoWindows | None:
        """None: nothing is split."""
        return {"none": None, "shots": self.shots, "windows": self.windows}[self.mode]

    @model_validator(mode="after")
    def _says_how(self) -> "Split":
        if self.mode != "none" and self.now is None:
            raise trouble(f"mode is {self.mode}, and there is no section {self.mode} that says how; copy it from a "
                          "shipped pipeline, as `actor18m render embedded` shows it")  # fmt: skip
        return self


class Publish(Section):
    lots_per_shard: Mapping[str, Annotated[PositiveInt, AfterValidator(_aligned)]] = Field(
        default={}, description="how many lots a shard covers, by subset: a power of two; 1 where nothing is said"
    )
    uris: Literal["whole", "names"] = Field(
        default="whole", description="names: tables tell only what files are called, and not where they lie"
    )
    inputs: Literal["all", "accepted"] = Field(
        default="all", description="accepted: tables tell nothing of inputs and clips that are not accepted"
    )
    images: Literal["kept", "all"] = Field(
        default="kept", description="all: the table tells also of images that were asked for and are not published"
    )
    columns: tuple[str, ...] = Field(
        default=(), description="`stage.column` or `stage.rule`, for `stage_column` in metadata/clips"
    )
    facts: tuple[str, ...] = Field(
        default=(), description="`stage.column`, for `stage_column` in a clip's JSON; what changes in it remakes shards"
    )


class Pipeline(Section):
    """Frozen and complete: what it renders says all that a build depends on, but for inputs and weights."""

    name: Name
    profile: Name
    stages: tuple[Step, ...] = Field(min_length=1, description="in the order a clip meets them")
    split: Split = Split()
    duplicates: DuplicateRule | None = Field(
        default=None, description="when two clips repeat each other; exact copies do"
    )
    identities: Same | None = Field(default=None, description="when clips show one person: they get one identity")
    policy: Mapping[str, Mapping[str, Rule]] = Field(default={}, description="stage -> rule -> bounds, in this order")
    subsets: Mapping[Name, Subset] = Field(default={})
    publish: Publish = Publish()

    @model_validator(mode="after")
    def _puts_rules_in_the_order_of_stages(self) -> "Pipeline":
        """Whatever order they are written in, they are asked in this one."""
        names = self.stage_names
        ordered = sorted(self.policy, key=lambda stage: names.index(stage) if stage in names else len(names))
        object.__setattr__(self, "policy", {stage: self.policy[stage] for stage in ordered})
        return self

    def step(self, stage: str) -> Step:
        for step in self.stages:
            if step.name == stage:
                return step
        raise ActorError(f"pipeline {self.name} has no stage {stage}; {instead_of(stage, self.stage_names)}")

    def rules(self, stage: str) -> Rules:
        """The stage's rules, in order; none where the policy has none."""
        return self.policy.get(self.step(stage).name, {})

    def gate(self, subset: str) -> dict[str, Rules] | None:
        """stage -> the rules that a clip must pass to enter the subset, whatever others say; None: it is accepted."""
        if subset not in self.subsets:
            raise WrongUsage(f"pipeline {self.name} has no subset {subset}; {instead_of(subset, self.subsets)}")
        wanted = self.subsets[subset].gate
        if wanted == "accepted":
            return None
        picked = {
            stage: {name: rule for name, rule in rules.items() if stage in wanted or f"{stage}.{name}" in wanted}
            for stage, rules in self.policy.items()
        }
        return {stage: rules for stage, rules in picked.items() if rules}

    def render(self, with_run: bool = True) -> str:
        """The resolved YAML; read again, it gives an equal pipeline. Without `run`, and what else has no effect on
        results, it says just what a dataset is made by.
        """
        return as_yaml(self.told(with_run))

    def told(self, with_run: bool = True) -> dict[str, Any]:
        """What render() writes."""
        left_out = {} if with_run else {"stages": {"__all__": {"run"}}, "split": {each: {"run"} for each in _MODES}}
        # ASCII, since PyYAML writes some of Unicode's line breaks in a way that it does not read back
        context = {} if with_run else {ONLY_WHAT_COUNTS: True}
        return self.model_dump(mode="json", exclude=left_out, context=context)

    @property
    def steps(self) -> tuple[Step, ...]:
        """The stages, and before them the one by which inputs are split, where they are."""
        return (self.split.now, *self.stages) if self.split.now else self.stages

    @property
    def stage_names(self) -> list[str]:
        return [step.name for step in self.stages]


def load_pipeline(path: Path, settings: Sequence[str] = ()) -> Pipeline:
    """The file's pipeline, with settings such as `identity.mean_similarity=0.45` applied."""
    content, in_vain = read_extended(path)
    pipeline = _validated(content, str(path), in_vain)
    if settings:
        changed = apply(pipeline.model_dump(mode="json"), settings, pipeline.stage_names)
        try:
            pipeline = _validated(changed, f"{path} with --set {' '.join(settings)}")
        except ActorError as error:  # the file alone is well
            raise WrongUsage(str(error)) from error
    return pipeline


def parse_pipeline(text: str, where: str) -> Pipeline:
    """A pipeline that was rendered, such as the one that a dataset carries."""
    return _validated(parse_yaml(text), where)


def _validated(given: object, where: str, before: Sequence[tuple[str, str]] = ()) -> Pipeline:
    """`before`: path and cause of what is wrong with it already."""
    if not isinstance(given, Mapping):
        raise ActorError(f"{where}: is no pipeline: it must be a mapping with {', '.join(Pipeline.model_fields)}")
    try:
        pipeline = Pipeline.model_validate(given)
    except ValidationError as error:
        problems = _with_way_out(problems_of(error))
        raise explained(where, _with_names(given, [*before, *problems, *_in_the_rest(given, problems)])) from error
    if problems := [*before, *between_sections(pipeline)]:
        raise explained(where, _with_names(given, problems))
    return pipeline


def _with_names(given: Mapping[Any, Any], problems: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """Paths with stages called by their names, or as the file calls them where they cannot be imported: nobody counts
    to `stages.16`."""
    stages = given.get("stages")
    named = []
    for path, cause in problems:
        section, _, rest = path.partition(".")
        number, _, below = rest.partition(".")
        if section == "stages" and number.isdecimal() and isinstance(stages, list | tuple):
            called = _called(stages, int(number))
            path, cause = ".".join(filter(None, (section, called, below))), cause.removeprefix(f"{called}: ")
        named.append((path, cause))
    return named


def _called(stages: Sequence[Any], number: int) -> str:
    stage = stages[number].get("stage") if isinstance(stages[number], Mapping) else None
    if not isinstance(stage, str):
        return f"{number} (the {number + 1}. of {len(stages)})"
    try:
        return imported(stage).writes.name
    except PydanticCustomError:
        return stage


def _in_the_rest(given: Mapping[Any, Any], problems: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What else is wrong, as far as it can be told without what has problems already."""
    if (found := rest_of(given, problems, list(Pipeline.model_fields))) is None:
        return []
    rest, gone, lacks_a_stage = found
    try:
        more = between_sections(Pipeline.model_validate(rest))
    except ValidationError:
        return []
    if lacks_a_stage:  # others may name it, or need it
        return [(path, cause) for path, cause in more if path.startswith("policy.") and path.count(".") > 1]
    # A gate may name a rule that was left out just now.
    return [(path, cause) for path, cause in more if path not in gone and not path.endswith(".gate")]


def _with_way_out(problems: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What a pipeline must say it may take from another one, too."""
    return [(path, _SAY_OR_EXTEND if cause == LACKING and "." not in path else cause) for path, cause in problems]
