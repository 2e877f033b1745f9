"""A build from beginning to end, as `actor18m build` and a notebook call it alike.

from actor18m import build

built = build("pipeline.yaml", inputs=["clips"], store="store", dataset="dataset")
built.states  # {"accepted": 4, "rejected": 2, …}
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Literal

from actor18m.amounts import amount
from actor18m.building import measuring
from actor18m.building.built import Built, NotPublished, StageStopped, as_published, why_stopped
from actor18m.building.changes import changes, flags_of
from actor18m.building.listener import Listener
from actor18m.building.meanwhile import kept_meanwhile, with_taken
from actor18m.building.releasing import release
from actor18m.catalog.catalog_files import CatalogFiles
from actor18m.catalog.sources import find_inputs
from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.config import licensed
from actor18m.config.costs import DOLLARS, GPU_SECONDS
from actor18m.config.licensed import Licence
from actor18m.config.loading import load
from actor18m.config.shipped import find_pipeline
from actor18m.dataset import Dataset
from actor18m.errors import Refused, WrongUsage
from actor18m.execute.budget import Purse
from actor18m.execute.crews import Crew, RayCrew, SerialCrew
from actor18m.execute.tally import Tally
from actor18m.policy.overrides import read_overrides, taken
from actor18m.policy.words import keep, now, read_words
from actor18m.publish import Published, guards
from actor18m.publish.heard import Hearing
from actor18m.publish.previous import published_clips
from actor18m.publish.targets import target_of
from actor18m.stopping import stoppable
from actor18m.storage.lease import Lease, hold
from actor18m.storage.near_copies import sources_kept
from actor18m.storage.store import make_store
from actor18m.survey import runs
from actor18m.survey.catalog_gone import check_catalog
from actor18m.survey.code import edited
from actor18m.survey.plan import Plan, unpriced
from actor18m.survey.project import Project, settled_for_good
from actor18m.survey.rates import rates_of
from actor18m.survey.seen import Seen

Paths = str | Path | Sequence[str | Path]
Settings = Sequence[str] | Mapping[str, object]
Again = Literal["failed", "quarantined"]
NO_EXCEPTIONS = guards.Allowed()
QUIET = Listener()
_GET_WORDS_BACK = (
    "Restore the folder from a backup. If nothing of that matters any more, go on with --allow-lost-words. "
    "Nothing was changed."
)


def build(
    pipeline: str | Path = "embedded",
    inputs: Paths | None = None,
    store: str | Path = "store",
    dataset: str | Path = "dataset",
    settings: Settings = (),
    *,
    split: str | None = None,
    sync: bool = False,
    only: str | None = None,
    until: str | None = None,
    retry: Sequence[Again] = (),
    limit: int | None = None,
    budget_usd: float | None = None,
    budget_gpu_hours: float | None = None,
    executor: Literal["serial", "ray"] | Crew = "serial",
    overrides: str | Path | None = None,
    yes: bool = False,
    take_over: bool = False,
    allowed: guards.Allowed = NO_EXCEPTIONS,
    allow_lost_words: bool = False,
    licence: Literal["any", "commercial"] = "any",
    listener: Listener = QUIET,
) -> Built:
    """Registers inputs, measures what is missing, and publishes a version of the dataset. Called again, it goes on.

    Arguments mean what the options of `actor18m build` with their names mean; `settings` may be a mapping, such as
    `{"identity.fps": 2}`. The executor is closed at the end. Nothing is printed: who wants to hear of it gives a
    `listener`, such as `Shown()`. What is refused raises Refused, other trouble ActorError, and Ctrl-C
    KeyboardInterrupt: nothing that was committed is lost.
    """
    if sync and not inputs:
        raise WrongUsage("sync needs inputs: it says that what is given is all there is")
    given = [str(each) for each in ((inputs,) if isinstance(inputs, str | Path) else inputs or ())]
    flags = flags_of(_spelt(settings), split)
    crew, purse = _crew(executor), _purse(limit, budget_usd, budget_gpu_hours)
    target = target_of(str(dataset))
    if until is None:
        target.check_usable()
    with stoppable(), sources_kept(), closing(crew), hold(make_store(str(store)), take_over) as lease:
        loaded = load(find_pipeline(pipeline), flags)
        to_decide = licensed.check(loaded, Licence(licence))
        project = Project(loaded, lease.store, read_words(lease.store), (), until, seen=Seen(lease.store))
        if not allow_lost_words and (lost := runs.lost_words(lease.store, project.words)) is not None:
            raise Refused(f"{lease.store.url}/words {lost}. {_GET_WORDS_BACK}")
        check_catalog(lease.store, project.record().measured)
        asked = {
            "words": project.words.files,
            "pipeline": str(pipeline),
            "inputs": given or None,
            "settings": _spelt(settings) or None,
            "split": split,
            "executor": crew.name,
            "sync": sync,
            "flags": flags,
            "licence": licence,
            "only": only,
            "until": until,
            "retry": list(retry) or None,
            "limit": limit,
            "budget_usd": budget_usd,
            "budget_gpu_hours": budget_gpu_hours,
            "dataset": str(dataset),
            "overrides": None if overrides is None else str(overrides),
        }
        to = None if until else target.dataset
        with runs.told(project.links, lease, asked, listener.on_stderr) as account:
            subset = _subset(project, only)
            if to is not None:
                Hearing(lease.store, project.words, allow_lost_words).check(to)
            account["differs"] = _agreed(pipeline, project, flags, to, yes, listener)
            if overrides is not None:
                _take_into_store(lease, Path(overrides), listener)
            project, _ = settled_for_good(replace(project, words=read_words(lease.store)), lease)
            for said in [*edited(project.links, runs.accounts(project.store)), *to_decide]:
                listener.note(f"note: {said}")
            account["left_out"] = not_taken = FilesLeftOut()
            sources = find_inputs(given, not_taken) if given else None
            may_go = partial(guards.check_superseded, allowed=allowed)
            account["registration"] = registration = measuring.register(project, lease, sources, sync, may_go)
            account["catalog"] = CatalogFiles(lease.store).latest()
            with listener.progress([link.name for link in project.links]) as watcher:
                wanted = replace(project, only=subset)
                purse.expected = _expected(wanted)
                here = [link.name for link in project.links if crew.name == "serial" and not link.step.waits]
                with kept_meanwhile(lease, account, here) as kept:
                    watched: measuring.Watched = lambda each: kept(crew.watched(each))  # noqa: E731
                    foreseen = partial(guards.foreseen, allowed=allowed)
                    tally = measuring.measure(wanted, lease, crew.hire, watcher, retry, watched, purse, foreseen)
            account |= {"tally": tally, "stages": with_taken(account["stages"], tally)}
            account["catalog"] = CatalogFiles(lease.store).latest()  # sources may have been split meanwhile
            project, meaning = settled_for_good(project, lease)
            hearing = Hearing(lease.store, project.words, allow_lost_words)
            end = _ended(project, lease, to, tally, subset, crew, allowed, hearing, listener)
            states = as_published(end.plan.states, end.published)
            account |= {"published": end.published, "states": states, "images": end.plan.images, **end.told}
            account["subsets"] = {subset: counts.told() for subset, counts in end.plan.subsets.items()}
            account |= {"unknown_overrides": meaning.unknown, "like_denied": meaning.like_denied}
            account["words"] = project.words.files
    subsets = end.plan.subsets
    built = Built(project, states, subsets, registration, not_taken, tally, end.published, meaning, account)
    if tally.stopped:
        raise StageStopped(built)
    if end.refused is not None:
        raise NotPublished(end.refused, built)
    return built


@dataclass(frozen=True)
class _End:
    """What became of what was measured."""

    plan: Plan
    published: Published | None = None
    refused: str | None = None
    told: Mapping[str, str] = field(default_factory=dict)
    """Of the run, where it did not end as it should."""


def _ended(
    project: Project,
    lease: Lease,
    to: Dataset | None,
    tally: Tally,
    only: str | None,
    crew: Crew,
    allowed: guards.Allowed,
    hearing: Hearing,
    listener: Listener,
) -> _End:
    """Publishes, where a dataset is named, there is something to publish, and nothing forbids it."""
    before = None if to is None else published_clips(to)
    looked = measuring.settle_down(project, lease, before)
    plan = looked.plan if project.until is None else unpriced(replace(project, until=None).record())
    try:
        if tally.stopped:
            return _End(plan, told={"how": runs.FAILED, "why": why_stopped(tally)})
        if to is None:
            guards.check_failed(looked.outlook, looked.plan.subsets, allowed)
            return _End(plan)
        if only is not None and before is None and looked.outlook.is_only_pending and not tally.given_up:
            guards.check_failed(looked.outlook, looked.plan.subsets, allowed)
            listener.note(
                f"nothing is published yet: no image of subset {only} is kept, and what clips are accepted by was left "
                f"out by --only subset-{only}. `actor18m status` counts why; a build without --only measures the rest."
            )
            return _End(plan)
        return _End(plan, release(project, lease, looked, before, to, crew, allowed, hearing, listener.note))
    except Refused as error:
        return _End(plan, refused=str(error), told={"how": runs.REFUSED, "why": str(error)})


def _agreed(
    pipeline: str | Path, project: Project, flags: Sequence[str], to: Dataset | None, yes: bool, listener: Listener
) -> list[str]:
    """How this build differs from the latest version's. Raises where a flag was forgotten, and nobody means that."""
    found = changes(pipeline, project.pipeline, project.store, flags, project.words, to)
    if found is None:
        return []
    listener.differs(found)
    if found.forgotten and not yes and not listener.may_forget(found):
        raise found.refusal(str(pipeline))
    return found.lines


def _crew(executor: str | Crew) -> Crew:
    if not isinstance(executor, str):
        return executor
    if executor not in ("serial", "ray"):
        raise WrongUsage(f"no executor {executor}; there are: serial, ray")
    return SerialCrew() if executor == "serial" else RayCrew(None, None)


def _purse(limit: int | None, usd: float | None, gpu_hours: float | None) -> Purse:
    most = {DOLLARS: usd, GPU_SECONDS: None if gpu_hours is None else 3600 * gpu_hours}
    return Purse({name: value for name, value in most.items() if value is not None}, limit)


def _expected(project: Project) -> dict[str, Mapping[str, float]]:
    """By stage, what one clip or image costs, as far as it is known before any is measured."""
    rates = rates_of(project.links, runs.accounts(project.store))
    return {stage: rate.costs for stage, rate in rates.items()}


def _spelt(settings: Settings) -> list[str]:
    """As `--set` takes them: JSON is YAML."""
    if isinstance(settings, Mapping):
        return [f"{name}={json.dumps(value)}" for name, value in settings.items()]
    return list(settings)


def _subset(project: Project, only: str | None) -> str | None:
    """What `subset-A` means; there is one, or an error names those that are."""
    name = None if only is None else only.removeprefix("subset-")
    if name is not None:
        project.pipeline.gate(name)
    return name


def _take_into_store(lease: Lease, file: Path, listener: Listener) -> None:
    new, notes = taken(read_words(lease.store), read_overrides(file), now())
    keep(lease, new)
    for note in notes:
        listener.note(note)
    if new:
        listener.note(
            f"{file}: {amount(len(new), 'override is', 'overrides are')} in the store now, with the file or without "
            "it: `actor18m words` lists what holds, `actor18m undo KEY` takes one back"
        )
