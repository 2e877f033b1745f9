"""A pipeline's stages in the order a clip meets them, each with its fingerprint and what planning keeps of its rows."""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import pyarrow as pa

from actor18m import keys
from actor18m.config.pipeline import Pipeline
from actor18m.config.serving import served_by
from actor18m.config.stage_config import Step
from actor18m.errors import ActorError, WrongUsage, instead_of
from actor18m.ledger.index import Values, known_of
from actor18m.ledger.ledger import Ledger
from actor18m.ledger.rows import OK
from actor18m.models.backends import Backend
from actor18m.policy import rules as policy
from actor18m.policy.rules import Rules
from actor18m.requests import asked, pictures, whys
from actor18m.stage import PICTURE, Requests, Stage
from actor18m.storage.store import Store

CLIP, SIGNATURE, DURATION, CONTENT = "clip", "signature", "duration_s", "content_sha256"
OF_SOURCES = {CLIP: pa.string(), SIGNATURE: pa.binary(), DURATION: pa.float32()}
"""What a stage of sources tells."""
FIRST_WRITES = OF_SOURCES | {CONTENT: pa.string()}
"""The first stage tells which clip an input is and of which content, and what finds near duplicates of it."""

Describe = Callable[[Backend], tuple[str, str]]
"""A backend's name, and a digest of all that its results depend on."""


@dataclass(frozen=True)
class Link:
    """One stage of the pipeline, with all that is known of it before it measures."""

    name: str
    step: Step
    fingerprint: str
    rules: Rules
    needs: tuple[str, ...]
    """Names of the stages whose rows it reads."""
    readers: tuple[str, ...]
    """Names of the stages that read its rows."""
    values: Values
    of: tuple[str, ...] = ()
    """Of a maker, the stages whose requests it serves; of a stage of images, the makers whose images it looks at."""

    def ledger(self, store: Store) -> Ledger:
        return Ledger(store, self.name, self.fingerprint)

    @cached_property
    def empty(self) -> pa.Table:
        """What planning keeps, of no rows."""
        return known_of([(0, self.stage_class.writes.table([], {}))], self.values)

    @property
    def backends(self) -> dict[str, tuple[str, str]]:
        """role -> its backend's name, and the digest of its weights and parameters."""
        return {role: backend.described() for role, backend in self.step.roles.items()}

    @property
    def recipe(self) -> dict[str, object]:
        """What the fingerprint is made of."""
        backends = {role: list(backend) for role, backend in self.backends.items()}
        parameters = self.step.parameters.model_dump(mode="json")
        return {"version": self.stage_class.version, "parameters": parameters, "backends": backends}

    @property
    def unit(self) -> str:
        """What it measures: `clips` or `images`."""
        return "clips" if self.stage_class.of == "clips" else "images"

    @cached_property
    def stage_class(self) -> type[Stage[Any]]:
        """Kept: it is asked for each clip that is handed out."""
        return self.step.stage_class


@dataclass(frozen=True)
class Branch:
    """What is done for one subset, beside the chain or after it."""

    subset: str
    gate: Mapping[str, Rules] | None
    """stage of the chain -> the rules that a clip must pass to enter; None: it must be accepted."""
    way: tuple[Link, ...]
    """Stages of the chain after the first that a clip is measured by on its way through this gate, also where the chain
    itself rejects it."""
    links: tuple[Link, ...]
    """Stages of clips of its own."""
    makers: tuple[str, ...]
    """Whose images are the subset's."""
    also: tuple[str, ...] = ()
    """Makers of the images that those are made from."""


@dataclass(frozen=True)
class Chain:
    """Which stages a clip and its images meet."""

    clips: tuple[Link, ...]
    """The stages that every clip meets."""
    branches: tuple[Branch, ...]
    images: tuple[Link, ...]
    """Makers, and stages of images, in the pipeline's order."""

    @property
    def links(self) -> tuple[Link, ...]:
        """Of all stages; those of clips come first."""
        own = [link for branch in self.branches for link in (*branch.way, *branch.links)]
        return tuple({link.name: link for link in (*self.clips, *own, *self.images)}.values())


@dataclass(frozen=True)
class Kept:
    """Computes what planning keeps of a stage's rows: what its rules compare, for each stage that reads it a digest of
    what it reads (`_for_identity`), which images they ask for (`_requests`), which picture was made (`_picture`) or why
    none can be (`_why`), and some columns as they are (`_clip`).
    """

    stage: str
    rules: Rules
    readers: Mapping[str, tuple[str, ...]]
    carried: tuple[str, ...]
    requests: Requests | None = None
    of: str = "clips"

    def __call__(self, rows: pa.Table) -> pa.Table:
        columns = {name: rows[name] for name in self.carried}
        try:
            compared = policy.values(rows, self.rules).drop_columns(["key"])
        except ActorError as error:
            raise ActorError(f"stage {self.stage}, {error}") from error
        kept = {name: compared[name] for name in compared.column_names}
        kept |= {f"_for_{reader}": _digests(rows, read) for reader, read in self.readers.items()}
        if self.requests is not None:
            kept["_requests"] = asked(rows, self.requests)
        if self.of != "clips":
            kept["_why"] = whys(rows)
        if self.of == "requests":
            kept["_picture"] = pictures(rows)
        return pa.table(kept | {f"_{name}": column for name, column in columns.items()})


def chain_of(
    pipeline: Pipeline,
    until: str | None = None,
    only: str | None = None,
    describe: Describe = Backend.described,
) -> Chain:
    """The stages of a pipeline; up to and with `until`; and with `only`, what one subset needs."""
    _check_first(pipeline, pipeline.stages[0], FIRST_WRITES)
    names = list(pipeline.stage_names)
    if until is not None and until not in names:
        raise WrongUsage(f"pipeline {pipeline.name} has no stage {until}; {instead_of(until, names)}")
    reached = names if until is None else names[: names.index(until) + 1]
    links = {
        step.name: _link(pipeline, step, pipeline.stages, () if number else FIRST_WRITES, describe)
        for number, step in enumerate(pipeline.stages)
        if step.name in reached
    }
    subsets = [only] if only is not None else [*pipeline.subsets]
    own = {name for subset in pipeline.subsets.values() for name in subset.stages}
    clips = [link for link in links.values() if link.stage_class.of == "clips" and link.name not in own]
    makers = {name for subset in subsets for name in pipeline.subsets[subset].references}
    also = {name for maker in makers for name in sources_of(links, maker)}
    images = []
    for link in links.values():
        if link.name in makers | also:
            images.append(link)
        elif link.stage_class.of == "images" and (seen := tuple(each for each in link.of if each in makers)):
            images.append(replace(link, of=seen))
    branches = [_branch(pipeline, subset, links, clips) for subset in subsets]
    if only is not None and branches[0].gate is not None:
        clips = [clips[0], *branches[0].way]
    return Chain(tuple(clips), tuple(branches), tuple(images))


def requests_of(link: Link, links: Iterable[Link]) -> dict[str, str]:
    """Stage -> the column in which it asks for images, of those whose requests a stage is given."""
    if link.stage_class.of == "requests":
        askers = {*link.of}
    else:
        askers = {
            asker for each in links if link.stage_class.reads_request and each.name in link.of for asker in each.of
        }
    asking = {each.name: each.stage_class.requests for each in links if each.name in askers}
    return {name: requests.column for name, requests in asking.items() if requests is not None}


def upstream_of(link: Link, links: Sequence[Link]) -> list[str]:
    """All stages of which a stage is given rows or images."""
    names = {*link.needs, *link.of, *requests_of(link, links)}
    if link.stage_class.of != "clips":  # a request may name any image of the clip as its source
        names |= {each.name for each in links if each.stage_class.of == "requests"}
    return [each.name for each in links if each.name in names]


def first_link(pipeline: Pipeline, step: Step) -> Link:
    """A chain of one stage, which looks at sources."""
    _check_first(pipeline, step, OF_SOURCES)
    return _link(pipeline, step, [step], OF_SOURCES)


def sources_of(links: Mapping[str, Link], maker: str) -> tuple[str, ...]:
    """Makers of the images from which a maker's are made, and of those from which these are."""
    found: dict[str, None] = {}
    to_ask = [maker]
    while to_ask:
        link = links.get(to_ask.pop())
        asked = [links[name].stage_class.requests for name in link.of if name in links] if link else []
        wanted = {word for requests in asked if requests is not None for word in requests.made_from}
        makers = [
            each.name for each in links.values() if each.stage_class.of == "requests" and _serves(links, each, wanted)
        ]
        to_ask += [name for name in makers if name not in found]
        found |= dict.fromkeys(makers)
    return tuple(name for name in found if name != maker)


def _serves(links: Mapping[str, Link], maker: Link, words: Container[str]) -> bool:
    """Whether a maker makes images of one of these third words."""
    asked = [links[name].stage_class.requests for name in maker.of if name in links]
    return any(requests is not None and requests.source in words for requests in asked)


def _branch(pipeline: Pipeline, subset: str, links: Mapping[str, Link], clips: Sequence[Link]) -> Branch:
    given, gate = pipeline.subsets[subset], pipeline.gate(subset)
    own = tuple(link for link in links.values() if link.name in given.stages)
    also = tuple(dict.fromkeys(name for maker in given.references for name in sources_of(links, maker)))
    if gate is None:
        return Branch(subset, None, (), own, given.references, also)
    # all that its own stages and its images read, directly or not, and what the gate asks of
    makers = {*given.references, *also}
    wanted = {*gate, *(name for link in own for name in link.needs)}
    for link in links.values():
        if link.name in makers or {*link.of} & makers:
            wanted |= {*link.needs, *link.of}
    for link in reversed(clips):
        if link.name in wanted:
            wanted |= {*link.needs}
    way = tuple(link for link in clips[1:] if link.name in wanted)
    return Branch(subset, gate, way, own, given.references, also)


def _link(
    pipeline: Pipeline,
    step: Step,
    steps: Sequence[Step],
    carried: Iterable[str],
    describe: Describe = Backend.described,
) -> Link:
    stage, rules = step.stage_class, pipeline.policy.get(step.name, {})
    readers = {s.name: tuple(s.stage_class.needs[stage]) for s in steps if stage in s.stage_class.needs}
    is_maker = stage.of == "requests"
    kept = Kept(step.name, rules, readers, (*carried, *stage.tells), stage.requests, stage.of)
    reads = {
        *policy.columns_read(rules, stage.writes.columns),
        *kept.carried,
        *(c for r in readers.values() for c in r),
        *([stage.requests.column] if stage.requests else ()),
        *(name for name in PICTURE.values() if is_maker and name in stage.writes.columns.names),
    }
    expressions = {name: rule.value or name for name, rule in rules.items()}
    told = {reader: list(read) for reader, read in readers.items()}
    name = keys.digest(
        "kept", expressions, told, kept.carried, stage.requests.column if stage.requests else None, stage.of
    )
    return Link(
        name=step.name,
        step=step,
        fingerprint=stage.fingerprint(
            step.parameters, {role: describe(backend) for role, backend in step.roles.items()}
        ),
        rules=rules,
        needs=tuple(needed.writes.name for needed in stage.needs),
        readers=tuple(readers),
        values=Values(name[: keys.SHORT_DIGITS], tuple(sorted(reads)), kept),
        of=served_by(steps, step),
    )


def _check_first(pipeline: Pipeline, step: Step, writes: Mapping[str, pa.DataType]) -> None:
    columns = step.stage_class.writes.columns
    for name, kind in writes.items():
        if name not in columns.names or columns.field(name).type != kind:
            raise ActorError(
                f"pipeline {pipeline.name}: its first stage, {step.name}, must write the column {name} ({kind}), by "
                "which clips are told apart. Begin with stages.intake:Intake, or with a stage that does likewise."
            )


def _digests(rows: pa.Table, columns: Sequence[str]) -> pa.Array:
    read = rows.select(list(columns)).to_pylist()
    states = rows["state"].to_pylist()
    return pa.array(
        [keys.input_digest(row) if state == OK else None for row, state in zip(read, states, strict=True)], pa.string()
    )
