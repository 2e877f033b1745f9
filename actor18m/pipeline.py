"""A pipeline's file as one object: which stages with what parameters and backends, and the policy on what they measure.

What is not in the file is filled in: the object, and the YAML that it renders, say everything that the build depends
on. Stages are named by import path, and imported by it: the engine knows none of them.
"""

import copy
from collections.abc import Container, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import pyarrow as pa
import yaml
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

from actor18m import cuts
from actor18m.cuts import Cutting
from actor18m.errors import ActorError, WrongUsage, instead_of
from actor18m.linkage import Same
from actor18m.near import Likeness
from actor18m.policy import Rule, Rules, check_rules
from actor18m.rows import OUTCOME
from actor18m.segments import LOTS_PER_SEGMENT
from actor18m.settings import apply
from actor18m.stage import Stage
from actor18m.step import Step
from actor18m.yaml_file import Section, explained, parse_yaml, problems_of, read_yaml, trouble

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_-]*$")]
TAKEN = frozenset((*OUTCOME.names, "lot", "number", "rule", "value", "bound"))
"""A rule of such a name would hide a column that stands beside its values."""
_OF_CLIPS = ("duplicate_of", "error_kind", "identity_id", "json_offset", "json_size", "mp4_offset", "mp4_size")
"""Columns of metadata/clips that are called like one of a stage."""
_OF_IMAGES = ("name", "sha256", "mask_sha256")
_MODES = ("shots", "windows")
_ROOM_S = 4
VIDEOS = "videos"
"""The shards that are of no subset."""


def _gate(given: object) -> object:
    if given != "accepted" and not isinstance(given, list | tuple):
        raise trouble(f"must be accepted, or a list of `stage` and `stage.rule`, not {given!r}")
    return given


class Subset(Section):
    """What is made of which clips."""

    stages: tuple[str, ...] = Field(default=(), description="stages that only this subset needs")
    gate: Annotated[Literal["accepted"] | tuple[str, ...], BeforeValidator(_gate)] = Field(
        default="accepted", description="accepted: every rule passes. Or the rules that must: `stage`, `stage.rule`"
    )
    references: str | None = Field(
        default=None, description="the stage whose images are published: it tells of each in a list `references`"
    )
    labels: str | None = Field(
        default=None, description="the stage that measured these images: it tells of each in a list `labels`"
    )


def _aligned(given: int) -> int:
    if LOTS_PER_SEGMENT % given:
        raise trouble(f"must be a power of two up to {LOTS_PER_SEGMENT}, not {given}")
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
        return cuts.Shots(self.min_s, self.max_s, self.min_score)


class IntoWindows(Step):
    """Sources are cut every so many seconds, whatever they show."""

    min_s: PositiveFloat = Field(default=2, description="a shorter rest is no clip")
    length_s: PositiveInt = 10

    @property
    def cutting(self) -> Cutting:
        return cuts.Windows(self.min_s, self.length_s)


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
                          "shipped pipeline")  # fmt: skip
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
    columns: tuple[str, ...] = Field(
        default=(), description="`stage.column` or `stage.rule`, for `stage_column` in metadata/clips"
    )


class Pipeline(Section):
    """Frozen and complete: what it renders says all that a build depends on, but for inputs and weights."""

    name: Name
    profile: Name
    stages: tuple[Step, ...] = Field(min_length=1, description="in the order a clip meets them")
    split: Split = Split()
    duplicates: Likeness | None = Field(default=None, description="when two clips repeat each other; exact copies do")
    identities: Same | None = Field(default=None, description="when clips show one person: they get one identity")
    policy: Mapping[str, Mapping[str, Rule]] = Field(default={}, description="stage -> rule -> bounds, in this order")
    subsets: Mapping[Name, Subset] = Field(default={})
    publish: Publish = Publish()

    def step(self, stage: str) -> Step:
        for step in self.stages:
            if step.name == stage:
                return step
        raise ActorError(f"pipeline {self.name} has no stage {stage}; {instead_of(stage, self.stage_names)}")

    def rules(self, stage: str) -> Rules:
        """The stage's rules, in order; none where the policy has none."""
        return self.policy.get(self.step(stage).name, {})

    def gate(self, subset: str) -> dict[str, Rules]:
        """stage -> the rules that a clip must pass to enter the subset."""
        if subset not in self.subsets:
            raise WrongUsage(f"pipeline {self.name} has no subset {subset}; {instead_of(subset, self.subsets)}")
        wanted = self.subsets[subset].gate
        later = {name for each in self.subsets.values() for name in each.stages}
        if wanted == "accepted":
            return {stage: rules for stage, rules in self.policy.items() if stage not in later}
        picked = {
            stage: {name: rule for name, rule in rules.items() if stage in wanted or f"{stage}.{name}" in wanted}
            for stage, rules in self.policy.items()
        }
        return {stage: rules for stage, rules in picked.items() if rules}

    def render(self, with_run: bool = True) -> str:
        """The resolved YAML; read again, it gives an equal pipeline. Without `run` it says just what a dataset is made
        by.
        """
        left_out = {} if with_run else {"stages": {"__all__": {"run"}}, "split": {each: {"run"} for each in _MODES}}
        # ASCII, since PyYAML writes some of Unicode's line breaks in a way that it does not read back
        return yaml.safe_dump(self.model_dump(mode="json", exclude=left_out), sort_keys=False, width=120)

    @property
    def stage_names(self) -> list[str]:
        return [step.name for step in self.stages]


def load_pipeline(path: Path, settings: Sequence[str] = ()) -> Pipeline:
    """The file's pipeline, with settings such as `identity.mean_similarity=0.45` applied."""
    pipeline = _validated(read_yaml(path), str(path))
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


def _validated(given: object, where: str) -> Pipeline:
    if not isinstance(given, Mapping):
        raise ActorError(f"{where}: is no pipeline: it must be a mapping with {', '.join(Pipeline.model_fields)}")
    try:
        pipeline = Pipeline.model_validate(given)
    except ValidationError as error:
        problems = problems_of(error)
        raise explained(where, [*problems, *_in_the_rest(given, problems)]) from error
    if problems := _between_sections(pipeline):
        raise explained(where, problems)
    return pipeline


def _in_the_rest(given: Mapping[Any, Any], problems: Sequence[tuple[str, str]]) -> list[tuple[str, str]]:
    """What else is wrong, as far as it can be told without the sections that have problems already: whoever mends a
    file wants to hear of everything at once.
    """
    rest = copy.deepcopy(dict(given))
    if not all(_left_out(rest, path.split(".")) for path, _ in problems):
        return []
    try:
        found = _between_sections(Pipeline.model_validate(rest))
    except ValidationError:
        return []
    # A gate may name a rule that was left out just now.
    return [(path, cause) for path, cause in found if not path.endswith(".gate")]


def _left_out(section: Any, path: Sequence[str]) -> bool:
    """Takes out what the path leads to. False when the rest would mean something else: a stage is no such section."""
    for name in path[:-1]:
        section = section[int(name)] if isinstance(section, list) else section.get(name)
        if not isinstance(section, dict | list):
            return False
    return isinstance(section, dict) and section.pop(path[-1], None) is not None


def _between_sections(pipeline: Pipeline) -> list[tuple[str, str]]:
    return [
        *_of_stages(pipeline),
        *_of_identities(pipeline),
        *_of_policy(pipeline),
        *_of_subsets(pipeline),
        *_of_columns(pipeline),
    ]


def _of_stages(pipeline: Pipeline) -> list[tuple[str, str]]:
    found, before = [], dict[str, type[Stage]]()
    for number, step in enumerate(pipeline.stages):
        if step.name in before:
            found.append((f"stages.{number}", f"a second stage {step.name}; a pipeline has one of each name"))
        for needed, columns in step.stage_class.needs.items():
            name = needed.writes.name
            if before.get(name) is not needed:
                found.append((f"stages.{number}", f"{step.name} needs the stage {name} before it; put it there"))
            for column in sorted(set(columns) - set(needed.writes.columns.names)):
                cause = f"{step.name} reads {name}.{column}; {instead_of(column, needed.writes.columns.names)}"
                found.append((f"stages.{number}", cause))
        before[step.name] = step.stage_class
    return found


def _of_identities(pipeline: Pipeline) -> list[tuple[str, str]]:
    given, names = pipeline.identities, pipeline.stage_names
    if given is None:
        return []
    asked = {"stage": given.stage} | ({"after": given.after} if given.after else {})
    unknown = [
        (f"identities.{key}", f"no stage {name}; {instead_of(name, names)}")
        for key, name in asked.items()
        if name not in names
    ]
    if unknown or given.after is None or names.index(given.after) >= names.index(given.stage):
        return unknown
    return [("identities.after", f"{given.after} comes before {given.stage}; name {given.stage} or a later stage")]


def _of_policy(pipeline: Pipeline) -> list[tuple[str, str]]:
    found = []
    names = pipeline.stage_names
    for stage, rules in pipeline.policy.items():
        if stage not in names:
            found.append((f"policy.{stage}", f"no such stage; {instead_of(stage, names)}"))
            continue
        columns = pipeline.step(stage).stage_class.writes.columns
        found += [
            (f"policy.{stage}.{rule}", f"is the engine's own word; call the rule otherwise, with `value: {rule}`")
            for rule in rules
            if rule in TAKEN
        ]
        found += [(f"policy.{stage}.{path}", cause) for path, cause in check_rules(rules, columns)]
    order = [stage for stage in pipeline.policy if stage in names]
    if order != sorted(order, key=names.index):
        found.append(("policy", f"the stages stand in another order than above; write {', '.join(names)}"))
    return found


def _of_subsets(pipeline: Pipeline) -> list[tuple[str, str]]:
    found = []
    names = pipeline.stage_names
    rules = [f"{stage}.{rule}" for stage, of_stage in pipeline.policy.items() for rule in of_stage]
    for subset, given in pipeline.subsets.items():
        for stage in given.stages:
            if stage not in names:
                found.append((f"subsets.{subset}.stages", f"no stage {stage}; {instead_of(stage, names)}"))
        gates = [*pipeline.policy, *rules]
        for gate in () if given.gate == "accepted" else given.gate:
            if gate not in gates:
                found.append((f"subsets.{subset}.gate", f"no rules {gate}; {instead_of(gate, gates)}"))
        telling = ("references", given.references, _OF_IMAGES), ("labels", given.labels, _OF_IMAGES[:1])
        for column, teller, fields in telling:
            if teller and (cause := _cannot_tell(pipeline, teller, column, fields)):
                found.append((f"subsets.{subset}.{column}", cause))
        if given.labels is not None and given.references is None:
            found.append((f"subsets.{subset}.labels", "labels of no references; name the stage of these, too"))
        if given.references is not None and given.gate != "accepted":
            cause = "images of clips that are not accepted cannot be published yet; leave the gate out"
            found.append((f"subsets.{subset}.gate", cause))
    shards = [VIDEOS, *pipeline.subsets]
    for name in pipeline.publish.lots_per_shard:
        if name not in shards:
            found.append((f"publish.lots_per_shard.{name}", f"no such subset; {instead_of(name, shards)}"))
    return found


def _of_columns(pipeline: Pipeline) -> list[tuple[str, str]]:
    later = {name for each in pipeline.subsets.values() for name in each.stages}
    first, names = pipeline.stage_names[0], [name for name in pipeline.stage_names if name not in later]
    seen, found = set[str](), []
    for given in pipeline.publish.columns:
        if cause := _no_column(pipeline, given, first, names, seen):
            found.append(("publish.columns", f"{given}: {cause}"))
        seen.add(given.replace(".", "_"))
    return found


def _no_column(pipeline: Pipeline, given: str, first: str, stages: Sequence[str], seen: Container[str]) -> str | None:
    """Why it cannot be published."""
    stage, dot, name = given.partition(".")
    if not dot:
        return "names no stage; write stage.column"
    if stage not in stages:
        return f"no stage {stage}; {instead_of(stage, stages)}"
    if stage == first:
        return f"what {first} measures is in metadata/clips already, without {first}_ before it"
    known = [*pipeline.step(stage).stage_class.writes.columns.names, *pipeline.rules(stage)]
    if name not in known:
        return f"{stage} has no column and no rule {name}; {instead_of(name, known)}"
    called = f"{stage}_{name}"
    if called in seen:
        return "stands twice; leave one of them"
    if called in (*_OF_CLIPS, *pipeline.step(first).stage_class.writes.columns.names):
        return f"{called} is another column of metadata/clips; call the stage otherwise"
    return None


def _cannot_tell(pipeline: Pipeline, stage: str, column: str, fields: Sequence[str]) -> str | None:
    """Why a stage does not tell of images."""
    if stage not in pipeline.stage_names:
        return f"no stage {stage}; {instead_of(stage, pipeline.stage_names)}"
    columns = pipeline.step(stage).stage_class.writes.columns
    if column not in columns.names:
        return f"{stage} has no column {column}; {instead_of(column, columns.names)}"
    kind = columns.field(column).type
    told = kind.value_type if pa.types.is_list(kind) else kind
    lacking = [name for name in fields if not pa.types.is_struct(told) or name not in told.names]
    return f"{stage}.{column} is no list of structs with {', '.join(lacking)}" if lacking else None
