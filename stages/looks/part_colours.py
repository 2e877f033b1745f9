"""Colours of one part of a person in a picture, and how far they are from those of the same part in another picture."""

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Frame

_GAMMA = 2.2
_COLOURFUL, _LIGHT = 15.0, 0.1
_LIGHT_COUNTS = 0.4
"""Lightness changes with shade and exposure; so much of a difference in it counts beside one in colour."""

Colours = npt.NDArray[np.float64]
"""float[..., 3], linear RGB."""


def light_of(picture: Frame) -> Colours:
    """Of uint8[H, W, 3] RGB, as much light as each pixel sends."""
    return np.asarray((picture.astype(np.float64) / 255) ** _GAMMA)


def distance(one: Colours | None, other: Colours | None, light: Colours | None) -> float | None:
    """As they are, or in one light, whichever is nearer: skin tells the light well on the whole, and shade misleads."""
    if one is None or other is None:
        return None
    as_they_are = _apart(one, other)
    return as_they_are if light is None else min(as_they_are, _apart(one * light, other))


def in_other_colours(light: Colours) -> Colours:
    """Red, green and blue change places; what is grey anyway becomes blue where it is light, and ochre where dark."""
    other = light[:, ::-1]
    colourful = float(np.linalg.norm(_weighted_lab(light)[:, 1:].mean(axis=0)))
    if colourful >= _COLOURFUL:
        return np.asarray(other)
    return np.asarray(other * ((0.35, 0.6, 1.2) if light.mean() > _LIGHT else (4.0, 2.5, 0.8)))


def sampled(pixels: Colours) -> Colours:
    """A few hundred of them: they tell the colours of a part as well as all."""
    return pixels[:: max(1, len(pixels) // 400)]


def lab(light: Colours) -> Colours:
    """float[N, 3] of linear RGB; N may be 0."""
    if not len(light):
        return light
    srgb = np.clip(light, 0, 1).astype(np.float32) ** np.float32(1 / _GAMMA)
    return np.asarray(cv2.cvtColor(srgb[None], cv2.COLOR_RGB2Lab)[0].astype(np.float64))


def _apart(one: Colours, other: Colours) -> float:
    """How far the colours of one part are from the nearest ones of the other, in the mean, and beyond what they are
    from each other: a print has many. Of both ways the nearer: from behind a jacket hides the shirt that it shows from
    the front."""
    a, b = _weighted_lab(one), _weighted_lab(other)
    return min(max(0.0, _beyond(x, y) - _beyond(x, x)) for x, y in ((a, b), (b, a)))


def _beyond(some: Colours, others: Colours) -> float:
    """From float[N, 3] to the sixtieth of float[M, 3] that is nearest: a single pixel may be a button."""
    apart = np.linalg.norm(some[:, None] - others[None], axis=2)
    near = len(others) // 60
    return float(np.partition(apart, near, axis=1)[:, near].mean())


def _weighted_lab(light: Colours) -> Colours:
    return np.asarray(lab(light) * (_LIGHT_COUNTS, 1.0, 1.0))
