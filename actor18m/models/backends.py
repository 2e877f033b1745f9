"""Which class a backend's name means, what its results depend on, and whether it can play a role.

A name is one of the model lock, such as `centerface`, one of those without weights, such as `lucas-kanade`, or an
import path of one's own, `module:Class`. A class needs `load()` and, itself or as an attribute, what its role's
protocol asks for; it is registered nowhere. Where it has `parameters`, `load` is given them. Where it has `close()`,
that is called when nobody needs what was loaded any more.
"""

import importlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any, Self

from pydantic import (
    ModelWrapValidatorHandler,
    SerializationInfo,
    SerializeAsAny,
    StringConstraints,
    ValidationError,
    model_serializer,
    model_validator,
)

from actor18m.errors import ActorError, instead_of
from actor18m.keys import digest
from actor18m.models.lock import Model, WeightFile, read_lock
from actor18m.models.parameters import BackendParameters
from actor18m.models.snapshots import Pinned, pins_of, snapshot_of
from actor18m.traces import place_of
from actor18m.yaml_file import Section, problems_of, trouble, troubles

WEIGHTLESS = {
    "lucas-kanade": "actor18m.models.lucas_kanade:LucasKanade",
    "mesh-parsing": "actor18m.models.mesh_parsing:MeshParsing",
    "blendshape-expression": "actor18m.models.blendshape_expression:BlendshapeExpression",
    "openai-chat": "actor18m.models.openai_chat:OpenAIChat",
    "gemini-image": "actor18m.models.gemini_image:GeminiImage",
}
"""Backends that ship and are in no lock, since there is nothing to fetch. By these names they are in fingerprints, so
that their files may move."""
ONLY_WHAT_COUNTS = "only what counts"
"""In the context of a dump: parameters without effect on results are left out of it."""

Name = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z_][A-Za-z0-9_]*)?$")]


class Backend(Section):
    """Who plays a role: in YAML a name, or a mapping of `backend` and of parameters that its class takes."""

    name: Name
    parameters: SerializeAsAny[BackendParameters] = BackendParameters()

    @model_validator(mode="wrap")
    @classmethod
    def _is_a_name_or_has_parameters(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        if isinstance(given, cls):
            return given
        if isinstance(given, str):
            given = {"backend": given}
        if not isinstance(given, Mapping) or not isinstance(given.get("backend"), str):
            raise trouble(f"must be a backend's name, or a mapping with `backend` and its parameters, not {given!r}")
        name = given["backend"]
        told = {key: value for key, value in given.items() if key != "backend"}
        return read({"name": name, "parameters": _read_parameters(name, told)})

    @model_serializer(mode="plain")
    def _as_it_is_written(self, info: SerializationInfo) -> str | dict[str, Any]:
        is_brief = info.context is not None and ONLY_WHAT_COUNTS in info.context
        told = self.parameters.that_count() if is_brief else self.parameters.model_dump(mode="json")
        return {"backend": self.name, **told} if told else self.name

    def loaded(self) -> Any:
        return load(self.name, self.parameters)

    def described(self) -> tuple[str, str]:
        return describe(self.name, self.parameters)


def load(name: str, parameters: BackendParameters | None = None) -> Any:
    """The backend, ready to be asked. Its libraries are imported and its weights read here, not before."""
    found = backend_class(name)
    taken, model = parameters_of(found), read_lock().models.get(name)
    given = [snapshot_of(name)] if model is not None and model.snapshot else []
    return found.load(*given) if taken is None else found.load(*given, parameters or taken)


def describe(name: str, parameters: BackendParameters | None = None) -> tuple[str, str]:
    """The name and a digest of all that its results depend on: its weights, or what its class says, its version, and
    those of its parameters that count."""
    found = backend_class(name)
    version = getattr(found, "version", 1)
    taken = parameters_of(found)
    given = None if taken is None else parameters or taken
    if name in read_lock().models:
        adapters = () if given is None else given.adapters
        pinned = [file for each in (name, *adapters) for file in _pinned(each)]
        own = digest("weights", [file.sha256 for file in pinned], version)
    else:
        own = str(getattr(found, "digest", digest("class", name, version)))
    told = {} if given is None else given.that_count()
    return name, digest("parameters", own, told) if told else own


def _pinned(name: str) -> Sequence[WeightFile | Pinned]:
    model = read_lock().models[name]
    return [*pins_of(name).files.values()] if model.snapshot else model.files


def parameters_of(found: type[Any]) -> BackendParameters | None:
    """What a class takes, with its defaults; None of one that takes nothing."""
    taken = getattr(found, "parameters", None)
    return taken if isinstance(taken, BackendParameters) else None


def _read_parameters(name: str, told: Mapping[str, Any]) -> BackendParameters:
    try:
        taken = parameters_of(backend_class(name))
    except ActorError:
        return BackendParameters()  # that there is no such backend is said where its role is known
    if taken is None:
        if told:
            raise trouble(f"{name} takes no parameters, so not {', '.join(map(str, told))} either")
        return BackendParameters()
    try:
        parameters = type(taken).model_validate({**taken.model_dump(), **told})
    except ValidationError as error:
        raise troubles(problems_of(error)) from error
    if found := list(_for_another(name, parameters)):
        raise troubles(found)
    return parameters


def _for_another(name: str, parameters: BackendParameters) -> Iterator[tuple[str, str]]:
    """Which adapters were made for another model than this one. What one's own backend is based on, nobody knows."""
    models = read_lock().models
    if name not in models:
        return
    for parameter, adapter in parameters.adapter_of.items():
        bases = models[adapter].adapts if adapter in models else []
        if name not in bases:
            fitting = [each for each, model in models.items() if name in model.adapts]
            there = f"for {name} there are: {', '.join(fitting)}" if fitting else f"for {name} there is none"
            yield (
                parameter,
                f"{adapter} is for {' and '.join(bases) or 'no model of the lock'}, not for {name}; {there}",
            )


def backend_class(name: str) -> type[Any]:
    """Imports its module, which imports no model's library yet."""
    module, colon, attribute = name.partition(":")
    if colon:
        return _checked(name, getattr(_imported(name, module), attribute, None), f"{module} has no class {attribute}")
    models = read_lock().models
    if name in models:
        return _of_lock(name, models[name])
    if name in WEIGHTLESS:
        return backend_class(WEIGHTLESS[name])
    there = instead_of(name, [*models, *WEIGHTLESS])
    raise ActorError(f"there is no backend {name}; {there}; one of your own is module:Class")


def cannot_play(name: str, role: type[Any]) -> str | None:
    """Why a backend does not play the role, whose protocol names what stages ask for, and which that ship do; None when
    it does."""
    if not (lacking := _lacking(backend_class(name), role)):
        return None
    can = ", ".join(players(role))
    return f"{name} is no {role.__name__}: it has no {', '.join(lacking)}" + (f"; there are: {can}" if can else "")


def players(role: type[Any]) -> Iterator[str]:
    """Backends that ship and can play this role."""
    for name in (*(name for name, model in read_lock().models.items() if not model.is_adapter), *WEIGHTLESS):
        if not _lacking(backend_class(name), role):
            yield name


def _lacking(found: type[Any], role: type[Any]) -> list[str]:
    asked = [*role.__annotations__, *(each for each in vars(role) if not each.startswith("_"))]
    return sorted({each for each in asked if not hasattr(found, each)})


def _of_lock(name: str, model: Model) -> type[Any]:
    """The one class of the model's module that names the model's files as its weights, or the model as one of its
    snapshots."""
    if model.is_adapter:
        raise ActorError(f"{name} is no backend: a parameter of one, of {model.backend}, names it")
    module = _imported(name, model.backend)
    files = {file.name for file in model.files}
    for each in vars(module).values():
        if not isinstance(each, type) or each.__module__ != model.backend:
            continue
        if (name in getattr(each, "snapshots", ())) if model.snapshot else (set(getattr(each, "weights", ())) == files):
            return _checked(name, each, "")
    what = f"snapshots have {name}" if model.snapshot else f"weights are {', '.join(sorted(files))}"
    raise ActorError(f"backend {name}: {model.backend} has no class whose {what}")


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
