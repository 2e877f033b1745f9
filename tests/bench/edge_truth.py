"""Frames of digital actors with the matte that is true: each is drawn again before black and before white."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace

import cv2
import numpy as np

from actor18m.arrays import Bools, Floats, Frame
from studio.canvas import Canvas
from studio.film import Film, takes_at
from studio.motion import perform
from studio.scripts import calls, film

_BLACK, _WHITE = 0.0, 1000.0
"""Backdrops whose picture is 0 and 255."""


@dataclass(frozen=True, eq=False)
class Cutout:
    """One frame of a sample, and what a perfect compositor would take from it."""

    name: str
    seen: Frame
    """uint8[H, W, 3] before its own scene."""
    mask: Bools
    """bool[H, W]: where the actor covers the middle of a pixel."""
    matte: Floats
    """float32[H, W]: how much of each pixel the actor covers."""
    own: Floats
    """float32[H, W, 3], 0 to 255: the actor's light in each pixel, so that before another place it is `own +
    (1 - matte) * place`."""


def cutouts(names: list[str], seed: int, times_s: tuple[float, ...]) -> Iterator[Cutout]:
    """Of the only actor of each film at these times, as its lens blurs it."""
    for call in calls(seed):
        if call.name in names:
            filmed = film(call)
            for t in times_s:
                yield _cutout(call.name, filmed, t)


def _cutout(name: str, filmed: Film, t: float) -> Cutout:
    take = filmed.takes[takes_at(filmed, t)[-1][0]][1]
    (actor,), (moment,) = take.cast, take.action(t)
    if moment is None:
        raise ValueError(f"{name}: nobody is there after {t} s")
    posed = [perform(actor, moment).posed]
    # the same light, and nothing but the actor
    bare = [replace(take.scene, surfaces=(), backdrop=np.full(3, level, np.float32)) for level in (_BLACK, _WHITE)]
    with ExitStack() as stack:
        own, black, white = (
            stack.enter_context(Canvas(scene, take.cast, filmed.width, filmed.height)) for scene in (take.scene, *bare)
        )
        camera = take.camera(t)
        seen, dark, bright = (canvas.picture(camera, posed).astype(np.float32) for canvas in (own, black, white))
        mask = own.identity(camera, posed).objects == 1
    soft = filmed.grade.softness_pixels
    seen, dark, bright = (np.asarray(cv2.GaussianBlur(each, (0, 0), soft), np.float32) for each in (seen, dark, bright))
    noise = filmed.grade.noise * np.random.default_rng(filmed.seed).standard_normal(seen.shape)
    return Cutout(
        name,
        np.clip(seen + noise, 0, 255).round().astype(np.uint8),
        np.asarray(mask),
        np.clip(1 - (bright - dark).mean(axis=-1) / 255, 0, 1).astype(np.float32),
        dark.astype(np.float32),
    )
