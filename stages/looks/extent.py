"""How far a body goes in a picture: as far as its mask, and as its points, by what pose tells of it."""

from collections.abc import Mapping
from typing import Any

import numpy as np

from actor18m.arrays import Box, Floats
from actor18m.models.roles import KEYPOINTS

_SEEN = 0.5
_FOOT = 0.06
"""A foot ends so far below its ankle, in heights of the body."""
_FARTHEST = 0.15
"""So far beyond the mask, likewise, a point may lie and still be believed."""


def with_points(mask: Box, pose: Mapping[str, Any], width: int, height: int) -> Box:
    """The box of a mask and of the points that are seen, feet included: a mask may lose a hand or a foot."""
    x0, y0, x1, y1 = mask
    tall = y1 - y0
    # each point that is seen in the frame, feet below their ankles, pulled to where it is believed
    ankles = np.array([_FOOT * tall * ("ankle" in name) for name in KEYPOINTS])
    points = _points(pose)
    inside = (points >= 0).all(axis=1) & (points < (width, height)).all(axis=1)
    ends = (points + np.stack([np.zeros_like(ankles), ankles], axis=1))[inside & (_visibility(pose) >= _SEEN)]
    far = _FARTHEST * tall
    ends = ends.clip((x0 - far, y0 - far), (x1 + far, y1 + far))
    left, top = np.min([(x0, y0), *ends], axis=0).tolist()
    right, bottom = np.max([(x1, y1), *ends], axis=0).tolist()
    return left, top, right, bottom


def own_points(pose: Mapping[str, Any], height: float) -> Floats:
    """float[17, 2] in heights of the body; NaN where they are not seen."""
    return np.where(_visibility(pose)[:, None] >= _SEEN, _points(pose) / height, np.nan).astype(np.float32)


def _points(pose: Mapping[str, Any]) -> Floats:
    """float[17, 2] in pixels."""
    return np.asarray(pose["points"], np.float32).reshape(-1, 2)


def _visibility(pose: Mapping[str, Any]) -> Floats:
    return np.asarray(pose["visibility"], np.float32)
