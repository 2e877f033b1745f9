"""`actor18m calibrate`: where a judge's bound should lie."""

from pathlib import Path
from typing import Annotated

import typer

from actor18m.amounts import amount
from actor18m.cli.arguments import AsJson, Settings
from actor18m.cli.build import Pipe, Profile, StoreUrl, project_of
from actor18m.errors import ActorError, WrongUsage, instead_of
from actor18m.report.curve import as_svg, as_text
from actor18m.stage import KnownPairs
from actor18m.storage.store import open_store
from actor18m.survey.calibrating import Calibration, calibrated
from actor18m.survey.known_pairs import judged
from actor18m.terminal.say import Grid, console, say, say_json

app = typer.Typer()

_EVERY = 5
"""Of the points that are drawn, so many-th ones are in the table."""


@app.command("calibrate")
def calibrate_command(
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    store: StoreUrl = "store",
    settings: Settings = None,
    stage: Annotated[str, typer.Option(help="The stage that judges.")] = "judge",
    false_accepts: Annotated[
        float, typer.Option(min=0, max=1, help="The share of pairs that differ which may be accepted.")
    ] = 0.05,
    draw: Annotated[Path | None, typer.Option(dir_okay=False, help="An SVG file to draw the curve into.")] = None,
    as_json: AsJson = False,
) -> None:
    """Choose a judge's bound by what it answered about pairs that are known to differ, and draw the curve. Runs no
    model.
    """
    record = project_of(pipeline or profile, open_store(store), settings, None).record()
    found = judged(record)
    if stage not in found:
        raise WrongUsage(f"no stage {stage} is put to the test by pairs that differ; {instead_of(stage, found)}")
    calibration = calibrated(found[stage], false_accepts)
    if draw is not None:
        _write(draw, as_svg(calibration))
    if as_json:
        say_json(calibration.told())
        return
    of = record.links[stage].stage_class.known_pairs
    assert of is not None
    _print(calibration, stage, of)


def _print(found: Calibration, stage: str, of: KnownPairs) -> None:
    table = Grid("bound", "pairs that differ, accepted", "images kept")
    for number, point in enumerate(found.points):
        if number % _EVERY == 0 or point is found.chosen:
            table.add_row(f"{point.bound:.2f}", f"{100 * point.accepted:.1f}%", f"{100 * point.kept:.1f}%")
    console().print(table)
    for line in as_text(found):
        say(line)
    counted = f"{amount(found.pairs, 'pair')} that differ, {amount(found.images, 'image')}"
    if found.chosen is None:
        say(f"{counted}: no bound accepts as few as {100 * found.target:g}% of the pairs.")
        return
    chosen, so_few = found.chosen, f"so few leave up to {100 * found.at_most:.1f}% possible"
    say(f"{counted}.")
    say(f"From {chosen.bound:g} on {100 * chosen.accepted:.1f}% of the pairs are accepted ({so_few}),")
    say(f"and {100 * chosen.kept:.1f}% of the images are kept.")
    if found.at_most > found.target:
        say(f"That is no evidence for {100 * found.target:g}% yet: judge more pairs first (`known_pairs`).")
    say("As a rule, which measures nothing again:")
    say("policy:")
    say(f"  {stage}:")
    say("    agreement:")
    say("      value: >-")
    say(f"        case when {of.verdict} = '{of.accepts}' then {of.confidence}")
    say(f"        else 1 - {of.confidence} end")
    say(f"      at_least: {chosen.bound:g}")


def _write(path: Path, text: str) -> None:
    try:
        path.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ActorError(f"the curve cannot be written to {path}: {error.strerror}") from error
