"""`actor18m diff`, `sheet` and `gc`: versions of a dataset, a look at one, and what nothing needs any more."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from actor18m.commands.arguments import AsJson
from actor18m.commands.build_commands import StoreUrl
from actor18m.fold import superseded
from actor18m.ledger import Ledger
from actor18m.publish import diff, gc
from actor18m.publish.versions import folder, named
from actor18m.store import Store, open_store
from actor18m.writer import hold

app = typer.Typer()

Dataset = Annotated[str, typer.Option(help="Where versions of the dataset are published.")]


@app.command("diff")
def diff_command(
    old: Annotated[str, typer.Argument(help="A version, such as 000001.")],
    new: Annotated[str, typer.Argument(help="A later one, or latest.")] = "latest",
    dataset: Dataset = "dataset",
    as_json: AsJson = False,
) -> None:
    """What changed between two versions of the dataset."""
    found = diff(dataset, old, new)
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for name, told in found.items():
        if isinstance(told, str) or not told:
            typer.echo(f"{name}: {told or 'no change'}")
            continue
        typer.echo(f"{name}:")
        for line in _lines(told):
            typer.echo(f"  {line}")


@app.command("sheet")
def sheet_command(
    out: Annotated[Path, typer.Argument(help="A folder for the pictures.")] = Path("sheets"),
    dataset: Dataset = "dataset",
    version: Annotated[str, typer.Option(help="Which one, such as 000001.")] = "latest",
    most: Annotated[int, typer.Option(min=1, help="So many clips on a sheet.")] = 40,
) -> None:
    """Draw contact sheets: clips with what became of them, and references with what was measured of each."""
    from actor18m.report.sheets import clips_sheet, references_sheet

    found = named(folder(dataset), version)
    out.mkdir(parents=True, exist_ok=True)
    for name, drawing in (("clips", clips_sheet), ("references", references_sheet)):
        if name == "references" and not (found / "metadata" / name).is_dir():
            continue
        count = drawing(found, out / f"{name}.png", most)
        typer.echo(f"{out / name}.png: {count} clips" if count else f"no {name} in {found}")


@app.command("gc")
def gc_command(
    store: StoreUrl = "store",
    dataset: Dataset = "dataset",
    keep: Annotated[int, typer.Option(min=1, help="Versions of the dataset to keep.")] = 3,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what would go, and remove nothing.")] = False,
) -> None:
    """Remove old versions of the dataset, and files of the store that a newer file covers. No measured row is lost."""
    verb = "would remove" if dry_run else "removed"
    for version in gc(dataset, keep, dry_run):
        typer.echo(f"{verb} {dataset}/{version}")
    opened = open_store(store)
    if dry_run:
        typer.echo(f"{verb} {len(_covered(opened))} files of {opened.url}")
        return
    with hold(opened) as lease:
        paths = _covered(opened)
        for path in paths:
            lease.delete(path)
    typer.echo(f"{verb} {len(paths)} files of {opened.url}")


def _covered(store: Store) -> list[str]:
    ledgers = {tuple(path.split("/")[1:3]) for path in store.names("ledger")}
    return [path for stage, fingerprint in sorted(ledgers) for path in superseded(Ledger(store, stage, fingerprint))]


def _lines(told: Any) -> list[str]:
    if isinstance(told, dict):
        return [f"{name}: {value}" for name, value in told.items()]
    return [" ".join(map(str, each.values())) if isinstance(each, dict) else str(each) for each in told]
