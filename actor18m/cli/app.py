"""The commands. They parse, call and print; what they do is in the modules they call."""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Column
from rich.text import Text
from typer.core import TyperGroup

from actor18m import __version__, unexpected
from actor18m.amounts import amount
from actor18m.cli.build import INTERRUPTED
from actor18m.cli.build import app as build_app
from actor18m.cli.dataset import app as dataset_app
from actor18m.cli.doctor import app as doctor_app
from actor18m.cli.models import app as models_app
from actor18m.cli.pipeline import app as pipeline_app
from actor18m.cli.questions import app as question_app
from actor18m.cli.try_stage import app as try_app
from actor18m.cli.verify import app as verify_app
from actor18m.cli.words import app as word_app
from actor18m.errors import ActorError, WrongUsage
from actor18m.log import guard
from actor18m.samples.sheet import contact_sheet
from actor18m.samples.shipped import Clip, copy_clips, find_clips
from actor18m.samples.truth import Truth
from actor18m.terminal.say import Grid, clean, console, say, say_json

_WIDE = 100
"""From so many columns on, a table tells more of each clip."""


class Commands(TyperGroup):
    """An ActorError ends any command with one red paragraph and exit code 1; a wrong call ends with 2, as is usual,
    also where only the pipeline or the dataset can tell that it is wrong."""

    def invoke(self, ctx: typer.Context) -> object:  # type: ignore[override]
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            say("Stopped.", err=True)
            raise typer.Exit(INTERRUPTED) from None
        except ActorError as error:
            console(err=True).print(Text(clean(str(error)), "red"), highlight=False, soft_wrap=True)
            raise typer.Exit(2 if isinstance(error, WrongUsage) else 1) from error
        except (typer.Exit, typer.Abort, BrokenPipeError):
            raise
        except Exception as error:
            # What has an exit code is a wrong call, which Typer tells itself.
            if hasattr(error, "exit_code") or unexpected.wants_traceback():
                raise
            console(err=True).print(Text(clean(unexpected.told(error)), "red"), highlight=False, soft_wrap=True)
            raise typer.Exit(1) from None


app = typer.Typer(cls=Commands, no_args_is_help=True, add_completion=False, pretty_exceptions_show_locals=False)
samples_app = typer.Typer(help="Short clips of digital actors whose truth is known.", no_args_is_help=True)
app.add_typer(samples_app, name="samples")
app.add_typer(models_app, name="models")
app.add_typer(build_app)
app.add_typer(question_app)
app.add_typer(word_app)
app.add_typer(dataset_app)
app.add_typer(pipeline_app)
app.add_typer(doctor_app)
app.add_typer(try_app)
app.add_typer(verify_app)


def _print_version(asked: bool) -> None:
    if asked:
        say(__version__)
        raise typer.Exit


@app.callback()
def main(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Build identity-consistent, multi-view reference datasets from raw human videos."""
    guard()


@samples_app.command("list")
def list_samples(
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")] = False,
) -> None:
    """What each shipped clip shows, and what a right pipeline decides about it."""
    clips = [(clip, Truth.read(clip.truth)) for clip in find_clips()]
    if as_json:
        say_json([_row(clip, truth) for clip, truth in clips])
    else:
        _print_table(clips)


@samples_app.command("copy")
def copy_samples(
    folder: Annotated[Path, typer.Argument(metavar="DIR", file_okay=False, help="Made if it is not there.")],
    force: Annotated[bool, typer.Option("--force", help="Replace files that differ.")] = False,
) -> None:
    """Copy the shipped clips and their truth to a folder."""
    clips = find_clips()
    written = copy_clips(clips, folder, force=force)
    there = 2 * len(clips) - written
    say(f"{amount(len(clips), 'clip')} in {folder}: {amount(written, 'file')} written, {there} already there")


@samples_app.command("sheet")
def draw_sheet(
    folder: Annotated[Path, typer.Argument(metavar="DIR", exists=True, file_okay=False, help="A folder of clips.")],
    out: Annotated[Path, typer.Argument(metavar="PNG", dir_okay=False, help="The picture to write.")],
) -> None:
    """Draw a contact sheet of a folder of clips."""
    contact_sheet(folder, out)


def _row(clip: Clip, truth: Truth) -> dict[str, object]:
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


def _print_table(clips: list[tuple[Clip, Truth]]) -> None:
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
