"""A pipeline's file with settings, and the modules of the project that it belongs to."""

import sys
from collections.abc import Sequence
from pathlib import Path

from actor18m.config import shipped
from actor18m.config.pipeline import Pipeline, load_pipeline


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
