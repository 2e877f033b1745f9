"""A pipeline over a store: what all commands and a build work with."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

from actor18m.config.pipeline import Pipeline
from actor18m.models.pinned import check_pinned
from actor18m.policy.overrides import LastWord
from actor18m.policy.words import NOTHING_SAID, Words, keep, now, read_words
from actor18m.relations.duplicates import Duplicates
from actor18m.relations.identities import Identities
from actor18m.storage.lease import Lease
from actor18m.storage.store import Store
from actor18m.survey.chain import Chain, Link, chain_of
from actor18m.survey.meaning import Meaning, meaning
from actor18m.survey.seen import Seen
from actor18m.survey.snapshot import Record
from actor18m.survey.splitting import splitter_of
from actor18m.survey.survey import Surveyor


@dataclass(frozen=True)
class _Drawn:
    """The stages of a pipeline, ready to be followed."""

    pipeline: Pipeline
    until: str | None
    only: str | None
    stages: Chain = field(init=False)
    splitter: Link | None = field(init=False)

    def __post_init__(self) -> None:
        backends = [backend for step in self.pipeline.steps for backend in step.roles.values()]
        check_pinned(self.pipeline.name, [name for each in backends for name in (each.name, *each.parameters.adapters)])
        object.__setattr__(self, "stages", chain_of(self.pipeline, self.until, self.only))
        object.__setattr__(self, "splitter", splitter_of(self.pipeline))

    def is_of(self, pipeline: Pipeline, until: str | None, only: str | None) -> bool:
        return self.pipeline is pipeline and (self.until, self.only) == (until, only)


@dataclass(frozen=True)
class Project:
    """A pipeline over a store: what all commands work with."""

    pipeline: Pipeline
    store: Store
    words: Words = NOTHING_SAID
    """What people said of clips, images and inputs."""
    overrides: Sequence[LastWord] = ()
    """What that means for the clips that there are: settled() finds it."""
    until: str | None = None
    only: str | None = None
    """The one subset that is built."""
    seen: Seen | None = None
    """Of a build, what it saw of the ledgers; None for questions, each of which looks anew."""
    drawn: _Drawn | None = None
    """What was made of the pipeline before, by a project from which this one was replaced."""

    def __post_init__(self) -> None:
        if self.drawn is None or not self.drawn.is_of(self.pipeline, self.until, self.only):
            object.__setattr__(self, "drawn", _Drawn(self.pipeline, self.until, self.only))

    @property
    def stages(self) -> Chain:
        assert self.drawn is not None
        return self.drawn.stages

    @property
    def splitter(self) -> Link | None:
        """The stage by which inputs are split before they come to the chain."""
        assert self.drawn is not None
        return self.drawn.splitter

    @property
    def chain(self) -> tuple[Link, ...]:
        """The stages that every clip meets."""
        return self.stages.clips

    @property
    def links(self) -> tuple[Link, ...]:
        """Of all stages."""
        return self.stages.links if self.splitter is None else (self.splitter, *self.stages.links)

    def record(self, retry: Iterable[str] = ()) -> Record:
        """A new one for each pass: settling advances."""
        duplicates = Duplicates(self.store, self.pipeline.duplicates)
        surveyor = Surveyor(self.stages, duplicates, self.overrides, self.words.denied_images)
        return Record(self.store, self.seen or Seen(self.store), surveyor, self.splitter, tuple(retry))

    def identities(self, record: Record) -> Identities | None:
        """None when the pipeline tells no identities, or its chain does not come so far."""
        same = self.pipeline.identities
        if same is None or not {same.stage, same.after or same.stage} <= record.links.keys():
            return None
        return Identities(record.links[same.stage].ledger(self.store), record.files[same.stage], same)

    def sources(self, splitter: Link, retry: Iterable[str] = ()) -> Record:
        """The inputs that were given, and the one stage that looks at them before they are split."""
        alone = Chain((splitter,), (), ())
        surveyor = Surveyor(alone, Duplicates(self.store, None))
        return Record(self.store, self.seen or Seen(self.store), surveyor, None, tuple(retry))


def settled(project: Project) -> tuple[Project, Meaning]:
    """With what people's words mean for the clips that are known now."""
    found = meaning(replace(project, overrides=()).record(), project.words, now())
    return replace(project, overrides=tuple(found.overrides)), found


def settled_for_good(project: Project, lease: Lease) -> tuple[Project, Meaning]:
    """The same, and keeps in the store what words were found to mean: it holds when their files have long gone."""
    project, found = settled(project)
    keep(lease, found.found)
    return replace(project, words=read_words(project.store)), found
