"""What a script starts from: one clip of a set, with its own people and places."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any
from zlib import crc32

import numpy as np

from actor18m.samples.truth import Expected
from studio.acting import Acting
from studio.actor import Actor, draw_actor
from studio.camera import Camera
from studio.film import Film, Take
from studio.scenery.scene import Scene
from studio.scenery.sets import Kind, build_scene

ACCEPTED = Expected(state="accepted", rules=[], why="one person, the same from the first frame to the last")


@dataclass(frozen=True)
class Call:
    """What a script is called with: one clip of a set."""

    name: str
    script: str
    set_seed: int
    number: int  # of the clip within its script

    def rng(self) -> np.random.Generator:
        return np.random.default_rng([self.set_seed, *self.name.encode()])

    def actor(self, which: int = 0) -> Actor:
        """Everyone in a set is someone else; `which` counts the people of one clip."""
        return _actor(self._seed(which))

    def scene(self, which: int = 0, kind: Kind | None = None) -> Scene:
        return build_scene(self._seed(which), kind)

    def _seed(self, which: int) -> int:
        return crc32(f"{self.set_seed}/{self.name}/{which}".encode())


@cache
def _actor(seed: int) -> Actor:
    return draw_actor(seed)


def times(duration_s: float, fps: float = 24.0) -> tuple[float, ...]:
    return tuple(k / fps for k in range(round(duration_s * fps)))


def solo(
    call: Call,
    acting: Acting,
    camera: Callable[[float], Camera],
    duration_s: float,
    expected: Expected = ACCEPTED,
    **film: Any,
) -> Film:
    take = Take(call.scene(), (call.actor(),), camera, lambda t: (acting(t),))
    clip = {"times_s": times(duration_s)} | film
    return Film(call.name, call.script, call.set_seed, takes=((0.0, take),), expected=expected, **clip)


def rejected(*rules: str, why: str) -> Expected:
    return Expected(state="rejected", rules=list(rules), why=why)
