"""Arguments that several commands take."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from actor18m import shipped
from actor18m.errors import ActorError
from actor18m.pipeline import Pipeline, load_pipeline


def pipeline_file(text: str) -> Path:
    """What is no pipeline is wrong usage."""
    try:
        return shipped.find_pipeline(text)
    except ActorError as error:
        raise typer.BadParameter(str(error)) from error


PipelineFile = Annotated[
    Path, typer.Argument(parser=pipeline_file, metavar="PIPELINE", help="A YAML file, or a shipped pipeline's name.")
]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="STAGE.NAME=VALUE", help="Another bound or parameter; may be repeated."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]


def load(file: Path, settings: Sequence[str] | None) -> Pipeline:
    """The file's pipeline; its stages may be modules of the project that the file belongs to."""
    put_on_path(file)
    return load_pipeline(file, settings or ())


def put_on_path(file: Path) -> list[str]:
    """The folders that stages are imported from besides what is installed: the file's project, and where the command
    is run. Workers need them too.
    """
    folders = [Path.cwd()]
    home = file.resolve().parent
    if home != shipped.folder().resolve():
        folders.insert(0, home.parent if home.name == "pipelines" else home)
    wanted = list(dict.fromkeys(map(str, folders)))
    sys.path[:0] = [each for each in wanted if each not in sys.path]
    return wanted
