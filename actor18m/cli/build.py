"""`actor18m build`: from inputs to a version of the dataset, as much of it as is missing."""

import sys
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from actor18m.building import build as building
from actor18m.building.built import NotPublished, StageStopped
from actor18m.building.changes import Changes, Forgotten, flags_of
from actor18m.building.listener import Shown
from actor18m.cli.arguments import AsJson, For, Settings, pipeline_file
from actor18m.cli.summary import tell
from actor18m.config.licensed import Licence
from actor18m.config.loading import load
from actor18m.errors import Refused
from actor18m.execute.crews import RayCrew, SerialCrew
from actor18m.execute.tally import Watcher
from actor18m.policy.overrides import read_overrides, taken
from actor18m.policy.words import now, read_words
from actor18m.publish import guards
from actor18m.publish.guards import Allowed
from actor18m.stopping import INTERRUPTED
from actor18m.storage.store import Store
from actor18m.survey.catalog_gone import check_catalog
from actor18m.survey.project import Project, settled
from actor18m.terminal.progress import progress
from actor18m.terminal.say import say

app = typer.Typer()

COULD_NOT_GO_ON = 1
REFUSED = 3
LEFT_OUT = 3
"""Clips could not be measured or published now: the rest was, and the same command again takes them in."""


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
    check_catalog(store)
    words = read_words(store)
    if overrides is not None:
        words = words.and_then(taken(words, read_overrides(overrides), now())[0])
    return settled(Project(loaded, store, words))[0]


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
    limit: Annotated[
        int | None, typer.Option(min=1, help="Measure at most so many clips or images in each stage; the rest waits.")
    ] = None,
    budget_usd: Annotated[
        float | None, typer.Option("--budget-usd", min=0, help="What all stages that tell dollars may spend now.")
    ] = None,
    budget_gpu_hours: Annotated[
        float | None, typer.Option("--budget-gpu-hours", min=0, help="What all stages may claim of GPUs now.")
    ] = None,
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
    licence: For = Licence.any,
    as_json: AsJson = False,
) -> None:
    """Register inputs, measure what is missing, and publish a version of the dataset. Run it again to go on."""
    if sync and not inputs:
        raise typer.BadParameter("--sync needs --input: it says that what is given is all there is")
    if address and executor is not Executor.ray:
        raise typer.BadParameter("--address needs --executor ray")
    if workers is not None and executor is not Executor.ray:
        raise typer.BadParameter("--workers needs --executor ray: without Ray, this process measures alone")
    pipeline_file(pipeline or profile)
    with _exit_codes():
        try:
            built = building.build(
                pipeline or profile,
                inputs,
                store,
                dataset,
                settings or (),
                split=split,
                sync=sync,
                only=only,
                until=until,
                retry=[each.value for each in retry or ()],
                limit=limit,
                budget_usd=budget_usd,
                budget_gpu_hours=budget_gpu_hours,
                executor=SerialCrew() if executor is Executor.serial else RayCrew(address, workers),
                overrides=overrides,
                yes=yes,
                take_over=take_over,
                allowed=Allowed(max_failed, allow_shrinking, allow_empty),
                allow_lost_words=allow_lost_words,
                licence=licence.value,
                listener=_Terminal(may_ask=not as_json),
            )
        except (StageStopped, NotPublished) as error:
            tell(error.built, as_json)
            raise
    tell(built, as_json)
    if built.tally.given_up or (built.published is not None and built.published.left_out):
        raise typer.Exit(LEFT_OUT)


class _Terminal(Shown):
    """Asks, where somebody is there to answer."""

    def __init__(self, may_ask: bool) -> None:
        self._may_ask = may_ask

    def may_forget(self, changes: Changes) -> bool:
        if not (self._may_ask and sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        flags = " ".join(changes.forgotten)
        if typer.confirm(f"Version {changes.last.version} was built with {flags}. Go on without?", err=True):
            return True
        raise Forgotten("Nothing was changed.")

    def progress(self, stages: Sequence[str]) -> AbstractContextManager[Watcher]:
        """Lines, where JSON is asked for: whoever reads that is no person."""
        return progress(stages, is_terminal=None if self._may_ask else False)


@contextmanager
def _exit_codes() -> Iterator[None]:
    """What ended a build early, as a number for who called the command."""
    try:
        yield
    except KeyboardInterrupt:
        say("Stopped. Nothing that was committed is lost: run the same command again to go on.", err=True)
        raise typer.Exit(INTERRUPTED) from None
    except StageStopped:
        raise typer.Exit(COULD_NOT_GO_ON) from None
    except Forgotten:
        raise  # a mistake in calling: the command line tells it, and exits with 1
    except Refused as error:
        say(f"{error}", err=True)
        raise typer.Exit(REFUSED) from None
