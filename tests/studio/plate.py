"""The scenes of shipped clips without their actors, rendered again."""

from collections.abc import Sequence
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.samples.truth import Truth
from studio import near_duplicate, scripts
from studio.film import Film, takes_at
from studio.shoot import shoot


def plates(truth: Truth, frames: Sequence[int]) -> list[npt.NDArray[np.int16]]:
    """int16[H, W, 3] RGB of these frames, without people and noise."""
    filmed = {call.name: call for call in scripts.calls(truth.seed)}
    film = scripts.film(filmed[scripts.NEAR_DUPLICATES.get(truth.name, truth.name)])
    out = []
    for frame in frames:
        pixels = _empty(film, film.times_s[frame])
        if truth.name in scripts.NEAR_DUPLICATES:
            pixels = near_duplicate.Crop(truth.width, truth.height).pixels(pixels)
        out.append(cv2.GaussianBlur(pixels, (0, 0), 1.0).astype(np.int16))
    return out


def _empty(film: Film, t: float) -> npt.NDArray[np.uint8]:
    number = takes_at(film, t)[0][0]
    take = replace(film.takes[number][1], cast=(), action=lambda _: ())
    quiet = replace(film, times_s=(t,), takes=((0.0, take),), grade=replace(film.grade, noise=0.0), dissolve_s=0.0)
    return next(iter(shoot(quiet)))[0]
