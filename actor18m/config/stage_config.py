"""One stage of a pipeline: its class, by import path, with its parameters, backends, and how it is run."""

import logging
from collections.abc import Iterator, Mapping
from typing import Any, Self

from pydantic import (
    Field,
    ModelWrapValidatorHandler,
    NonNegativeFloat,
    PositiveFloat,
    PositiveInt,
    SerializeAsAny,
    ValidationError,
    field_validator,
    model_validator,
)

from actor18m.config.costs import DOLLARS, GPU_SECONDS, REQUESTS, SECONDS, TOKENS, DollarsPer
from actor18m.config.environment import Environment
from actor18m.config.stage_class import imported
from actor18m.errors import ActorError, instead_of
from actor18m.media import readers
from actor18m.models.backends import Backend, cannot_play
from actor18m.models.shared import Shared
from actor18m.redact import redact
from actor18m.stage import Parameters, ReadingParameters, Stage
from actor18m.traces import place_of, trace_of
from actor18m.waiting import WaitingStage
from actor18m.yaml_file import Section, problems_of, trouble, troubles

_CONCURRENCY = 16


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
    concurrency: PositiveInt | None = Field(
        default=None, description="of a stage that waits: so many clips or images one worker has in flight; default 16"
    )
    requests_per_minute: PositiveFloat | None = Field(
        default=None, description="of a stage that waits, of all its workers together: attempts that may begin"
    )
    budget: Mapping[str, PositiveFloat] = Field(
        default={}, description="what the stage may spend in one build: {requests: 1000, dollars: 5}; the rest waits"
    )
    dollars_per: DollarsPer = Field(
        default=DollarsPer(), description="what a gpu_hour, a request or thousand_tokens is paid with"
    )
    expected: Mapping[str, NonNegativeFloat] = Field(
        default={},
        description="what one clip or image takes, for plans and budgets until that is measured: {seconds: 3, "
        "dollars: 0.002}",
    )
    environment: Environment = Field(
        default=Environment(), description="a Python environment of its own, on Ray: {pip: [package==1.0]}"
    )

    @field_validator("gpus")
    @classmethod
    def _is_what_ray_gives(cls, gpus: float) -> float:
        if gpus > 1 and gpus != int(gpus):
            raise trouble(
                f"{gpus:g} is neither a part of one GPU nor whole GPUs, and Ray gives nothing else; "
                f"write {int(gpus)}, {int(gpus) + 1}, or a number below 1"
            )
        return gpus

    @property
    def in_flight(self) -> int:
        """Of one worker of a stage that waits."""
        return self.concurrency or _CONCURRENCY


class Step(Section):
    """One stage of the pipeline."""

    stage: str = Field(description="where its class is: stages.identity:Identity")
    parameters: SerializeAsAny[Parameters] = Parameters()
    roles: Mapping[str, Backend] = Field(
        default={},
        description="which backend plays each role: a model of the lock, or one's own as module:Class; or a mapping of "
        "`backend` and its parameters",
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
        return imported(self.stage)

    @property
    def name(self) -> str:
        return self.stage_class.writes.name

    @property
    def waits(self) -> bool:
        return issubclass(self.stage_class, WaitingStage)

    @property
    def most_questions(self) -> int:
        """About one clip or image."""
        of = self.stage_class
        return of.most_questions(self.parameters) if issubclass(of, WaitingStage) else 1

    @property
    def costs(self) -> tuple[str, ...]:
        """What it tells that it costs."""
        run = self.run
        own = [*self.stage_class.costs, *([REQUESTS] if self.waits else ()), *([GPU_SECONDS] if run.gpus else ())]
        return tuple(dict.fromkeys([*own, *([DOLLARS] if run.dollars_per != DollarsPer() else ())]))

    def made(self, shared: Shared) -> Stage[Any]:
        """The stage with its backends loaded, ready to measure. They are lent by those of this process, to which they
        go back with `given_back`."""
        if isinstance(self.parameters, ReadingParameters):
            readers.ready(self.parameters.reader)
        backends = {role: self._loaded(role, backend, shared) for role, backend in self.roles.items()}
        try:
            return self.stage_class(self.parameters, **backends)
        except ActorError:
            raise
        except (Exception, SystemExit) as error:
            raise _cannot(f"stage {self.name}: {self.stage} cannot be made", error, "mend its __init__") from error

    def given_back(self, shared: Shared) -> None:
        for backend in self.roles.values():
            shared.take_back(backend)

    def _loaded(self, role: str, backend: Backend, shared: Shared) -> Any:
        try:
            return shared.lend(backend)
        except ActorError:
            raise
        except (Exception, SystemExit) as error:
            what = f"stage {self.name}: backend {backend.name}, which plays {role}, cannot be loaded"
            raise _cannot(what, error, "check it with `actor18m doctor` and `actor18m models verify`") from error

    @model_validator(mode="wrap")
    @classmethod
    def _takes_what_its_classes_take(cls, given: Any, read: ModelWrapValidatorHandler[Self]) -> Self:
        """The stage's parameters and its backends' with their defaults; all that is wrong with them is told at once."""
        if not isinstance(given, Mapping) or not isinstance(given.get("stage"), str):
            return read(given)
        stage = imported(given["stage"])
        found: list[tuple[str, str]] = []
        parameters = _read(type(stage.parameters), given.get("parameters") or {}, "parameters", found)
        roles = given.get("roles") or {}
        if isinstance(roles, Mapping):
            roles = {
                str(role): _read(Backend, backend, f"roles.{role}", found)
                for role, backend in roles.items()
                if backend is not None or role not in stage.may_lack
            }
            found += _of_roles(stage, roles)
        if not found:
            return read({**given, "parameters": parameters, "roles": roles})
        try:
            read({**given, "parameters": stage.parameters, "roles": {}})
        except ValidationError as error:
            found += problems_of(error)
        raise troubles(found)

    @model_validator(mode="after")
    def _says_what_its_kind_can(self) -> "Step":
        found = []
        of = self.stage_class.of
        if self.of and of == "clips":
            found.append(("of", f"{self.name} measures clips; `of` is for stages of requests and of images"))
        if self.candidates > 1 and of != "requests":
            found.append(("candidates", f"{self.name} makes no images; attempts are repeated by makers"))
        found += self._misfits_of_run()
        if found:
            raise troubles(found)
        return self

    def _misfits_of_run(self) -> list[tuple[str, str]]:
        """What is said of how the stage is run, and would have no effect."""
        found = []
        for name in ("concurrency", "requests_per_minute"):
            if getattr(self.run, name) is not None and not self.waits:
                found.append((f"run.{name}", f"{self.name} is no WaitingStage: it measures one call after the other"))
        for section, given, known in (
            ("budget", self.run.budget, self.costs),
            ("expected", self.run.expected, (SECONDS, *self.costs)),
        ):
            for name in given:
                if name not in known:
                    cause = f"{self.name} does not tell that; {instead_of(name, known)}"
                    found.append((f"run.{section}.{name}", cause))
        for price, cost in (("gpu_hour", GPU_SECONDS), ("request", REQUESTS), ("thousand_tokens", TOKENS)):
            if getattr(self.run.dollars_per, price) and cost not in self.costs:
                way_out = "say in `run.gpus` what it claims" if cost == GPU_SECONDS else "leave the price out"
                found.append((f"run.dollars_per.{price}", f"{self.name} tells no {cost}; {way_out}"))
        return found


def _read(kind: type[Section], given: object, place: str, problems: list[tuple[str, str]]) -> object:
    """What is given as a section of this kind; what is wrong with it is added to the problems."""
    if isinstance(given, kind):
        return given
    try:
        return kind.model_validate(given)
    except ValidationError as error:
        problems += [(f"{place}.{path}".rstrip("."), cause) for path, cause in problems_of(error)]
        return given


def _of_roles(stage: type[Stage[Any]], played: Mapping[str, object]) -> Iterator[tuple[str, str]]:
    """What is wrong with who plays which role."""
    name, roles = stage.writes.name, stage.roles
    for role in sorted(played.keys() - roles.keys()):
        yield f"roles.{role}", f"{name} has no such role; {instead_of(role, roles)}"
    if unplayed := sorted(roles.keys() - played.keys() - stage.may_lack):
        yield "roles", f"{name} needs a backend for {', '.join(unplayed)}"
    for role, backend in played.items():
        if role in roles and isinstance(backend, Backend) and (cause := _cannot_play(backend, roles[role])):
            yield f"roles.{role}", cause


def _cannot_play(backend: Backend, role: type) -> str | None:
    try:
        return cannot_play(backend.name, role)
    except ActorError as error:
        return str(error)


def _cannot(what: str, error: BaseException, way_out: str) -> ActorError:
    """The log has the traceback."""
    logging.getLogger(__name__).info(what, extra={"trace": trace_of(error)})
    said = redact(f"{error}") or "no reason"
    return ActorError(
        f"{what}: {type(error).__name__}: {said} (at {place_of(error)}). No clip is to blame, and nothing was kept: "
        f"{way_out}; then run the same command again."
    )
