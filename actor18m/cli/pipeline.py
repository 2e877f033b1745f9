"""`actor18m init`, `validate` and `render`: a pipeline's file, before anything is built with it."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

from actor18m.cli.arguments import AsJson, For, PipelineFile, Settings
from actor18m.config import licensed
from actor18m.config.licensed import Licence
from actor18m.config.loading import load
from actor18m.config.pipeline import Pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.config.unread import unread
from actor18m.errors import ActorError
from actor18m.log import printable
from actor18m.terminal.say import say, say_json, say_lines

app = typer.Typer()

_HEAD = """\
# A pipeline of actor18m: which stages measure a clip, with which models, and what is decided by their numbers.
#
#   actor18m validate {file}
#   actor18m render {file}       the same with every default
#   actor18m doctor --pipeline {file}
#
# Changing a bound under `policy` measures nothing again. Changing a parameter or a backend under `stages` measures
# that stage again, and what was made from its values.

"""


@app.command("init")
def init_pipeline(
    file: Annotated[Path, typer.Argument(dir_okay=False, help="The file to write.")] = Path("pipeline.yaml"),
    force: Annotated[bool, typer.Option("--force", help="Replace the file if it is there.")] = False,
) -> None:
    """Write a commented pipeline to start from: small real models that run on a CPU."""
    text = _HEAD.format(file=shlex.quote(printable(str(file)))) + find_pipeline("embedded").read_text(encoding="utf-8")
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        with file.open("w" if force else "x", encoding="utf-8") as out:
            out.write(text)
    except OSError as error:
        if isinstance(error, FileExistsError) and file.exists():
            raise ActorError(f"{file} is there already. Name another file, or replace it with --force.") from error
        raise ActorError(f"{file} cannot be written ({error.strerror}). Name another place.") from error
    say(f"wrote {file}; `actor18m validate {file}` checks it after your changes")


@app.command("validate")
def validate_pipeline(
    file: PipelineFile, settings: Settings = None, licence: For = Licence.any, as_json: AsJson = False
) -> None:
    """Check a pipeline, and name everything that is wrong with it. It imports the stages that the pipeline names: a
    pipeline is code, so check only those that you would run."""
    try:
        pipeline = load(file, settings)
        to_decide = licensed.check(pipeline, licence)
    except ActorError as error:
        if not as_json:
            raise
        say_json({"file": str(file), "ok": False, "problems": str(error).splitlines()})
        raise typer.Exit(1) from error
    notes = [*unread(pipeline), *to_decide]
    if as_json:
        say_json({"file": str(file), "ok": True, "problems": [], "notes": notes})
        return
    say(f"{file}: ok: {_contents(pipeline)}")
    for note in notes:
        say(f"note: {note}")


@app.command("render")
def render_pipeline(file: PipelineFile, settings: Settings = None) -> None:
    """Print a pipeline with everything filled in, as a dataset built with it carries it."""
    say_lines(load(file, settings).render())


def _contents(pipeline: Pipeline) -> str:
    rules = sum(map(len, pipeline.policy.values()))
    stages, subsets = pipeline.stage_names, list(pipeline.subsets)
    return ", ".join(
        [
            f"{_counted(len(stages), 'stage')} ({', '.join(stages)})",
            _counted(rules, "rule"),
            _counted(len(subsets), "subset") + (f" ({', '.join(subsets)})" if subsets else ""),
        ]
    )


def _counted(count: int, what: str) -> str:
    return f"{count} {what}{'' if count == 1 else 's'}"
