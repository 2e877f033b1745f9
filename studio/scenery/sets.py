"""Places to film in: a scene drawn from a seed, and things to walk behind."""

from collections.abc import Callable
from typing import Literal

import numpy as np
import numpy.typing as npt

from studio.scenery import interiors, occluders, outdoors
from studio.scenery.outdoors import Sky
from studio.scenery.scene import Floats, Lighting, Scene, Surface
from studio.scenery.shapes import Part, merge

Kind = Literal["room", "outdoor"]

ROOMS: tuple[Callable[[np.random.Generator], list[Part]], ...] = (
    interiors.living_room,
    interiors.office,
    interiors.kitchen,
    interiors.library,
    interiors.loft,
    interiors.cafe,
)
WHITE_AT = 0.95  # linear value, before the film curve, of white that faces the key light


def build_scene(seed: int, kind: Kind | None = None) -> Scene:
    """The same seed gives the same arrays; kind None lets the seed choose."""
    rng = np.random.default_rng(seed)
    drawn: Kind = "room" if rng.random() < 0.55 else "outdoor"
    if (kind or drawn) == "room":
        build = ROOMS[int(rng.integers(len(ROOMS)))]
        surfaces = merge(build(rng))
        return Scene(build.__name__, surfaces, _indoor_light(rng), _linear((0.3, 0.3, 0.3)))
    place = outdoors.PLACES[int(rng.integers(len(outdoors.PLACES)))]
    sky = outdoors.draw_sky(rng)
    surfaces = merge(place(rng, sky))
    return Scene(place.__name__, surfaces, _outdoor_light(rng, sky), _linear(sky.horizon))


def _indoor_light(rng: np.random.Generator) -> Lighting:
    """Daylight from large windows behind the camera, evening lamps, or office light."""
    warmth = float(rng.uniform(-0.06, 0.2))
    key = float(rng.uniform(1.4, 2.1)) * np.array([1 + warmth, 1.0, 1 - 1.3 * warmth])
    ambient = float(rng.uniform(0.5, 0.75))
    sky = ambient * np.array([1 + 0.4 * warmth, 1.0, 1 - 0.3 * warmth])
    ground = ambient * float(rng.uniform(0.6, 0.85)) * np.array([1.05, 1.0, 0.92])
    return _lighting(rng, key, sky, ground, (32, 55))


def _outdoor_light(rng: np.random.Generator, sky: Sky) -> Lighting:
    key = sky.sun_strength * np.array(sky.sun_colour)
    above = sky.ambient * np.array(sky.ambient_colour)
    ground = 0.6 * sky.ambient * np.array([1.03, 1.0, 0.9])
    return _lighting(rng, key, above, ground, sky.elevation_deg)


def _lighting(
    rng: np.random.Generator,
    key: npt.NDArray[np.float64],
    sky: npt.NDArray[np.float64],
    ground: npt.NDArray[np.float64],
    elevation_deg: tuple[float, float],
) -> Lighting:
    """The key stands to one side of the camera, so that faces get a lit and a shaded half."""
    azimuth = np.radians(rng.choice([-1, 1]) * rng.uniform(18, 58))
    elevation = np.radians(rng.uniform(*elevation_deg))
    direction = [
        np.sin(azimuth) * np.cos(elevation),
        -np.cos(azimuth) * np.cos(elevation),
        np.sin(elevation),
    ]
    brightest = float(key.max() + 0.5 * (sky + ground).max()) * 0.85
    return Lighting(_floats(direction), _floats(key), _floats(sky), _floats(ground), WHITE_AT / brightest)


def occluder(rng: np.random.Generator, kind: Kind) -> Surface:
    """Something that hides a walking actor, at x = 0 and y = -1."""
    return occluders.indoor(rng) if kind == "room" else occluders.outdoor(rng)


def _linear(colour: tuple[float, float, float]) -> Floats:
    return _floats(np.array(colour) ** 2.2)


def _floats(values: npt.ArrayLike) -> Floats:
    return np.asarray(values, np.float32)
