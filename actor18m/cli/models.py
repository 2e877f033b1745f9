"""`actor18m models`: which weights there are, fetching and checking them."""

from collections import Counter
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text

from actor18m.amounts import amount
from actor18m.models.lock import read_lock
from actor18m.models.weights import folder, pull, verify
from actor18m.terminal.say import Grid, console, say, say_json

app = typer.Typer(name="models", help="Model weights: list, fetch and check them.", no_args_is_help=True)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


@app.command("list")
def list_models(as_json: AsJson = False) -> None:
    """Models, their licences, and which of their files are here."""
    lock = read_lock()
    states = verify(lock)
    if as_json:
        rows = {name: model.model_dump() | {"state": {f.name: states[f.name] for f in model.files}}
                for name, model in lock.models.items()}  # fmt: skip
        say_json({"folder": str(folder()), "models": rows})
        return
    table = Grid(Column("model", no_wrap=True))
    table.add_column("MB", justify="right", no_wrap=True)
    for heading in ("here", "code", "weights"):
        table.add_column(heading, no_wrap=True)
    table.add_column("plays")
    for name, model in lock.models.items():
        size = sum(file.size for file in model.files)
        here = Counter(states[file.name] for file in model.files)
        said = "ok" if set(here) == {"ok"} else ", ".join(f"{count} {state}" for state, count in here.items())
        table.add_row(
            name, f"{size / 1e6:.1f}", said, model.code.licence, model.weights.licence, _gives_way(model.role)
        )
    console().print(table)
    say(f"in {folder()}; --json tells of each file")


def _gives_way(text: str) -> Text:
    """Where the terminal is narrow this is cut short, and nothing else."""
    return Text(text, no_wrap=True, overflow="ellipsis")


@app.command("pull")
def pull_models(
    names: Annotated[list[str] | None, typer.Argument(help="Models; all when none is named.")] = None,
) -> None:
    """Fetch the weights that are not here yet."""
    written = pull(names, say=say)
    say(f"{amount(len(written), 'file')} fetched, {len(read_lock().files(names))} in place in {folder()}")


@app.command("verify")
def verify_models(as_json: AsJson = False) -> None:
    """Check size and digest of every file; exit code 1 if one is missing or corrupt."""
    states = verify()
    if as_json:
        say_json({"folder": str(folder()), "files": states})
    else:
        for name, state in states.items():
            say(f"{state:8} {name}")
        if any(state != "ok" for state in states.values()):
            say("run `actor18m models pull`")
    raise typer.Exit(0 if all(state == "ok" for state in states.values()) else 1)
