"""One build: register, measure what is missing, fold, publish. Run again, it does what is left to do."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Protocol

from actor18m.catalog import Catalog, Registration
from actor18m.chain import Chain, Link, chain_of, requests_of, upstream_of
from actor18m.duplicates import Duplicates
from actor18m.errors import ActorError
from actor18m.execute.drain import Drain
from actor18m.execute.messages import Duty
from actor18m.execute.tally import Tally, Watcher
from actor18m.execute.workers import Workers
from actor18m.fold import fold, superseded
from actor18m.identities import Identities
from actor18m.index import refresh
from actor18m.inputs import Input
from actor18m.journal import Journal
from actor18m.ledger import LotFiles
from actor18m.meaning import Meaning, meaning
from actor18m.overrides import LastWord
from actor18m.pipeline import Pipeline
from actor18m.planning import LOST, Plan, plan
from actor18m.record import Record
from actor18m.splitting import Children, splitter_of
from actor18m.store import Store
from actor18m.survey import Surveyor
from actor18m.words import NOTHING_SAID, Words, keep, now, read_words
from actor18m.writer import Lease

log = logging.getLogger(__name__)

LOOSE = 32
"""So many commits of one lot are folded before more is measured."""


class Staffing(Protocol):
    """Hires workers for these duties: the executor that the user chose."""

    def __call__(self, duties: Mapping[str, Duty]) -> Workers: ...


Watched = Callable[[Watcher], Watcher]
"""Who else is told how a drain goes on, once workers are hired."""


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
    stages: Chain = field(init=False)
    splitter: Link | None = field(init=False)
    """The stage by which inputs are split before they come to the chain."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "stages", chain_of(self.pipeline, self.until, self.only))
        object.__setattr__(self, "splitter", splitter_of(self.pipeline))

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
        denied = frozenset(each for word in self.words.in_force if word.is_of_image for each in (word.of, *word.images))
        surveyor = Surveyor(self.stages, duplicates, self.overrides, denied)
        return Record(self.store, surveyor, self.splitter, tuple(retry))

    def identities(self, record: Record) -> Identities | None:
        """None when the pipeline tells no identities, or its chain does not come so far."""
        same = self.pipeline.identities
        if same is None or not {same.stage, same.after or same.stage} <= record.links.keys():
            return None
        return Identities(record.links[same.stage].ledger(self.store), record.files[same.stage], same)

    def sources(self, splitter: Link, retry: Iterable[str] = ()) -> Record:
        """The inputs that were given, and the one stage that looks at them before they are split."""
        alone = Chain((splitter,), (), ())
        return Record(self.store, Surveyor(alone, Duplicates(self.store, None)), None, tuple(retry))

    def duties(self, lease: Lease, chain: Sequence[Link]) -> dict[str, Duty]:
        ledgers = {link.name: link.ledger(self.store) for link in chain}
        return {
            link.name: Duty(
                stage=link.name,
                step=link.step,
                ledger=ledgers[link.name],
                upstream={name: ledgers[name] for name in upstream_of(link, chain)},
                requests=requests_of(link, chain),
                values=link.values,
                lease=lease,
            )
            for link in chain
        }


def register(
    project: Project,
    lease: Lease,
    inputs: Iterable[Input] | None,
    sync: bool = False,
    may_go: Callable[[int, int, int], None] | None = None,
) -> Registration:
    """The inputs given, or with none another look at those that are known."""
    catalog = Catalog(project.store)
    if inputs is not None:
        return catalog.register(lease, inputs, sync, may_go=may_go)
    if not catalog.lots():
        raise ActorError(f"no input is registered in {project.store.url} yet: say with --input what to build from")
    return catalog.look_again(lease)


def measure(
    project: Project,
    lease: Lease,
    staffing: Staffing,
    watcher: Watcher,
    retry: Iterable[str] = (),
    watched: Watched = lambda watcher: watcher,
) -> Tally:
    """All that is missing: first of sources, then of the clips that they are split into and of all others."""
    tally = Tally()
    if project.splitter is not None:
        sources = partial(project.sources, project.splitter, retry)
        tally = _drained(project, sources, lease, staffing, watcher, watched)
        _settle(project, lease, [project.splitter])
        fan_out(project, lease)
    if project.words.in_force:
        # which clips they concern is known when their contents are: nothing of a denied copy is measured further
        read = replace(project, until=project.chain[0].name, only=None)
        tally += _drained(read, read.record, lease, staffing, watcher, watched)
        project, _ = settled(project)
    return tally + _drained(project, partial(project.record, retry), lease, staffing, watcher, watched)


def settled(project: Project) -> tuple[Project, Meaning]:
    """With what people's words mean for the clips that are known now."""
    found = meaning(replace(project, overrides=()).record(), project.words, now())
    return replace(project, overrides=tuple(found.overrides)), found


def settled_for_good(project: Project, lease: Lease) -> tuple[Project, Meaning]:
    """The same, and keeps in the store what words were found to mean: it holds when their files have long gone."""
    project, found = settled(project)
    keep(lease, found.found)
    return replace(project, words=read_words(project.store)), found


def _drained(
    project: Project,
    record: Callable[[], Record],
    lease: Lease,
    staffing: Staffing,
    watcher: Watcher,
    watched: Watched,
) -> Tally:
    """Workers are hired only when something is missing."""
    found = plan(record())
    if found.is_done:
        return Tally()
    for stage, missing in found.stages.items():
        if lost := missing.why[LOST]:
            log.warning(
                "%s: %d rows have gone from the ledger, and are measured again; stop, and put their files back, if "
                "there is a copy",
                stage,
                lost,
            )
    drained = record()
    if crumbled := [link for link in drained.links.values() if _is_crumbled(drained.files[link.name].values())]:
        # a build that was killed left its commits as they were: whoever goes on would read them all, time and again
        _settle(project, lease, crumbled)
        drained = record()
    workers = staffing(project.duties(lease, drained.surveyor.stages.links))
    try:
        with Journal(lease) as journal:
            return Drain(drained, lease, journal, workers, watched(watcher)).run()
    finally:
        workers.close()


def _is_crumbled(lots: Iterable[LotFiles]) -> bool:
    return any(len(files.parts) > LOOSE for files in lots)


def planned(project: Project) -> Plan:
    """What a build would do of what is registered."""
    found = plan(project.record())
    if project.splitter is not None:
        found.stages = plan(project.sources(project.splitter)).stages | found.stages
        found.split = fan_out(project, None)
    return found


def fan_out(project: Project, lease: Lease | None) -> Registration:
    """Registers the clips that sources are split into now, and tells which of those before are none any more. Without
    a lease it only tells.
    """
    assert project.splitter is not None
    children = Children(project.record(), project.splitter)
    return Catalog(project.store).fan_out(lease, children, children.waiting)


def settle_down(project: Project, lease: Lease) -> None:
    """Folds what was committed, which publishing reads, and brings up to date what planning reads."""
    _settle(project, lease, project.links)
    keep_relations(project, lease)


def _settle(project: Project, lease: Lease, links: Iterable[Link]) -> None:
    for link in links:
        ledger = link.ledger(project.store)
        fold(lease, ledger)
        for path in superseded(ledger):
            lease.delete(path)
        refresh(lease, ledger, link.values)


def keep_relations(project: Project, lease: Lease) -> None:
    """Writes which clips repeat which and which show one person, so that neither need be found again."""
    record = project.record()
    identities = project.identities(record)
    for block in record.blocks():
        settled = record.settled(block)
        record.surveyor.duplicates.keep(lease)
        if identities is not None:
            identities.take(record.surveyor.follow(settled, block.known).measured)
            identities.keep(lease)
