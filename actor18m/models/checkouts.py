"""Code that is on no package index: a module in a folder that the user has, such as a checkout."""

import importlib
import importlib.util
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from actor18m.errors import ActorError

Look = tuple[Literal["ok", "fail"], str, str]
"""Whether it is here, what is there, and what to do."""


@dataclass(frozen=True)
class Code:
    called: str
    module: str
    """Such as `cotracker.predictor`; the folder `cotracker` lies in the checkout."""
    to_do: str
    """How it is had."""

    @property
    def package(self) -> str:
        return self.module.partition(".")[0]

    def imported(self, checkout: str | None) -> Any:
        """The module of the checkout where one is named, else one that is installed."""
        folder = _folder(checkout)
        if folder is not None and not (folder / self._file).is_file():
            raise ActorError(f"{folder} is no checkout of {self.called}: it has no {self._file}")
        try:
            with _first_on_path(folder):
                found = importlib.import_module(self.module)
        except ImportError as error:
            raise ActorError(
                f"{self.called} cannot be loaded ({error}). It is on no package index: {self.to_do}"
            ) from error
        at = Path(str(found.__file__)).resolve()
        if folder is not None and folder not in at.parents:
            raise ActorError(
                f"{self.called} was loaded from {at} before, and not from the checkout {folder}: name one of them"
            )
        return found

    def look(self, checkout: str | None) -> Look:
        """For who looks before a build."""
        folder = _folder(checkout)
        if folder is None:
            is_there = importlib.util.find_spec(self.package) is not None
            return ("ok", "is installed", "") if is_there else ("fail", "no `checkout` is named", self.to_do)
        is_there = (folder / self._file).is_file()
        return ("ok", f"in {folder}", "") if is_there else ("fail", f"{folder} has no {self._file}", self.to_do)

    @property
    def _file(self) -> str:
        return f"{self.module.replace('.', '/')}.py"


def _folder(checkout: str | None) -> Path | None:
    return Path(checkout).expanduser().resolve() if checkout else None


@contextmanager
def _first_on_path(folder: Path | None) -> Iterator[None]:
    if folder is None:
        yield
        return
    sys.path.insert(0, str(folder))
    try:
        yield
    finally:
        sys.path.remove(str(folder))
