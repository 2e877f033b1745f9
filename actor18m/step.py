"""One stage of a pipeline: its class, by import path, with its parameters, backends, and how it is run."""

import importlib
import logging
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import (
    Field,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    StringConstraints,
    ValidationError,
    model_validator,
)

from actor18m.errors import ActorError, instead_of
from actor18m.models.backends import backend_class, cannot_play, load
from actor18m.redact import redact
from actor18m.stage import Parameters, Stage
from actor18m.traces import place_of, trace_of
from actor18m.yaml_file import Section, problems_of, trouble, troubles

Backend = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9_.-]*(:[A-Za-z_][A-Za-z0-9_]*)?$")]


_SAYS = {
    "version": "write `version = 1`, and raise it whenever it would measure something else",
    "writes": 'write `writes = schema("its_name", column=float32())`',
}
"""What a stage must have."""


class Run(Section):
    """How a stage is run. It changes how long a build takes and never what comes out."""

    workers: PositiveInt | None = Field(default=None, description="by default as many as the machine's CPUs allow")
    clips_per_call: PositiveInt = Field(default=8, description="clips, or images, that one call is given")
    deadline_s: PositiveFloat = Field(default=60, description="for each of them; a worker that takes longer hangs")
    cpus: PositiveFloat = 1
    gpus: NonNegativeFloat = 0
    memory_gib: PositiveFloat | None = Field(default=None, description="of one worker; a clip that needs more fails")
    stop_after: PositiveInt | None = Field(
        default=20, description="clips in a row that fail alike, with no success between; null: it never stops"
    )


class Step(Section):
    """One stage of the pipeline."""

    stage: str = Field(description="where its class is: stages.identity:Identity")
    parameters: SerializeAsAny[Parameters] = Parameters()
    roles: Mapping[str, Backend] = Field(
        default={}, description="which backend plays each role: a model of the lock, or one's own as module:Class"
    )
    of: tuple[str, ...] = Field(
        default=(),
        description="of a maker: the stages whose requests it serves; of a stage of images: the makers whose images it "
        "looks at. All before it, where nothing is said",
    )
    candidates: PositiveInt = Field(
        default=1, description="of a maker: so many attempts at a request, until one passes the maker's rules"
    )
    run: Run = Run()

    @property
    def stage_class(self) -> type[Stage[Any]]:
        return _imported(self.stage)

    @property
    def name(self) -> str:
        return self.stage_class.writes.name

    def made(self) -> Stage[Any]:
        """The stage with its backends loaded, ready to measure."""
        backends = {role: self._loaded(role, name) for role, name in self.roles.items()}
        try:
            return self.stage_class(self.parameters, **backends)
        except ActorError:
            raise
        except (Exception, SystemExit) as error:
            raise _cannot(f"stage {self.name}: {self.stage} cannot be made", error, "mend its __init__") from error

    def _loaded(self, role: str, backend: str) -> Any:
        try:
            return load(backend)
        except ActorError:
            raise
        except (Exception, SystemExit) as error:
            what = f"stage {self.name}: backend {backend}, which plays {role}, cannot be loaded"
            raise _cannot(what, error, "check it with `actor18m doctor` and `actor18m models verify`") from error

    @model_validator(mode="before")
    @classmethod
    def _takes_the_parameters_of_its_stage(cls, given: Any) -> Any:
        if not isinstance(given, Mapping) or not isinstance(given.get("stage"), str):
            return given
        kind = type(_imported(given["stage"]).parameters)
        parameters = given.get("parameters") or {}
        if not isinstance(parameters, Parameters):
            try:
                parameters = kind.model_validate(parameters)
            except ValidationError as error:
                below = [(f"parameters.{path}".rstrip("."), cause) for path, cause in problems_of(error)]
                raise troubles(below) from error
        return {**given, "parameters": parameters}

    @model_validator(mode="after")
    def _has_a_backend_for_each_role(self) -> "Step":
        roles = self.stage_class.roles
        found = [
            (f"roles.{role}", f"{self.name} has no such role; {instead_of(role, roles)}")
            for role in sorted(self.roles.keys() - roles.keys())
        ]
        if unplayed := sorted(roles.keys() - self.roles.keys()):
            found.append(("roles", f"{self.name} needs a backend for {', '.join(unplayed)}"))
        for role, backend in self.roles.items():
            if role in roles and (cause := _cannot_play(backend, roles[role])):
                found.append((f"roles.{role}", cause))
        of = self.stage_class.of
        if self.of and of == "clips":
            found.append(("of", f"{self.name} measures clips; `of` is for stages of requests and of images"))
        if self.candidates > 1 and of != "requests":
            found.append(("candidates", f"{self.name} makes no images; attempts are repeated by makers"))
        if found:
            raise troubles(found)
        return self


def _cannot_play(backend: str, role: type) -> str | None:
    try:
        return cannot_play(backend_class(backend), role)
    except ActorError as error:
        return str(error)


def _imported(path: str) -> type[Stage[Any]]:
    module, _, name = path.partition(":")
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
    return found


def _cannot(what: str, error: BaseException, way_out: str) -> ActorError:
    """The log has the traceback."""
    logging.getLogger(__name__).info(what, extra={"trace": trace_of(error)})
    said = redact(f"{error}") or "no reason"
    return ActorError(
        f"{what}: {type(error).__name__}: {said} (at {place_of(error)}). No clip is to blame, and nothing was kept: "
        f"{way_out}; then run the same command again."
    )
