"""`actor18m preflight`: what a pipeline's models and stages take here, and how the machine is shared out by that."""

from pathlib import Path
from typing import Annotated

import typer

from actor18m.cli.arguments import AsJson, PipelineFile, Settings
from actor18m.cli.preflight_story import found_as_json, print_found
from actor18m.config import shipped
from actor18m.config.loading import load
from actor18m.doctor.models import pipeline as looked_at
from actor18m.errors import ActorError
from actor18m.preflight.device import machine
from actor18m.preflight.measuring import SampleRun, all_backends
from actor18m.preflight.pool_plan import fitting_shares, pool_plan
from actor18m.preflight.written import Found, pools_yaml
from actor18m.preflight.written_rates import measured_rates
from actor18m.samples.shipped import SHIPPED
from actor18m.survey.assumed import rates_file
from actor18m.survey.assumed_price import by_name
from actor18m.survey.chain import chain_of
from actor18m.terminal.say import say, say_json

app = typer.Typer()

_CLIPS = "turn_standing_1", "talk_yaw_1", "half_turn_1"
_MOST_AT_ONCE = 64


@app.command("preflight")
def preflight(
    file: PipelineFile,
    settings: Settings = None,
    clips: Annotated[
        list[str] | None, typer.Option("--clip", metavar="VIDEO", help="Measure over this one; may be repeated.")
    ] = None,
    seconds: Annotated[float, typer.Option(min=0.1, help="How long each backend and stage is looked at.")] = 3.0,
    nodes: Annotated[int, typer.Option(min=1, help="Plan for so many machines like this one.")] = 1,
    assume: Annotated[
        Path, typer.Option(metavar="FILE", help="How many clips pass and images are asked for, as of plan.")
    ] = Path("rates"),
    write: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the pools here, for `extends: [PIPELINE, FILE]`.")
    ] = None,
    rates: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write rates here, for `plan PIPELINE --assume FILE`.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Measure memory and speed of a pipeline's models and stages on this machine, over sample clips, and plan how many
    workers each stage should have."""
    pipeline, here, assumed = load(file, settings), machine(), rates_file(assume)
    # whatever is wrong with what was asked is told before minutes of measuring
    fitting_shares(pipeline, chain_of(pipeline, describe=by_name), assumed)
    for target in (write, rates):
        if target is not None and not target.resolve().parent.is_dir():
            raise ActorError(f"{target} cannot be written: there is no folder {target.parent}. Name another place.")
    videos = clips or [str(SHIPPED / f"{name}.mp4") for name in _CLIPS]

    def about(what: str) -> None:
        say(f"measuring {what} …", err=True)

    gpu = here.gpu
    backends = all_backends(pipeline, _MOST_AT_ONCE, seconds, gpu, about)
    runs = list(SampleRun(pipeline, videos, seconds, gpu).stages(about))
    plan = pool_plan(pipeline, runs, here, nodes, assumed)
    name = file.stem if file.parent.resolve() == shipped.folder().resolve() else str(file)
    found = Found(name, here, videos, backends, runs, plan)
    measured = measured_rates(found, pipeline, assumed)
    for target, content in ((write, pools_yaml(found)), (rates, measured.text)):
        if target is not None:
            target.write_text(content, encoding="utf-8")
    if as_json:
        say_json(found_as_json(found))
        return
    print_found(found)
    for check in looked_at(file):
        if check.state == "fail" and check.fix:
            say(f"{check.name}: {check.fix}")
    if write is not None:
        say(f"{write}: extend it, `extends: [{name}, {write}]`, and build with that")
    if rates is not None:
        lacking = ", ".join(measured.lacking)
        put_in = f"lacks {lacking}, of which nothing is known: put in its `seconds`, then " if lacking else ""
        say(f"{rates}: {put_in}actor18m plan {name} --assume {rates}")
