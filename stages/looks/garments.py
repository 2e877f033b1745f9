"""Which colours are on a person's upper body and legs, in one picture: their mask, where the body's points say."""

from collections.abc import Mapping
from typing import Any

import cv2
import numpy as np

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.colour_names import lab_of, named
from actor18m.models.roles import KEYPOINTS
from stages.told import SIDES

UPPER, LEGS = "upper body", "legs"
_SKIN_LAB = 14.0
"""Nearer to the face's colour it may be skin; lightness differs more."""
_MOST_SKIN = 0.6
_PIXELS = 2000
_MIN_PIXELS = 60
_LEG_WIDTH, _EDGE = 0.24, 0.03
"""Of the trunk's length: how wide a leg is looked at, and what is left out at the mask's edge."""
_TOP, _BOTTOM = 0.2, 0.92
"""Of the way from shoulders to hips: the neck shows above, the belt below."""


def garments(frame: Frame, mask: Bools, points: Floats, is_seen: Bools) -> dict[str, Floats]:
    """float32[N, 3] Lab of some pixels of each region, of uint8[H, W, 3]. Of `points`, float32[17, 2], some are seen.
    A region is left out whose points are not, or that is too small.
    """
    at = {name: points[i] for i, name in enumerate(KEYPOINTS) if is_seen[i]}
    trunk = _trunk(at)
    if trunk is None:
        return {}
    shoulders, hips = trunk
    length = float(np.hypot(*(hips - shoulders)))
    inner = _inner(mask, round(_EDGE * length))
    found = {}
    for name, region in {UPPER: _upper(inner, shoulders, hips), LEGS: _legs(inner, at, length)}.items():
        pixels = frame[region]
        if len(pixels) >= _MIN_PIXELS:
            found[name] = lab_of(pixels[:: max(1, len(pixels) // _PIXELS)])
    return found


def skin(frame: Frame, face: Mapping[str, Any]) -> Floats | None:
    """float32[3], Lab: the middle of a face's cheeks and nose, by its box in the row; None where that is nowhere."""
    x0, y0, x1, y1 = (face[side] for side in SIDES)
    rows = slice(max(0, round(y0 + 0.4 * (y1 - y0))), max(0, round(y0 + 0.75 * (y1 - y0))))
    columns = slice(max(0, round(x0 + 0.3 * (x1 - x0))), max(0, round(x1 - 0.3 * (x1 - x0))))
    inner = frame[rows, columns]
    return np.median(lab_of(inner), axis=0).astype(np.float32) if inner.size else None


def shares_of_cloth(pixels: Floats, own_skin: Floats | None) -> Floats | None:
    """The share of each of WORDS in float32[N, 3] Lab without what may be skin: what is like the face's, or, where that
    is not known, anything from pink to beige and brown. None where that takes most of them.
    """
    if own_skin is not None:
        off = pixels - own_skin
        may_be = (np.hypot(off[:, 1], off[:, 2]) < _SKIN_LAB) & (np.abs(off[:, 0]) < 2.5 * _SKIN_LAB)
    else:
        hue = np.degrees(np.arctan2(pixels[:, 2], pixels[:, 1]))
        may_be = (np.hypot(pixels[:, 1], pixels[:, 2]) > 8) & (hue > 0) & (hue < 90)
    if may_be.mean() > _MOST_SKIN:
        return None
    counts = named(pixels[~may_be])
    return np.asarray(counts / counts.sum(), dtype=np.float32)


def _trunk(at: Mapping[str, Floats]) -> tuple[Floats, Floats] | None:
    """The middle of the shoulders and that of the hips; None where one is not seen."""
    ends = [
        [at[f"{side}_{part}"] for side in ("left", "right") if f"{side}_{part}" in at] for part in ("shoulder", "hip")
    ]
    if not all(ends):
        return None
    shoulders, hips = (np.mean(end, axis=0).astype(np.float32) for end in ends)
    return shoulders, hips


def _inner(mask: Bools, edge_px: int) -> Bools:
    size = 2 * max(1, edge_px) + 1
    return cv2.erode(mask.astype(np.uint8), np.ones((size, size), np.uint8)).astype(bool)


def _upper(mask: Bools, shoulders: Floats, hips: Floats) -> Bools:
    """A strip down the trunk, half as wide as it is long: arms, which may be bare, are beside it."""
    start, end = shoulders + _TOP * (hips - shoulders), shoulders + _BOTTOM * (hips - shoulders)
    return mask & _strip(mask.shape, start, end, 0.5 * float(np.hypot(*(hips - shoulders))))


def _legs(mask: Bools, at: Mapping[str, Floats], trunk: float) -> Bools:
    """Thighs and shins, to above the ankles. A coat may hang down to the middle of the thighs."""
    found = np.zeros(mask.shape, dtype=bool)
    for side in ("left", "right"):
        hip, knee, ankle = (at.get(f"{side}_{part}") for part in ("hip", "knee", "ankle"))
        if hip is not None and knee is not None:
            found |= _strip(mask.shape, hip + 0.45 * (knee - hip), knee, _LEG_WIDTH * trunk)
        if knee is not None and ankle is not None:
            found |= _strip(mask.shape, knee, knee + 0.7 * (ankle - knee), _LEG_WIDTH * trunk)
    return found & mask


def _strip(shape: tuple[int, ...], start: Floats, end: Floats, width: float) -> Bools:
    drawn = np.zeros(shape, dtype=np.uint8)
    ends = [tuple(round(float(value)) for value in point) for point in (start, end)]
    cv2.line(drawn, ends[0], ends[1], 1, max(1, round(width)))
    return drawn.astype(bool)
