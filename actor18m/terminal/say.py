"""What commands print: the one way to the terminal, by which nothing leaves with a secret or steers the terminal.

Names of files and columns of lists can hold anything: escape sequences, links, marks that turn the direction of text.
"""

import json
from collections.abc import Iterable
from typing import IO, Any

import typer
from rich import box
from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.table import Column, Table
from rich.text import Text

from actor18m.log import printable
from actor18m.redact import redact, redacted

_WIDE = 160
"""A pipe or a log has no width to keep to."""


def say(line: str = "", *, err: bool = False) -> None:
    """Prints one line: a line break in it is spelt out like whatever else could pass for something of ours."""
    typer.echo(one_line(line), err=err)


def say_lines(text: str) -> None:
    """Prints text that is ours, with the line breaks that it has and none after it."""
    typer.echo(clean(text), nl=False)


def say_json(value: object) -> None:
    """Prints JSON in ASCII, so that no text in it reaches the terminal as it is."""
    typer.echo(json.dumps(redacted(value), indent=2))


def one_line(text: str) -> str:
    """As it may be shown; twice gives the same."""
    return printable(redact(text))


def clean(text: str) -> str:
    """Of several lines, each as it may be shown."""
    return "\n".join(map(printable, redact(text).split("\n")))


class Grid(Table):
    """A table whose cells are plain text: what looks like markup in them is none."""

    def __init__(self, *headings: Column | str, **options: Any) -> None:
        super().__init__(*headings, **{"box": box.SIMPLE_HEAD, "pad_edge": False, **options})

    def add_row(self, *cells: RenderableType | None, **options: Any) -> None:
        plain = (Text(one_line(cell)) if isinstance(cell, str) else cell for cell in cells)
        super().add_row(*plain, **options)


class Terminal(Console):
    """Spells out what would steer the terminal in whatever is printed on it; its own styles and movements stay."""

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        for segment in super().render(renderable, options):
            if segment.control or segment.text.isprintable():
                yield segment
            else:
                spelt = "\n".join(map(printable, segment.text.split("\n")))
                yield Segment(spelt, segment.style)


def console(file: IO[str] | None = None, *, err: bool = False, wide: int = _WIDE, **options: Any) -> Terminal:
    """As wide as the terminal; `wide` where there is none."""
    found = Terminal(file=file, stderr=err, **options)
    return found if found.is_terminal else Terminal(file=file, stderr=err, width=wide, **options)
