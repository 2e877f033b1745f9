"""What a film is: takes of scenes, actors and cameras on a timeline, and how the camera records them."""

from collections.abc import Callable
from dataclasses import dataclass, field

from actor18m.samples.truth import Expected
from studio.actor import Actor
from studio.camera import Camera
from studio.motion import Moment
from studio.scenery.scene import Scene


@dataclass(frozen=True)
class Grade:
    """What lens, sensor and exposure do to the picture."""

    exposure: float = 1.0
    noise: float = 1.3  # standard deviation in 8-bit steps
    softness_pixels: float = 0.5
    vignette: float = 0.15


@dataclass(frozen=True)
class Take:
    """One shot: where, who, and what happens over the clip's time."""

    scene: Scene
    cast: tuple[Actor, ...]
    camera: Callable[[float], Camera]
    action: Callable[[float], tuple[Moment | None, ...]]


@dataclass(frozen=True)
class Film:
    """A clip to be shot. A take ends where the next begins; a dissolve ends there and began earlier."""

    name: str
    script: str
    seed: int
    times_s: tuple[float, ...]
    takes: tuple[tuple[float, Take], ...]  # (start, take)
    expected: Expected
    width: int = 960
    height: int = 540
    rotation: int = 0
    dissolve_s: float = 0.0
    grade: Grade = field(default_factory=Grade)
    crf: int = 30


def people_of(film: Film) -> list[str]:
    """Identities in order of appearance; the first is the subject."""
    return list(dict.fromkeys(actor.identity for _, take in film.takes for actor in take.cast))


def takes_at(film: Film, t: float) -> list[tuple[int, float]]:
    """Which takes show at a time, and how strongly."""
    starts = [start for start, _ in film.takes]
    current = max(k for k, start in enumerate(starts) if t >= start - 1e-9)
    following = current + 1
    if film.dissolve_s and following < len(starts) and t > starts[following] - film.dissolve_s:
        share = (t - starts[following] + film.dissolve_s) / film.dissolve_s
        return [(current, 1 - share), (following, share)]
    return [(current, 1.0)]
