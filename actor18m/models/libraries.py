"""Libraries that only some backends need, imported when one of them is loaded."""

import importlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from types import ModuleType

from actor18m.errors import ActorError

_SHOW_BARS = ("transformers", "diffusers")
"""They draw bars of their own while they read weights, which would tear the build's."""


def extra(name: str) -> str:
    """The line that installs an extra: actor18m is on no package index, so a name alone might bring somebody else's."""
    return f'in a checkout of actor18m: pip install -c constraints.txt ".[{name}]"'


def library(module: str, package: str) -> ModuleType:
    """The imported module, or an error that says what to install."""
    try:
        found = importlib.import_module(module)
    except ImportError as error:
        raise ActorError(f"{module} cannot be loaded ({error}): install {package}") from error
    if module in _SHOW_BARS:
        found.utils.logging.disable_progress_bar()
    return found


@contextmanager
def hushed() -> Iterator[None]:
    """Keeps what a library's native code says out of the terminal, where it would tear the progress display. Native
    code writes to the descriptor itself; what is wrong comes as an exception all the same.
    """
    kept = os.dup(2)
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(kept, 2)
        os.close(nowhere)
        os.close(kept)
