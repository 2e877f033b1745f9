"""`actor18m versions`, `tag`, `restore`, `diff`, `sheet`, `gc`, `runs`: what was published, and what may go."""

from collections.abc import Mapping
from contextlib import nullcontext
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Column

from actor18m.amounts import amount
from actor18m.cli.arguments import AsJson
from actor18m.cli.bill_story import bill_line, print_bill
from actor18m.cli.build import StoreUrl
from actor18m.cli.diff_story import print_diff
from actor18m.dataset import Dataset, Version
from actor18m.errors import ActorError
from actor18m.ledger.fold import superseded
from actor18m.ledger.ledger import ledgers
from actor18m.publish import diff, gc, history
from actor18m.publish.denied_today import denied_images_today, denied_today
from actor18m.publish.lookup import still_published
from actor18m.storage.lease import hold
from actor18m.storage.store import MARK, Store, open_store, store_at
from actor18m.survey.purge import purge, unwanted
from actor18m.survey.runs import DID_NOT_END, RUNNING, accounts
from actor18m.survey.spending import spent_of
from actor18m.terminal.say import Grid, console, say, say_json

app = typer.Typer()

_NAMED = 8
_LASTED = {RUNNING: " for {:,.0f} s", DID_NOT_END: ": killed after {:,.0f} s, or somewhat later"}
_TAKEN = {RUNNING: " so far", DID_NOT_END: " until about then"}

DatasetUrl = Annotated[str, typer.Option(help="Where versions of the dataset are published.")]


@app.command("diff")
def diff_command(
    old: Annotated[str, typer.Argument(help="A version, such as 000001.")],
    new: Annotated[str, typer.Argument(help="A later one, or latest.")] = "latest",
    dataset: DatasetUrl = "dataset",
    as_json: AsJson = False,
) -> None:
    """What changed between two versions of the dataset."""
    found = diff(dataset, old, new)
    if as_json:
        say_json(found)
        return
    print_diff(found)


@app.command("versions")
def versions_command(dataset: DatasetUrl = "dataset", as_json: AsJson = False) -> None:
    """List the versions of the dataset: when they were made, what is in them, and what they are called."""
    found = history.listed(dataset)
    if as_json:
        say_json([asdict(each) for each in found])
        return
    table = Grid("version", Column("made", no_wrap=True))
    for heading in ("videos", "references", "shards", "MiB"):
        table.add_column(heading, justify="right")
    table.add_column("called")
    for each in found:
        numbers = [each.videos, each.references, each.shards, round(each.bytes / 2**20)]
        called = [*(["latest"] if each.is_latest else []), *each.tags]
        table.add_row(each.version, each.made, *map(str, numbers), ", ".join(called))
    console().print(table)


@app.command("tag")
def tag_command(
    name: Annotated[str, typer.Argument(help="What to call it: paper-v1.")],
    version: Annotated[str, typer.Argument(help="A version, such as 000001.")] = "latest",
    dataset: DatasetUrl = "dataset",
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away; the version stays.")] = False,
    store: StoreUrl = "store",
) -> None:
    """Call a version by a name: `dataset/NAME` leads to it, commands take it, and `gc` keeps it."""
    if remove:
        say(f"{dataset}/{history.untag(dataset, name)} is not called {name} any more")
    else:
        called = history.tag(dataset, version, name)
        say(f"{dataset}/{name} is {called}")
        then = (
            "`gc` keeps {them} as long as it has the tag: build, and then `actor18m tag "
            f"{name}` calls the new one by it"
        )
        _tell_denied(dataset, called, store, then)


@app.command("restore")
def restore_command(
    version: Annotated[str, typer.Argument(help="A version, such as 000001, or a tag.")],
    dataset: DatasetUrl = "dataset",
    store: StoreUrl = "store",
) -> None:
    """Make an older version the latest again, as a new one that shares its files. The next build goes its own way."""
    restored = history.restore(dataset, version)
    say(f"{dataset}/latest is {restored}, with the files of {version}")
    say("Whatever was denied, removed or corrected since then is in it as it was, until the next build.", err=True)
    _tell_denied(dataset, restored, store, "the next build leaves {them} out again")


def _tell_denied(dataset: str, version: str, store: str, then: str) -> None:
    if not store_at(store).exists(MARK):
        say(
            f"which of its clips are denied today is not known: there is no store at {store}; name it with --store",
            err=True,
        )
        return
    at, said = Version.named(Dataset.at(dataset), version), open_store(store)
    for what, denied in (("clip", denied_today(at, said)), ("image", denied_images_today(at, said))):
        if denied:
            more = f" and {len(denied) - _NAMED} more" if len(denied) > _NAMED else ""
            are, them = ("is", "it") if len(denied) == 1 else ("are", "them")
            these = f"{amount(len(denied), what)} of it {are} denied today"
            say(f"{these}: {', '.join(denied[:_NAMED])}{more}; {then.format(them=them)}", err=True)


@app.command("runs")
def runs_command(
    store: StoreUrl = "store",
    stages: Annotated[bool, typer.Option("--stages", help="Also what each stage took in each of them.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the builds of a store: when they ran, how they ended, what they were asked, and what they came to and
    took.
    """
    found = accounts(open_store(store))
    if as_json:
        say_json(found)
        return
    for run in found:
        for line in _run_lines(run):
            say(line)
        if stages:
            print_bill(spent_of(run), 1)


def _run_lines(run: Mapping[str, Any]) -> list[str]:
    asked = " ".join([str(run.get("pipeline")), *_flags(run)])
    states = ", ".join(f"{count} {state}" for state, count in (run.get("states") or {}).items())
    took = _LASTED.get(run["how"], " after {:,.0f} s").format(run["seconds"]) if "seconds" in run else ""
    why = f": {run['why']}" if run["why"] else ""
    published, bill = (run.get("published") or {}).get("version"), bill_line(spent_of(run))
    return [
        f"{run['run']:06d}  {run['begun']}  {run['how']}{took}{why}",
        f"        {asked}",
        *([f"        {states}" + (f": version {published}" if published else "")] if states else []),
        *([f"        took{_TAKEN.get(run['how'], '')} {bill}"] if bill else []),
    ]


def _flags(run: Mapping[str, Any]) -> list[str]:
    """What the build was asked, as one would write it."""
    several = {"input": "inputs", "set": "settings", "retry": "retry"}
    asked = [f"--{flag} {each}" for flag, name in several.items() for each in run.get(name) or ()]
    for name in ("split", "only", "until", "limit", "budget_usd", "budget_gpu_hours", "overrides", "dataset"):
        if (value := run.get(name)) is not None:
            asked.append(f"--{name.replace('_', '-')} {value}")
    asked += ["--sync"] if run.get("sync") else []
    return [*asked, *([f"--executor {run['executor']}"] if run.get("executor") == "ray" else [])]


@app.command("sheet")
def sheet_command(
    out: Annotated[Path, typer.Argument(help="A folder for the pictures.")] = Path("sheets"),
    dataset: Annotated[
        str | None,
        typer.Option(help="Where versions of it are.", show_default="dataset, or the one that --store published last"),
    ] = None,
    version: Annotated[str, typer.Option(help="Which one, such as 000001.")] = "latest",
    most: Annotated[int, typer.Option(min=1, help="So many clips on a sheet.")] = 40,
    store: Annotated[
        str | None, typer.Option(help="The store, from which images that were not kept are drawn, too.")
    ] = None,
) -> None:
    """Draw contact sheets: clips with what became of them, references with what was measured of each, and subsets
    beside what they are made from.
    """
    from actor18m.report.sheets import clips_sheet, references_sheet
    from actor18m.report.subset_sheet import subset_sheet, subsets_made

    opened = None if store is None else open_store(store)
    found = Version.named(Dataset.at(dataset or _published_by(opened) or "dataset"), version)
    try:
        out.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ActorError(f"{out} cannot be made: {error.strerror}. Name another folder.") from error
    for name, drawing in (("clips", clips_sheet), ("references", references_sheet)):
        if name == "references" and not found.parts(name):
            continue
        count = drawing(found, out / f"{name}.png", most)
        say(f"{out / name}.png: {amount(count, 'clip')}" if count else f"no {name} in {found.url}")
    for subset in subsets_made(found):
        path = out / f"subset-{subset}.png"
        say(f"{path}: {amount(subset_sheet(found, opened, subset, path, most), 'clip')}")


def _published_by(store: Store | None) -> str | None:
    """The dataset into which its last build published."""
    paths = (run["published"]["path"] for run in reversed(accounts(store)) if run.get("published")) if store else ()
    return next((str(path).rpartition("/")[0] for path in paths), None)


@app.command("gc")
def gc_command(
    store: StoreUrl = "store",
    dataset: DatasetUrl = "dataset",
    keep: Annotated[int, typer.Option(min=1, help="Versions of the dataset to keep.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove old versions of the dataset, files of the store that a newer file covers, and what was measured of inputs
    that were removed. No other row is lost.
    """
    verb = "would remove" if dry_run else "removed"
    for version in gc(dataset, keep, dry_run):
        say(f"{verb} {dataset}/{version}")
    opened = open_store(store)
    with nullcontext() if dry_run else hold(opened) as lease:
        paths = _covered(opened)
        if lease is not None:
            for path in paths:
                lease.delete(path)
        gone = unwanted(opened)
        purged = purge(opened, lease, gone)
    say(f"{verb} {amount(len(paths), 'file')} of {opened.url}")
    if purged.rows or purged.files:
        rows, files = amount(purged.rows, "row"), amount(purged.files, "file")
        say(f"{verb} {rows} and {files} beside them, of {amount(gone.inputs, 'removed input')}")
    if still := still_published(Dataset.at(dataset), gone.clips):
        say(f"{dataset}/latest still publishes {still} of their clips: build first, then gc --keep 1")


def _covered(store: Store) -> list[str]:
    return [path for ledger in ledgers(store) for path in superseded(ledger)]
