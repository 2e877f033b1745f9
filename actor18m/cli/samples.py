"""`actor18m samples`: short clips of digital actors whose truth is known."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text

from actor18m.amounts import amount
from actor18m.samples.sheet import contact_sheet
from actor18m.samples.shipped import ShippedClip, copy_clips, find_clips
from actor18m.samples.truth import Truth
from actor18m.terminal.say import Grid, console, say, say_json

app = typer.Typer(name="samples", help="Short clips of digital actors whose truth is known.", no_args_is_help=True)

_WIDE = 100
"""From so many columns on, a table tells more of each clip."""


@app.command("list")
def list_samples(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """What each shipped clip shows, and what a right pipeline decides about it."""
    clips = [(clip, Truth.read(clip.truth)) for clip in find_clips()]
    if as_json:
        say_json([_row(clip, truth) for clip, truth in clips])
    else:
        _print_table(clips)


@app.command("copy")
def copy_samples(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="Made if it is not there.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ.")] = False,
) -> None:
    """Copy the shipped clips and their truth to a folder."""
    clips = find_clips()
    written = copy_clips(clips, folder, force=force)
    there = 2 * len(clips) - written
    say(f"{amount(len(clips), 'clip')} in {folder}: {amount(written, 'file')} written, {there} already there")


@app.command("sheet")
def draw_sheet(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A folder of clips.")],
    out: Annotated[Path, typer.Argument(metavar="PNG", dir_okay=False, help="The picture to write.")],
) -> None:
    """Draw a contact sheet of a folder of clips."""
    contact_sheet(folder, out)


def _row(clip: ShippedClip, truth: Truth) -> dict[str, object]:
    return {
        "name": clip.name,
        "script": truth.script,
        "seed": truth.seed,
        "duration_s": truth.duration_s,
        "frame_count": truth.frame_count,
        "fps": truth.fps,
        "width": truth.width,
        "height": truth.height,
        "rotation": truth.rotation,
        "identities": [actor.identity for actor in truth.actors],
        "state": truth.expected.state,
        "rules": truth.expected.rules,
        "why": truth.expected.why,
        "size_bytes": clip.size_bytes,
        "video": str(clip.video),
        "truth": str(clip.truth),
    }


def _print_table(clips: list[tuple[ShippedClip, Truth]]) -> None:
    colour = {"accepted": "green", "rejected": "red", "failed": "red", "duplicate": "yellow"}
    screen = console(wide=200)
    is_wide = screen.width >= _WIDE
    headings = [Column("clip", no_wrap=True), Column("s", justify="right")]
    headings += [Column("size", justify="right"), Column("fps", justify="right")] if is_wide else []
    table = Grid(*headings, "people", "expected", "by the rule")
    for clip, truth in clips:
        state = truth.expected.state
        people = [actor.identity.removeprefix("actor-") for actor in truth.actors]
        table.add_row(
            clip.name,
            f"{truth.duration_s:.1f}",
            *([f"{truth.width}×{truth.height}", f"{truth.fps:.4g}"] if is_wide else []),
            Text("\n".join(people) or "nobody"),
            Text(state, colour[state]),
            Text(" or\n".join(truth.expected.rules)),
        )
    screen.print(table)
    seconds = sum(truth.duration_s for _, truth in clips)
    mib = sum(clip.size_bytes for clip, _ in clips) / 2**20
    screen.print(f"{amount(len(clips), 'clip')}, {seconds:.0f} s, {mib:.1f} MiB", highlight=False)
