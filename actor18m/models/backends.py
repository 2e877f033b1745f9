"""Which class a backend's name means, what its results depend on, and whether it can play a role.

A name is one of the model lock, such as `centerface`, or an import path of one's own, `module:Class`. A class needs
`load()` and, itself or as an attribute, what its role's protocol asks for; it is registered nowhere.
"""

import importlib
from typing import Any

from actor18m.errors import ActorError, instead_of
from actor18m.keys import digest
from actor18m.models.lock import Model, read_lock
from actor18m.traces import place_of


def load(name: str) -> Any:
    """The backend, ready to be asked. Its libraries are imported and its weights read here, not before."""
    return backend_class(name).load()


def describe(name: str) -> tuple[str, str]:
    """The name and a digest of all that its results depend on: its weights, or what its class says, and its version."""
    found = backend_class(name)
    version = getattr(found, "version", 1)
    if (model := read_lock().models.get(name)) is not None:
        return name, digest("weights", [file.sha256 for file in model.files], version)
    return name, str(getattr(found, "digest", digest("class", name, version)))


def backend_class(name: str) -> type[Any]:
    """Imports its module, which imports no model's library yet."""
    module, colon, attribute = name.partition(":")
    if colon:
        return _checked(name, getattr(_imported(name, module), attribute, None), f"{module} has no class {attribute}")
    models = read_lock().models
    if name not in models:
        raise ActorError(f"there is no backend {name}; {instead_of(name, models)}; one of your own is module:Class")
    return _of_lock(name, models[name])


def cannot_play(found: type[Any], role: type[Any]) -> str | None:
    """Why a class does not play the role, whose protocol names what stages ask for; None when it does."""
    asked = [*role.__annotations__, *(each for each in vars(role) if not each.startswith("_"))]
    lacking = sorted({each for each in asked if not hasattr(found, each)})
    return f"{found.__name__} is no {role.__name__}: it has no {', '.join(lacking)}" if lacking else None


def _of_lock(name: str, model: Model) -> type[Any]:
    """The one class of the model's module that names the model's files as its weights."""
    module = _imported(name, model.backend)
    files = {file.name for file in model.files}
    for each in vars(module).values():
        if isinstance(each, type) and each.__module__ == model.backend and set(getattr(each, "weights", ())) == files:
            return _checked(name, each, "")
    raise ActorError(f"backend {name}: {model.backend} has no class whose weights are {', '.join(sorted(files))}")


def _imported(name: str, module: str) -> Any:
    try:
        return importlib.import_module(module)
    except (ImportError, SyntaxError) as error:
        raise ActorError(
            f"backend {name}: {module} cannot be imported ({error}); is its folder on PYTHONPATH?"
        ) from error
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error} at {place_of(error)}"
        raise ActorError(f"backend {name}: {module} cannot be imported ({cause}); mend it") from error


def _checked(name: str, found: object, otherwise: str) -> type[Any]:
    if not isinstance(found, type):
        raise ActorError(f"backend {name}: {otherwise}")
    if not callable(getattr(found, "load", None)):
        raise ActorError(f"backend {name}: {found.__name__} has no load(), which makes one that can be asked")
    return found
