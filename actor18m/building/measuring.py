"""The steps of a build: register, measure what is missing, fold. Run again, each does what is left to do."""

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Protocol

import pyarrow as pa

from actor18m.building.looking import Looked, look
from actor18m.catalog.register import Register, Registration
from actor18m.errors import ActorError
from actor18m.execute.budget import Purse
from actor18m.execute.drain import Drain
from actor18m.execute.duties import duties_of
from actor18m.execute.journal import Journal
from actor18m.execute.messages import Duty
from actor18m.execute.tally import Tally, Watcher
from actor18m.execute.workers import Workers
from actor18m.inputs import Input
from actor18m.ledger.fold import fold, superseded
from actor18m.ledger.ledger import LotFiles
from actor18m.storage.lease import Lease
from actor18m.survey.admission import PENDING
from actor18m.survey.chain import Link
from actor18m.survey.plan import LOST, Plan, unpriced
from actor18m.survey.pricing import plan
from actor18m.survey.project import Project, settled
from actor18m.survey.seen import Seen
from actor18m.survey.snapshot import Record
from actor18m.survey.splitting import Children

log = logging.getLogger(__name__)

LOOSE = 32
"""So many commits of one lot are folded before more is measured."""


class Staffing(Protocol):
    """Hires workers for these duties: the executor that the user chose."""

    def __call__(self, duties: Mapping[str, Duty]) -> Workers: ...


Watched = Callable[[Watcher], Watcher]
"""Who else is told how a drain goes on, once workers are hired."""


Foreseen = Callable[[Mapping[str, int]], str | None]
"""What there is to say of so many inputs in each state, before the rest is measured."""


def register(
    project: Project,
    lease: Lease,
    inputs: Iterable[Input] | None,
    sync: bool = False,
    may_go: Callable[[int, int, int], None] | None = None,
) -> Registration:
    """The inputs given, or with none another look at those that are known."""
    catalog = Register(project.store)
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
    purse: Purse | None = None,
    foreseen: Foreseen = lambda states: None,
) -> Tally:
    """All that is missing: first of sources, then of the clips that they are split into and of all others. What is
    `foreseen` of the states of inputs, once all are read, the watcher is told.
    """
    tally, purse = Tally(), purse or Purse()
    if project.splitter is not None:
        sources = partial(project.sources, project.splitter, retry)
        tally = _drained(project, sources, lease, staffing, watcher, watched, purse)
        _settle(project, lease, [project.splitter])
        fan_out(project, lease)
    if project.words.in_force:
        # which clips they concern is known when their contents are: nothing of a denied copy is measured further
        read = replace(project, until=project.chain[0].name, only=None)
        tally += _drained(read, read.record, lease, staffing, watcher, watched, purse)
        project, _ = settled(project)
    record = partial(project.record, retry)
    return tally + _drained(project, record, lease, staffing, watcher, watched, purse, foreseen)


def _drained(
    project: Project,
    record: Callable[[], Record],
    lease: Lease,
    staffing: Staffing,
    watcher: Watcher,
    watched: Watched,
    purse: Purse,
    foreseen: Foreseen = lambda states: None,
) -> Tally:
    """Workers are hired only when something is missing."""
    found = unpriced(record())
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
    first = project.chain[0].name

    def when_read(tally: Tally) -> None:
        """Of those that were missing, so many failed by now."""
        bad = Counter(failed=tally.failed[first], quarantined=tally.quarantined[first])
        if told := foreseen(Counter(found.states) + bad - Counter({PENDING: bad.total()})):
            watcher.note(f"all inputs are read: {told}")

    workers = staffing(duties_of(project, lease, drained.surveyor.stages.links))
    try:
        with Journal(lease) as journal:
            return Drain(drained, lease, journal, workers, watched(watcher), purse, when_read).run()
    finally:
        workers.close()
        if project.seen is not None:
            for link in project.links:
                project.seen.forget(link)


def _is_crumbled(lots: Iterable[LotFiles]) -> bool:
    return any(len(files.parts) > LOOSE for files in lots)


def planned(project: Project, new: int = 0) -> Plan:
    """What a build would do of what is registered, and of so many new inputs: each is reckoned as one clip."""
    found = plan(project.record(), new)
    if project.splitter is not None:
        found.stages = plan(project.sources(project.splitter), new).stages | found.stages
        found.split = fan_out(project, None)
    return found


def fan_out(project: Project, lease: Lease | None) -> Registration:
    """Registers the clips that sources are split into now, and tells which of those before are none any more. Without
    a lease it only tells.
    """
    assert project.splitter is not None
    children = Children(project.record(), project.splitter)
    return Register(project.store).fan_out(lease, children, children.waiting)


def settle_down(project: Project, lease: Lease, published: pa.Array | None = None) -> Looked:
    """Folds what was committed, which publishing reads, brings up to date what planning reads, and takes one look at
    what it all came to. `published`: the clips that the latest version has; None where there is none.
    """
    _settle(project, lease, project.links)
    return look(project, lease, published)


def _settle(project: Project, lease: Lease, links: Iterable[Link]) -> None:
    seen = project.seen or Seen(project.store)
    for link in links:
        ledger = link.ledger(project.store)
        if fold(lease, ledger, files=seen.files(link)):
            seen.forget(link)
        if stale := list(superseded(ledger, seen.files(link))):
            for path in stale:
                lease.delete(path)
            seen.forget(link)
        seen.index(link).refresh(lease)
