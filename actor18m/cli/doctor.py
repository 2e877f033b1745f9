"""`actor18m doctor`: what a build needs of this machine, and how to get it."""

import sys
import textwrap
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.text import Text

from actor18m.cli.arguments import AsJson, pipeline_file
from actor18m.config.loading import put_on_path
from actor18m.doctor.check import Check, State
from actor18m.doctor.examine import examine
from actor18m.log import printable
from actor18m.terminal.say import console, say_json

app = typer.Typer()
_COLOUR: dict[State, str] = {"ok": "green", "warn": "yellow", "fail": "red"}


@app.command("doctor")
def doctor(
    store: Annotated[str | None, typer.Option(metavar="URL", help="Where builds will keep their state.")] = None,
    dataset: Annotated[str | None, typer.Option(metavar="URL", help="Where datasets will be published.")] = None,
    pipeline: Annotated[
        Path | None, typer.Option(parser=pipeline_file, metavar="PIPELINE", help="Look at what this one needs.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Check this machine before a build, and say what to mend; exit code 1 if a build could not run."""
    if pipeline:
        put_on_path(pipeline)
    checks = examine(store, dataset, pipeline)
    if as_json:
        say_json([asdict(check) for check in checks])
    else:
        _print(checks)
    raise typer.Exit(1 if any(check.state == "fail" for check in checks) else 0)


def _print(checks: list[Check]) -> None:
    screen = console(wide=sys.maxsize)
    name_width = max(len(check.name) for check in checks)
    indent = len(f"fail  {'':{name_width}}  ")
    room = max(screen.width - indent, 20)
    for check in checks:
        text = Text.assemble((f"{check.state:4}", _COLOUR[check.state]), f"  {check.name:{name_width}}  ")
        told = [(line, "") for line in _lines(check.found, room)]
        told += [(line, "bold") for line in _lines(f"to do: {check.fix}", room)] if check.fix else []
        for number, (line, style) in enumerate(told):
            text.append("\n" + " " * indent if number else "").append(line, style)
        screen.print(text, soft_wrap=True)
    counts = Counter(check.state for check in checks)
    screen.print(", ".join(f"{counts[state]} {state}" for state in _COLOUR if counts[state]), highlight=False)


def _lines(text: str, room: int) -> list[str]:
    lines = map(printable, text.splitlines())
    return [part for line in lines for part in textwrap.wrap(line, room, break_on_hyphens=False)]
