"""What is wrong between the sections of a pipeline: each by itself is well."""

from collections.abc import Container, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pyarrow as pa

from actor18m.config.serving import asks_or_makes, served_by
from actor18m.config.stage_config import Step
from actor18m.errors import instead_of
from actor18m.ledger.rows import OUTCOME
from actor18m.policy.rules import check_rules, withholding
from actor18m.requests import SOURCE
from actor18m.stage import PICTURE, Stage

if TYPE_CHECKING:
    from actor18m.config.pipeline import Pipeline

_OF_IMAGES = (
    "key", "clip", "lot", "subset", "state", "stage", "rule", "value", "bound", "why", "uri", "licence", "consent",
    "maker", "fingerprint", "shard", "image_offset", "image_size", "mask_offset", "mask_size", "json_offset",
    "json_size",
)  # fmt: skip
"""Columns of metadata/references whatever stages tell."""
TAKEN = frozenset((*OUTCOME.names, "lot", "number", "rule", "value", "bound"))
"""A rule of such a name would hide a column that stands beside its values."""
_OF_CLIPS = ("duplicate_of", "error_kind", "identity_id", "json_offset", "json_size", "mp4_offset", "mp4_size",
            "source_caption")  # fmt: skip
"""Columns of metadata/clips that are called like one of a stage."""


def between_sections(pipeline: "Pipeline") -> list[tuple[str, str]]:
    return [
        *_of_stages(pipeline),
        *_of_images(pipeline),
        *_of_identities(pipeline),
        *_of_policy(pipeline),
        *_of_subsets(pipeline),
        *_of_columns(pipeline),
        *_of_image_columns(pipeline),
    ]


def _of_stages(pipeline: "Pipeline") -> list[tuple[str, str]]:
    found, before = [], dict[str, type[Stage[Any]]]()
    own = {name for subset in pipeline.subsets.values() for name in subset.stages}
    for number, step in enumerate(pipeline.stages):
        place, stage = f"stages.{number}", step.stage_class
        if step.name in before:
            found.append((place, f"a second stage {step.name}; a pipeline has one of each name"))
        if stage.of != "clips" and not before:
            found.append((place, f"{step.name} is no stage of clips; the first one tells what clips there are"))
        for needed, columns in stage.needs.items():
            name = needed.writes.name
            if before.get(name) is not needed:
                found.append((place, f"{step.name} needs the stage {name} before it; put it there"))
            elif cause := _cannot_read(step, needed, own):
                found.append((place, f"{step.name} reads {name}, {cause}"))
            for column in sorted(set(columns) - set(needed.writes.columns.names)):
                cause = f"{step.name} reads {name}.{column}; {instead_of(column, needed.writes.columns.names)}"
                found.append((place, cause))
        before[step.name] = stage
    return found


def _cannot_read(step: Step, needed: type[Stage[Any]], own: Container[str]) -> str | None:
    """Why a stage may not read the rows of another one that is before it."""
    name = needed.writes.name
    if needed.of == "requests":
        return "which makes images: stages of images look at them with `of`"
    if needed.of == "images" and step.stage_class.of != "images":
        return "which is about images: only stages of images read that"
    if name in own and step.name not in own and step.stage_class.of == "clips":
        return "which only a subset's clips meet: name it in the subset's stages, too"
    return None


def _of_images(pipeline: "Pipeline") -> list[tuple[str, str]]:
    """Of stages that ask for images, make them, or look at them."""
    found, before, sources, makers = [], dict[str, Step](), dict[str, str](), dict[str, str]()
    referenced = {name for subset in pipeline.subsets.values() for name in subset.references}
    for number, step in enumerate(pipeline.stages):
        place, stage = f"stages.{number}", step.stage_class
        if stage.requests is not None:
            found += [(place, cause) for cause in _of_requests(step, sources)]
            sources[stage.requests.source] = step.name
        if stage.of == "requests":
            columns = stage.writes.columns
            if "sha256" not in columns.names or columns.field("sha256").type != pa.string():
                found.append((place, f"{step.name} makes images, so it must write the column sha256 (string)"))
            if step.name not in referenced:
                found.append((place, f"{step.name} makes images for no subset; name it in a subset's references"))
            for asker in served_by(pipeline.stages, step):
                if (other := makers.setdefault(asker, step.name)) != step.name:
                    cause = f"{step.name} and {other} would both make what {asker} asks for, under the same keys"
                    found.append((place, f"{cause}; say with `of` whose requests {step.name} serves"))
        if stage.of != "clips":
            asks = [name for name, each in before.items() if asks_or_makes(each, stage.of)]
            what = "asks for images" if stage.of == "requests" else "makes images"
            for name in step.of:
                if name not in asks:
                    found.append((f"{place}.of", f"no stage {name} that {what} before it; {instead_of(name, asks)}"))
            if not step.of and not asks:
                found.append((place, f"no stage before {step.name} {what}"))
        before[step.name] = step
    return found


def _of_requests(step: Step, sources: Mapping[str, str]) -> Iterator[str]:
    requests, columns = step.stage_class.requests, step.stage_class.writes.columns
    assert requests is not None
    if step.stage_class.of != "clips":
        yield f"{step.name} asks for images, so it must be a stage of clips"
    kind = columns.field(requests.column).type if requests.column in columns.names else None
    told = kind.value_type if kind is not None and pa.types.is_list(kind) else None
    if told is None or not pa.types.is_struct(told) or "name" not in told.names:
        yield f"{step.name}.{requests.column}, where it asks for images, is no list of structs with name"
    elif bool(requests.made_from) != (SOURCE in told.names):
        yield f"{step.name} must say both or neither: `made_from` among its requests, and a field {SOURCE} in them"
    if requests.source in sources:
        yield (
            f"{step.name} calls its images ...-{requests.source}-01, as {sources[requests.source]} does; keys would be "
            "the same"
        )


def _of_identities(pipeline: "Pipeline") -> list[tuple[str, str]]:
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


def _of_policy(pipeline: "Pipeline") -> list[tuple[str, str]]:
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
        if pipeline.step(stage).stage_class.of != "requests" or PICTURE["mask.png"] not in columns.names:
            cause = f"{stage} makes no masks; without `otherwise`, what fails the rule is rejected"
            found += [(f"policy.{stage}.{rule}.otherwise", cause) for rule in withholding(rules)]
    return found


def _of_subsets(pipeline: "Pipeline") -> list[tuple[str, str]]:
    found = []
    names = pipeline.stage_names
    rules = [f"{stage}.{rule}" for stage, of_stage in pipeline.policy.items() for rule in of_stage]
    kinds = {step.name: step.stage_class.of for step in pipeline.stages}
    own = {name for each in pipeline.subsets.values() for name in each.stages}
    chain = {name for name, kind in kinds.items() if kind == "clips" and name not in own}
    for subset, given in pipeline.subsets.items():
        for section, kind, what in (("stages", "clips", ""), ("references", "requests", " that makes images")):
            there = [name for name in names[1:] if kinds[name] == kind]
            for stage in getattr(given, section):
                if stage not in there:
                    cause = f"no stage {stage}{what}; {instead_of(stage, there)}"
                    found.append((f"subsets.{subset}.{section}", cause))
        gates = [each for each in (*pipeline.policy, *rules) if each.partition(".")[0] in chain]
        for gate in () if given.gate == "accepted" else given.gate:
            if gate not in gates:
                found.append((f"subsets.{subset}.gate", f"no rules {gate}; {instead_of(gate, gates)}"))
    shards = ["videos", *pipeline.subsets]
    for name in pipeline.publish.lots_per_shard:
        if name not in shards:
            found.append((f"publish.lots_per_shard.{name}", f"no such subset; {instead_of(name, shards)}"))
    return found


def _of_columns(pipeline: "Pipeline") -> list[tuple[str, str]]:
    later = {name for each in pipeline.subsets.values() for name in each.stages}
    first = pipeline.stage_names[0]
    names = [each.name for each in pipeline.stages if each.stage_class.of == "clips" and each.name not in later]
    found = []
    for section, several, with_rules in (
        ("columns", pipeline.publish.columns, True),
        ("facts", pipeline.publish.facts, False),
    ):
        seen = set[str]()
        for given in several:
            if cause := _no_column(pipeline, given, first, names, seen, with_rules):
                found.append((f"publish.{section}", f"{given}: {cause}"))
            seen.add(given.replace(".", "_"))
    return found


def _no_column(
    pipeline: "Pipeline", given: str, first: str, stages: Sequence[str], seen: Container[str], with_rules: bool
) -> str | None:
    """Why it cannot be published: as a column, where a rule's value is one too, or in a clip's JSON."""
    stage, dot, name = given.partition(".")
    if not dot:
        return "names no stage; write stage.column"
    if stage not in stages:
        return f"no stage {stage}; {instead_of(stage, stages)}"
    if stage == first:
        return f"what {first} measures is in metadata/clips already, without {first}_ before it"
    columns = pipeline.step(stage).stage_class.writes.columns
    known = [*columns.names, *(pipeline.rules(stage) if with_rules else ())]
    if name not in known:
        return f"{stage} has no column {'and no rule ' if with_rules else ''}{name}; {instead_of(name, known)}"
    if not with_rules and "binary" in str(columns.field(name).type):
        return "JSON cannot hold bytes"
    called = f"{stage}_{name}"
    if called in seen:
        return "stands twice; leave one of them"
    if called in (*_OF_CLIPS, *pipeline.step(first).stage_class.writes.columns.names):
        return f"{called} is another column of metadata/clips; call the stage otherwise"
    return None


def _of_image_columns(pipeline: "Pipeline") -> list[tuple[str, str]]:
    """What stages tell of images stands in one table: a column of it has one meaning."""
    found, owners = [], dict[str, tuple[str, str, pa.DataType]]()
    for number, step in enumerate(pipeline.stages):
        stage = step.stage_class
        if stage.requests is not None:
            kind = stage.writes.columns.field(stage.requests.column).type
            told = list(kind.value_type) if pa.types.is_list(kind) and pa.types.is_struct(kind.value_type) else []
            fields = [field for field in told if field.name not in ("name", *stage.requests.private)]
            what = "asked for"
        else:
            fields, what = [] if stage.of == "clips" else list(stage.writes.columns), stage.of
        for field in fields:
            owner = owners.setdefault(field.name, (step.name, what, field.type))
            if field.name in _OF_IMAGES:
                cause = f"{field.name}, which it tells of images, is another column of metadata/references"
                found.append((f"stages.{number}", f"{step.name}: {cause}; call it otherwise"))
            elif owner[1:] != (what, field.type):
                cause = f"{field.name}, which it tells of images, is told by {owner[0]} too, with another meaning"
                found.append((f"stages.{number}", f"{step.name}: {cause}; call it otherwise"))
    return found
