"""Arguments that several commands take."""

from pathlib import Path
from typing import Annotated

import typer

from actor18m.config import shipped
from actor18m.config.licensed import Licence
from actor18m.errors import ActorError


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
For = Annotated[
    Licence,
    typer.Option("--licence", help="commercial: refuse models that may not be used for money, and say what to decide."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON instead of text.")]
