"""Libraries that only some backends need, imported when one of them is loaded."""

import importlib
from types import ModuleType

from actor18m.errors import ActorError


def library(module: str, package: str) -> ModuleType:
    """The imported module, or an error that says what to install."""
    try:
        return importlib.import_module(module)
    except ImportError as error:
        raise ActorError(f"{module} cannot be loaded ({error}): install {package}") from error
