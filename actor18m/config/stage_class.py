"""A stage's class by its import path, and what is wrong with it, told as validators tell it."""

import importlib
import sys
from typing import Any

from actor18m.errors import instead_of
from actor18m.stage import Stage
from actor18m.traces import place_of
from actor18m.yaml_file import trouble

_SAYS = {
    "version": "write `version = 1`, and raise it whenever it would measure something else",
    "writes": 'write `writes = schema("its_name", column=float32())`',
}
"""What a stage must have."""
_imported: dict[str, type[Stage[Any]]] = {}
"""Stages' classes by import path, as they were when they were imported last."""


def imported(path: str) -> type[Stage[Any]]:
    """A stage's class; what is wrong with it is told as validators tell it. It is asked for by each clip that is handed
    out, so one that was found before is only looked at again where its module has another one now.
    """
    module, _, name = path.partition(":")
    known = _imported.get(path)
    if known is not None and getattr(sys.modules.get(module), name, None) == known:
        return known
    if not module or not name:
        raise trouble(f"{path} is no import path; write module:Class, such as stages.identity:Identity")
    try:
        loaded = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name and f"{module}.".startswith(f"{error.name}."):
            raise trouble(f"{path}: there is no module {error.name}; is its folder on PYTHONPATH?") from error
        raise trouble(f"{path} needs the library {error.name}, which is not installed") from error
    except (ImportError, SyntaxError) as error:
        raise trouble(f"{path} cannot be imported: {error}") from error
    except (Exception, SystemExit) as error:
        raise trouble(f"{path} cannot be imported: {type(error).__name__}: {error} (at {place_of(error)})") from error
    found = getattr(loaded, name, None)
    if found is None:
        there = [each for each, kind in vars(loaded).items() if isinstance(kind, type) and issubclass(kind, Stage)]
        raise trouble(f"{module} has no {name}; {instead_of(name, there)}")
    if not (isinstance(found, type) and issubclass(found, Stage)):
        raise trouble(f"{path} is no stage: it is not a subclass of actor18m.stage.Stage")
    if lacking := [f"`{each}` ({how})" for each, how in _SAYS.items() if not hasattr(found, each)]:
        raise trouble(f"{path} does not say {' and '.join(lacking)}")
    _imported[path] = found
    return found
