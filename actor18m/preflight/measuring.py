"""A pipeline's backends, each alone, and its stages, over sample clips: each in a process of its own, one by one."""

import itertools
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from statistics import fmean

from actor18m.config.pipeline import Pipeline
from actor18m.config.serving import served_by
from actor18m.config.stage_config import Step
from actor18m.inputs import Input, canonical_uri
from actor18m.models import roles
from actor18m.models.backends import WEIGHTLESS, Backend
from actor18m.preflight.apart import Ended, apart
from actor18m.preflight.backend_speed import BackendSpeed, speed_of
from actor18m.preflight.device import Gpu
from actor18m.preflight.probes import PROBES
from actor18m.preflight.stage_speed import StageSpeed, measured_alone
from actor18m.so_far import SoFar
from actor18m.stage import Clip, Image, Row

_LOAD_S = 900
"""The largest models come from a disk for minutes."""
_MOST_IMAGES = 32
_READ_A_MESH = roles.FaceParser, roles.ExpressionReader
ASKED = "is asked over the network: what answers has its own GPUs"


@dataclass(frozen=True)
class Playing:
    """A backend, and one of the roles that it plays."""

    backend: Backend
    role: type
    stages: tuple[str, ...]


@dataclass(frozen=True)
class BackendRun:
    playing: Playing
    speed: BackendSpeed | Ended


def playing(pipeline: Pipeline) -> list[Playing]:
    """Each once, with the same parameters; lent out in a process it is loaded once, too."""
    found: dict[tuple[str, str], Playing] = {}
    for step in pipeline.stages:
        for role, backend in step.roles.items():
            kind = step.stage_class.roles[role]
            key = backend.model_dump_json(), kind.__name__
            stages = (*found[key].stages, step.name) if key in found else (step.name,)
            found[key] = Playing(backend, kind, tuple(dict.fromkeys(stages)))
    return list(found.values())


def speed_alone(each: Playing, most: int, seconds: float, gpu: Gpu | None) -> BackendSpeed | Ended:
    if each.role not in PROBES:
        return Ended(ASKED)
    if each.backend.name in WEIGHTLESS and each.role in _READ_A_MESH:
        return Ended("has no weights, and reads what a mesh tells: see its stage")
    sizes = list(itertools.takewhile(lambda size: size <= most, (2**power for power in itertools.count())))
    return apart(_speed_alone, each.backend, each.role, sizes, seconds, gpu, deadline_s=_LOAD_S + 10 * seconds)


def _speed_alone(
    backend: Backend, role: type, sizes: Sequence[int], seconds: float, gpu: Gpu | None
) -> BackendSpeed | Ended:
    """One that takes batches is asked for as many as it is given; to any other, their number is no matter."""
    told = backend.parameters
    if "batch" in type(told).model_fields:
        backend = backend.model_copy(update={"parameters": told.model_copy(update={"batch": sizes[-1]})})
    else:
        sizes = sizes[:1]
    return speed_of(backend.loaded, PROBES[role], sizes, seconds, gpu)


@dataclass(frozen=True)
class StageRun:
    step: Step
    speed: StageSpeed | Ended
    units: str
    """`clips` or `images`."""
    per_clip: float
    """How many of them a sample clip had for it."""
    asks: float | None = None
    """For how many images a sample clip asked it; None: it asks for none, or nothing came of it."""


@dataclass
class SampleRun:
    """All stages over some videos, without rules: what each measures of them is given to those after it."""

    pipeline: Pipeline
    videos: Sequence[str]
    seconds: float
    """For each stage, at least one call after the first one."""
    gpu: Gpu | None
    _so_far: list[SoFar] = field(init=False)
    _lacking: set[str] = field(init=False, default_factory=set)
    """Stages of which nothing came."""

    def __post_init__(self) -> None:
        inputs = [Input(canonical_uri(video)) for video in self.videos]
        self._so_far = [SoFar(given.uri, given.id) for given in inputs]

    def stages(self, about: Callable[[str], None] = lambda name: None) -> Iterator[StageRun]:
        """One after the other, told of before each."""
        for step in self.pipeline.stages:
            about(step.name)
            of = served_by(self.pipeline.stages, step)
            units = _mixed([so_far.units(step.stage_class, of) for so_far in self._so_far])
            unit = "clips" if step.stage_class.of == "clips" else "images"
            speed = self._measured(step, units, of)
            yield StageRun(step, speed, unit, len(units) / len(self.videos), self._asks(step))

    def _measured(self, step: Step, units: Sequence[Clip | Image], of: Sequence[str]) -> StageSpeed | Ended:
        told = self._tried(step, units, of)
        if isinstance(told, Ended):
            self._lacking.add(step.name)
            return told
        speed, rows = told
        for so_far in self._so_far:
            own = [row for row in rows if row.key.partition("-")[0] == so_far.key]
            so_far.add(step.stage_class, own, is_first=step is self.pipeline.stages[0])
        return speed

    def _asks(self, step: Step) -> float | None:
        asked = [len(so_far.asked[step.name]) for so_far in self._so_far if step.name in so_far.asked]
        return fmean(asked) if asked else None

    def _tried(
        self, step: Step, units: Sequence[Clip | Image], of: Sequence[str]
    ) -> tuple[StageSpeed, list[Row]] | Ended:
        if step.waits:
            return Ended(ASKED)
        if not units:
            return Ended(self._why_nothing(step, of))
        seconds = math.inf  # clips are few, and later stages need all of them
        if step.stage_class.of != "clips":
            units, seconds = units[:_MOST_IMAGES], self.seconds
        told = apart(measured_alone, step, units, seconds, self.gpu, deadline_s=_LOAD_S)
        if isinstance(told, Ended):
            return told
        speed, outcomes = told
        return speed, [outcome for outcome in outcomes if isinstance(outcome, Row)]

    def _why_nothing(self, step: Step, of: Sequence[str]) -> str:
        needed = {*of, *(each.writes.name for each in step.stage_class.needs)}
        if missing := [name for name in self.pipeline.stage_names if name in needed & self._lacking]:
            return f"needs {', '.join(missing)}, of which nothing came"
        return "no sample clip came to it, or asked it for an image"


def _mixed(by_clip: Sequence[Sequence[Clip | Image]]) -> list[Clip | Image]:
    """The first of each clip, the second of each, and so on; of images, of each clip and kind: a stage that comes to
    few of them has some of all kinds, which those after it may need.
    """
    alike: dict[tuple[int, str], list[Clip | Image]] = {}
    for at, units in enumerate(by_clip):
        for unit in units:
            alike.setdefault((at, unit.key.partition("-")[2].rpartition("-")[0]), []).append(unit)
    rounds = itertools.zip_longest(*alike.values())
    return [unit for each in rounds for unit in each if unit is not None]


def all_backends(
    pipeline: Pipeline, most: int, seconds: float, gpu: Gpu | None, about: Callable[[str], None]
) -> list[BackendRun]:
    found = []
    for each in playing(pipeline):
        about(f"{each.backend.name} as {each.role.__name__}")
        found.append(BackendRun(each, speed_alone(each, most, seconds, gpu)))
    return found
