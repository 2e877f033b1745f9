"""`actor18m build`: from inputs to a version of the dataset, as much of it as is missing."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import replace
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import av
import pyarrow
import typer

from actor18m import build as building
from actor18m import guards, runs
from actor18m.amounts import amount
from actor18m.build import Project
from actor18m.code import edited
from actor18m.commands import unpublished
from actor18m.commands.arguments import AsJson, Settings, load, pipeline_file
from actor18m.commands.changes import Forgotten, changes, flags_of
from actor18m.errors import Refused
from actor18m.execute.crews import Crew, RayCrew, SerialCrew
from actor18m.execute.tally import Stopped, Tally
from actor18m.meaning import Meaning
from actor18m.overrides import read_overrides, taken
from actor18m.planning import plan
from actor18m.progress import progress
from actor18m.publish import Published, publish
from actor18m.publish.blocks import Blocks, relations_of, with_images
from actor18m.publish.discretion import discreet
from actor18m.publish.heard import Hearing
from actor18m.publish.previous import published_clips, samples_of
from actor18m.publish.target import Target, target_of
from actor18m.say import say, say_lines
from actor18m.sources import find_inputs
from actor18m.sources.left_out import LeftOut
from actor18m.stopping import stoppable
from actor18m.store import Store, make_store
from actor18m.words import keep, now, read_words
from actor18m.writer import Lease, hold

app = typer.Typer()

COULD_NOT_GO_ON = 1
REFUSED = 3
LEFT_OUT = 3
"""Clips that were accepted and could not be published: the rest was, and the next build tries again."""
INTERRUPTED = 130
OTHERS_MAY_TAKE_S = 60.0
"""Who was taken over while it published makes the shard that it is at, and then gives the dataset free."""

_TOLD = 8


class Executor(StrEnum):
    serial = "serial"
    ray = "ray"


class SplitMode(StrEnum):
    none = "none"
    shots = "shots"
    windows = "windows"


class Again(StrEnum):
    failed = "failed"
    quarantined = "quarantined"


StoreUrl = Annotated[str, typer.Option("--store", help="The working state: a folder, or s3://… and the like.")]
Overrides = Annotated[
    Path | None, typer.Option(help="Clips that a person allows or denies, YAML or CSV: a build keeps it in the store.")
]
Pipe = Annotated[
    str | None,
    typer.Argument(metavar="[PIPELINE]", help="A YAML file, or a shipped pipeline's name; by default the profile's."),
]
Split = Annotated[
    SplitMode | None, typer.Option(help="Cut inputs into clips: at their shots, or every so many seconds.")
]
Profile = Annotated[str, typer.Option(help="Which shipped pipeline: embedded runs on a laptop's CPU.")]


def project_of(
    pipeline: str,
    store: Store,
    settings: Sequence[str] | None,
    split: SplitMode | None,
    overrides: Path | None = None,
) -> Project:
    """For questions, which change nothing: a file's words count as if they were said now."""
    loaded = load(pipeline_file(pipeline), flags_of(settings, split))
    words = read_words(store)
    if overrides is not None:
        words = words.and_then(taken(words, read_overrides(overrides), now())[0])
    return building.settled(Project(loaded, store, words))[0]


@app.command("build")
def build(
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    inputs: Annotated[
        list[str] | None,
        typer.Option("--input", help="Video, folder, glob, CSV or Parquet list, OpenS2V JSON; may be repeated."),
    ] = None,
    store: StoreUrl = "store",
    dataset: Annotated[str, typer.Option(help="Where versions of the dataset are published.")] = "dataset",
    settings: Settings = None,
    split: Split = None,
    overrides: Overrides = None,
    sync: Annotated[bool, typer.Option("--sync", help="These inputs are all there are: supersede the rest.")] = False,
    only: Annotated[str | None, typer.Option(metavar="SUBSET", help="Build this subset alone: subset-A.")] = None,
    until: Annotated[str | None, typer.Option(metavar="STAGE", help="Measure up to this one; publish nothing.")] = None,
    retry: Annotated[list[Again] | None, typer.Option(help="Try these again; may be repeated.")] = None,
    executor: Annotated[Executor, typer.Option(help="In this process, or on Ray.")] = Executor.serial,
    address: Annotated[str | None, typer.Option(help="Of a Ray cluster; without it Ray is started here.")] = None,
    workers: Annotated[int | None, typer.Option(min=1, help="How many measure at once, on Ray.")] = None,
    yes: Annotated[
        bool, typer.Option("--yes", help="Go on without a setting that the last build was given by a flag.")
    ] = False,
    take_over: Annotated[bool, typer.Option("--take-over", help="Take the store from another build.")] = False,
    max_failed: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=1,
            help="Publish nothing when a larger share of what was measured failed or is quarantined.",
            show_default=f"{guards.MAX_FAILED:g}, and fewer than {guards.FEW_FAILED} never count",
        ),
    ] = None,
    allow_shrinking: Annotated[
        float,
        typer.Option(min=0, max=1, help="Publish nothing when a larger share of the latest version would be lost."),
    ] = guards.MAX_SHRINKING,
    allow_empty: Annotated[bool, typer.Option("--allow-empty", help="Publish even a version without a clip.")] = False,
    allow_lost_words: Annotated[
        bool,
        typer.Option("--allow-lost-words", help="Build though the latest version knew words that the store has not."),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Register inputs, measure what is missing, and publish a version of the dataset. Run it again to go on."""
    if sync and not inputs:
        raise typer.BadParameter("--sync needs --input: it says that what is given is all there is")
    if address and executor is not Executor.ray:
        raise typer.BadParameter("--address needs --executor ray")
    target = target_of(dataset)
    if until is None:
        target.check_usable()
    if workers is not None and executor is not Executor.ray:
        raise typer.BadParameter("--workers needs --executor ray: without Ray, this process measures alone")
    allowed = guards.Allowed(max_failed, allow_shrinking, allow_empty)
    crew: Crew = SerialCrew() if executor is Executor.serial else RayCrew(address, workers)
    refused: Refused | None = None
    with _told_how_to_go_on(), stoppable(), closing(crew), hold(make_store(store), take_over) as lease:
        loaded, flags = load(pipeline_file(pipeline or profile), flags_of(settings, split)), flags_of(settings, split)
        project = Project(loaded, lease.store, read_words(lease.store), (), until)
        to = None if until else target.dataset
        given = {
            "pipeline": pipeline or profile,
            "inputs": inputs,
            "settings": settings,
            "split": split,
            "executor": executor,
            "sync": sync,
            "flags": flags,
        }
        with runs.told(project.links, lease, given) as account:
            subset = _subset(project, only)
            if to is not None:
                Hearing(lease.store, project.words, allow_lost_words).check(to)
            found = changes(pipeline or profile, lease.store, flags, project.words, to)
            account["differs"] = found.lines if found is not None else []
            if found is not None:
                found.tell()
                if not yes:
                    found.must_be_wanted(pipeline or profile, may_ask=not as_json)
            if overrides is not None:
                _take_into_store(lease, overrides)
            project, _ = building.settled_for_good(replace(project, words=read_words(lease.store)), lease)
            for said in edited(project.links, runs.accounts(project.store)):
                say(f"note: {said}", err=True)
            account["left_out"] = left_out = LeftOut()
            sources = find_inputs(inputs, left_out) if inputs else None
            may_go = partial(guards.check_superseded, allowed=allowed)
            account["registration"] = building.register(project, lease, sources, sync, may_go)
            wanted = replace(project, only=subset)
            tally = _measured(wanted, lease, crew, [each.value for each in retry or ()], as_json)
            account |= {"tally": tally, "stages": _with_rates(account["stages"], tally)}
            project, meaning = building.settled_for_good(project, lease)
            building.settle_down(project, lease)
            account["published"] = None
            if tally.stopped:
                account |= {"how": runs.FAILED, "why": " ".join(_stopped(*each) for each in tally.stopped.items())}
            try:
                if not tally.stopped:
                    hearing = Hearing(lease.store, project.words, allow_lost_words)
                    account["published"] = _published(project, lease, target, crew, allowed, hearing, until is None)
            except Refused as error:
                refused = error
                account |= {"how": runs.REFUSED, "why": str(error)}
            came_to = plan(replace(project, until=None).record())
            account["states"] = unpublished.counted(came_to.states, account["published"])
            account["images"] = came_to.images
            account |= {"unknown_overrides": meaning.unknown, "like_denied": meaning.like_denied}
            account["words"] = project.words.files
    _tell_words(meaning, project)
    _report(account, as_json)
    unpublished.tell(account["published"])
    if tally.stopped:
        _tell_what_stopped(tally.stopped)
        raise typer.Exit(COULD_NOT_GO_ON)
    if refused is not None:
        say(f"{refused}", err=True)
        raise typer.Exit(REFUSED)
    if account["published"] is not None and account["published"].left_out:
        raise typer.Exit(LEFT_OUT)


@contextmanager
def _told_how_to_go_on() -> Iterator[None]:
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped. Nothing that was committed is lost: run the same command again to go on.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except Forgotten:
        raise  # a mistake in calling: the command line tells it, and exits with 1
    except Refused as error:
        say(f"{error}", err=True)
        raise typer.Exit(REFUSED) from None


def _take_into_store(lease: Lease, file: Path) -> None:
    new, notes = taken(read_words(lease.store), read_overrides(file), now())
    keep(lease, new)
    for note in notes:
        say(note, err=True)
    if new:
        say(
            f"{file}: {amount(len(new), 'override is', 'overrides are')} in the store now, with the file or without "
            "it: `actor18m words` lists what holds, `actor18m undo KEY` takes one back",
            err=True,
        )


def _tell_words(meaning: Meaning, project: Project) -> None:
    if project.pipeline.duplicates is None and any(word.looks for word in project.words.in_force):
        say("near duplicates of denied clips are not looked for: the pipeline has no rule `duplicates`", err=True)
    for word in meaning.unknown:
        say(f"override of {word.of} ({word}): no such clip is registered", err=True)
    if like := meaning.like_denied:
        some = ", ".join(f"{each.key} (like {each.like})" for each in like[:_TOLD])
        more = f" and {len(like) - _TOLD} more" if len(like) > _TOLD else ""
        say(
            f"left out as near duplicates of denied clips: {some}{more}. `actor18m allow KEY` takes one all the same",
            err=True,
        )


def _subset(project: Project, only: str | None) -> str | None:
    """What `subset-A` means; there is one, or an error names those that are."""
    name = None if only is None else only.removeprefix("subset-")
    if name is not None:
        project.pipeline.gate(name)
    return name


def _measured(project: Project, lease: Lease, crew: Crew, retry: Sequence[str], as_json: bool) -> Tally:
    stages = [link.name for link in project.links]
    with progress(stages, is_terminal=False if as_json else None) as shown:
        return building.measure(project, lease, crew.hire, shown, retry, crew.watched)


def _published(
    project: Project, lease: Lease, target: Target, crew: Crew, allowed: guards.Allowed, hearing: Hearing, whole: bool
) -> Published | None:
    """Unless the guards refuse it; nothing of a part of the stages."""
    published = published_clips(target.dataset) if whole else None
    found = guards.outlook(project, published)
    guards.check_failed(found.states, found.failed, allowed)
    if not whole:
        return None
    guards.check_lost(found.states, found.lost, None if published is None else len(published), allowed)
    if published is not None and (count := len(found.withdrawn)):
        of = amount(len(published), "clip")
        say(f"withdrawn by a word: {count} of the {of} of the latest version", err=True)
    images = [word.of for word in project.words.in_force if word.is_of_image]
    withdrawn = samples_of(target.dataset, found.withdrawn, images)
    facts = {f"fingerprint.{link.name}": link.fingerprint for link in project.links}
    facts |= {
        f"model.{link.name}.{role}": " ".join(backend)
        for link in project.links
        for role, backend in link.backends.items()
    }
    facts |= {"pyarrow": pyarrow.__version__, "av": av.__version__}  # another one may write other bytes
    pipeline = project.pipeline.render(with_run=False)
    relations = relations_of(project)
    return publish(
        target.dataset,
        Blocks(project, relations),
        pipeline,
        facts,
        aliases=relations.aliases,
        make_shards=crew.make_shards,
        subsets=with_images(project),
        lots_per_shard=project.pipeline.publish.lots_per_shard,
        check=lease.check_epoch,
        patience_s=OTHERS_MAY_TAKE_S,
        told=partial(discreet, settings=project.pipeline.publish),
        accept=partial(guards.check_counts, allowed=allowed, withdrawn=withdrawn),
        hearing=hearing,
    )


def _tell_what_stopped(stopped: Mapping[str, Stopped]) -> None:
    for stage, why in stopped.items():
        for line in why.trace.splitlines():
            say(line, err=True)
        say(
            f"{_stopped(stage, why)} Nothing of that was kept and nothing was published. Mend the stage, or what it "
            "needs, and run the same command again; `actor18m try` shows what it does with one video. If these "
            f"{why.unit} are at fault, write `run: {{stop_after: null}}` to {stage} in the pipeline: then they fail "
            "one by one.",
            err=True,
        )


def _stopped(stage: str, why: Stopped) -> str:
    so_many = amount(why.clips, why.unit.removesuffix("s"))
    return (
        f"stage {stage} was stopped: {so_many} failed alike with no success between, {why.example} for one: "
        f"{why.error}."
    )


def _with_rates(stages: object, tally: Tally) -> object:
    assert isinstance(stages, dict)
    return {
        name: told
        | {"measured": tally.measured[name] + tally.failed[name], "seconds": round(tally.seconds.get(name, 0.0), 3)}
        | (
            {"costs": {cost: round(value, 6) for cost, value in costs.items()}}
            if (costs := tally.costs.get(name))
            else {}
        )
        for name, told in stages.items()
    }


def _report(account: Mapping[str, Any], as_json: bool) -> None:
    if as_json:
        say_lines(runs.as_json(account))
        return
    tally, states, published = account["tally"], account["states"], account["published"]
    registered = account["registration"]
    changes = ["added", "changed", "back", "gone", "vanished"]
    told = [f"{getattr(registered, name)} {name}" for name in changes if getattr(registered, name)]
    say(f"inputs: {sum(states.values())}" + (f" ({', '.join(told)})" if told else ""))
    if account["left_out"].counts:
        say(str(account["left_out"]))
    if registered.otherwise:
        say(
            f"{registered.otherwise} given with another licence or consent than is registered, which counts "
            f"({registered.one_otherwise}): `actor18m relicense --input LIST` corrects it"
        )
    if removed := registered.removed:
        which = f"{removed[0]}{' and others' if len(removed) > 1 else ''}"
        since = f"{len(removed)} given and left out, since they were removed ({which})"
        say(f"{since}: `actor18m undo URI` takes one in again")
    say("states: " + ", ".join(f"{count} {state}" for state, count in states.items()))
    for subset, images in account["images"].items():
        if images:
            say(f"subset {subset}: " + ", ".join(f"{count} {state}" for state, count in images.items()) + " images")
    for stage, about in account["stages"].items():
        done = tally.measured[stage], tally.failed[stage], tally.quarantined[stage]
        moved = f", {tally.adopted[stage]} kept of moved files" if tally.adopted[stage] else ""
        if any(done) or moved:
            measured, failed, quarantined = done
            what = "" if about["unit"] == "clips" else "images "
            say(f"{stage}: {measured} {what}measured, {failed} failed, {quarantined} quarantined{moved}")
    if not tally.measured and not tally.failed and not tally.stopped:
        say("measured: nothing was missing")
    for stage, spent in tally.spent.items():
        say(
            f"{stage}: stopped at its budget: {spent}. The rest is pending: run the same command again to go on, or "
            "raise its `run.budget`"
        )
    for clip, reason in sorted(tally.given_up.items()):
        if clip.partition(" ")[0] not in tally.stopped:
            say(f"not now: {clip}: {reason}; run the same command again")
    bad = {state: states[state] for state in ("failed", "quarantined") if states.get(state)}
    for state, count in bad.items():
        say(f"{count} {state}: `actor18m status` says why; --retry {state} tries again")
    if published is not None:
        said = "as before" if not published.is_new else "new"
        shards = f"{amount(published.shards_made, 'shard')} made, {published.shards_reused} reused"
        say(f"dataset: {published.path} ({said}; {shards})")
