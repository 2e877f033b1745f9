"""`actor18m try`: one video through a stage and those that it needs, here and now. Nothing is kept."""

import json
from collections.abc import Mapping
from typing import Annotated

import typer

from actor18m.amounts import amount
from actor18m.cli.arguments import AsJson, Settings, pipeline_file
from actor18m.cli.build import Pipe, Profile
from actor18m.config.loading import load
from actor18m.errors import ActorError
from actor18m.inspecting import measured
from actor18m.stage import Failure, Row
from actor18m.terminal.say import say, say_json
from actor18m.traces import trace_of

app = typer.Typer()

_WIDTH = 160


@app.command("try")
def try_command(
    stage: Annotated[str, typer.Argument(metavar="STAGE", help="The last one to run; those that it needs run before.")],
    video: Annotated[str, typer.Argument(metavar="VIDEO", help="A file, or a URL.")],
    pipeline: Pipe = None,
    profile: Profile = "embedded",
    settings: Settings = None,
    as_json: AsJson = False,
) -> None:
    """Run a stage on one video in this process, and print its row and those before; or the traceback."""
    loaded = load(pipeline_file(pipeline or profile), settings)
    told: dict[str, object] = {}
    trouble: str | None = None
    try:
        for step, outcomes in measured(video, stage, loaded):
            of_clip = step.stage_class.of == "clips"
            rows = {outcome.key.partition("-")[2]: _told(outcome) for outcome in outcomes}
            told[step.name] = _told(outcomes[0]) if of_clip else rows
            trouble = next((f"{each.kind}: {each.message}" for each in outcomes if isinstance(each, Failure)), None)
            if not as_json:
                for outcome in outcomes:
                    _print(step.name if of_clip else f"{step.name} {outcome.key.partition('-')[2]}", outcome)
                if not outcomes:
                    say(f"{step.name}: no image is asked for")
    except ActorError:
        raise
    except Exception as error:
        for line in trace_of(error).splitlines():
            say(line, err=True)
        trouble = ""
    if as_json:
        say_json(told)
    if trouble is not None:
        if trouble:
            say(trouble, err=True)
        raise typer.Exit(1)


def _told(outcome: Row | Failure) -> object:
    if isinstance(outcome, Failure):
        return {"error_kind": outcome.kind, "error": outcome.message}
    return {name: _plain(value) for name, value in outcome.values.items()}


def _print(stage: str, outcome: Row | Failure) -> None:
    say(f"{stage}: {'failed' if isinstance(outcome, Failure) else 'ok'}")
    if isinstance(outcome, Row):
        for column, value in outcome.values.items():
            text = json.dumps(_plain(value), ensure_ascii=False)
            say(f"  {column}: {text if len(text) <= _WIDTH else f'{text[:_WIDTH]}…'}")
        _print_files("images", outcome.images)
        _print_files("restricted", outcome.restricted)


def _print_files(kind: str, files: Mapping[str, bytes]) -> None:
    for name, content in files.items():
        say(f"  {kind}/{name}: {amount(len(content), 'byte')}")


def _plain(value: object) -> object:
    """As JSON has it."""
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, dict):
        return {name: _plain(each) for name, each in value.items()}
    return value.hex() if isinstance(value, bytes) else value
