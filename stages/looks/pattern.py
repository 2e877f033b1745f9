"""How a garment is patterned, whatever its colours: how much it changes along and across, in small and in large.

Told of a body that is seen from the front: from the side and from behind, folds, arms, hair and the rest of a print
tell as much as the pattern does.
"""

import cv2
import numpy as np

from actor18m.arrays import Bools, Floats, Frame

_TRUNK_PX = 96
"""Shoulders to hips, in the picture in which patterns are looked at."""
_MIN_TRUNK_PX = 40
"""A smaller trunk is enlarged to no purpose."""
_MIN_WIDE = 0.55
"""From the front, shoulders are so far apart, in trunks; who is turned by 45 degrees has less."""
_EDGE_PX, _MIN_PIXELS = 5, 300
_SHADE_PX = 20.0
"""What changes over more is light and shade."""
_SCALES_PX = (1.0, 2.5, 6.0)
_LIGHT_COUNTS = 0.5
_NOISE = 2.0
"""As much change is there in any cloth, by threads and folds."""
_SHOULDERS, _HIPS, _KNEES = slice(5, 7), slice(11, 13), slice(13, 15)
_STRIPS: dict[str, tuple[float, float]] = {"upper": (0.15, 0.9), "lower": (0.3, 1.0)}
"""From shoulders to hips, and from hips to knees."""


def patterns(picture: Frame, mask: Bools, pose: Floats) -> dict[str, Floats]:
    """float[S, 4] of each garment that is seen well: the logarithm of how much it changes, at each of the scales,
    across, along and in both diagonals. Of uint8[H, W, 3] RGB, bool[H, W] and float[17, 2], of a body that faces the
    camera."""
    shoulders, hips, knees = (pose[part].mean(axis=0) for part in (_SHOULDERS, _HIPS, _KNEES))
    trunk = float(np.hypot(*(hips - shoulders)))
    if trunk < _MIN_TRUNK_PX or float(pose[5, 0] - pose[6, 0]) < _MIN_WIDE * trunk:
        return {}
    scale = _TRUNK_PX / trunk
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=how)
    shape = cv2.resize(mask.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    shape = cv2.erode(shape, np.ones((_EDGE_PX + 2, _EDGE_PX + 2), np.uint8))
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab).astype(np.float32) * np.array([_LIGHT_COUNTS, 1, 1], np.float32)
    found = {}
    for name, (start, end) in (("upper", (shoulders, hips)), ("lower", (hips, knees))):
        first, last = _STRIPS[name]
        strip = np.zeros(shape.shape, np.uint8)
        ends = [tuple(round(float(v) * scale) for v in start + at * (end - start)) for at in (first, last)]
        cv2.line(strip, ends[0], ends[1], 1, _TRUNK_PX // 2)
        if (changes := _changes(lab, (strip > 0) & (shape > 0))) is not None:
            found[name] = changes
    return found


def apart(one: Floats, other: Floats) -> float:
    """0 of one pattern; from about 0.8 on it is another one."""
    return float(np.sqrt(np.mean((one - other) ** 2)))


def _changes(lab: Floats, where: Bools) -> Floats | None:
    inner = cv2.erode(where.astype(np.uint8), np.ones((_EDGE_PX, _EDGE_PX), np.uint8)) > 0
    if inner.sum() < _MIN_PIXELS:
        return None
    weight = where.astype(np.float32)[:, :, None]
    even = lab - _blurred(lab, weight, _SHADE_PX)
    told = []
    for sigma in _SCALES_PX:
        smooth = _blurred(even, weight, sigma)
        across, along = (
            cv2.Sobel(smooth, cv2.CV_32F, x, y, ksize=3, scale=sigma / 8)[inner] for x, y in ((1, 0), (0, 1))
        )
        both = across * along
        # in the diagonals, half the sum of squares with and without what both have
        square = (across**2).sum(axis=1).mean(), (along**2).sum(axis=1).mean(), both.sum(axis=1).mean()
        middle = (square[0] + square[1]) / 2
        told.append([square[0], square[1], middle + square[2], middle - square[2]])
    return np.asarray(np.log(np.array(told, np.float32) + np.float32(_NOISE)))


def _blurred(values: Floats, weight: Floats, sigma: float) -> Floats:
    """Within what weighs anything."""
    total = cv2.GaussianBlur(values * weight, (0, 0), sigma)
    share = cv2.GaussianBlur(weight, (0, 0), sigma)
    return np.asarray(total / np.maximum(share, np.float32(1e-3))[..., None])
