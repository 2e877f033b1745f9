"""How far one picture of a person is from others in view and pose, wherever and however large the person is in them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Floats
from actor18m.models.roles import KEYPOINTS

_SEEN, _FIVE = 0.5, 5
_MOVED_MOST = 0.25
"""A pose differs by the points that are farthest off: so many of those that are seen. Who lifts an arm moves few."""

Apart = npt.NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Figures:
    """Faces, or bodies, of N pictures."""

    yaw_deg: Apart
    """float64[N]; NaN where it is not known."""
    pitch_deg: Apart
    """float64[N]; 0 where it is not known, and of bodies."""
    points: Floats
    """float32[N, K, 2] in pixels of each picture; NaN where a point is not seen."""

    def __len__(self) -> int:
        return len(self.yaw_deg)


def faces(told: Sequence[Mapping[str, Any]]) -> Figures:
    """Of rows with the fields of FACE."""
    return _figures(told, "yaw_deg", _FIVE, [None] * len(told))


def bodies(told: Sequence[Mapping[str, Any]]) -> Figures:
    """Of rows of poses."""
    return _figures(told, "body_yaw_deg", len(KEYPOINTS), [each["visibility"] for each in told])


def _figures(
    told: Sequence[Mapping[str, Any]], yaw: str, count: int, visibility: Sequence[Sequence[float] | None]
) -> Figures:
    points = np.full((len(told), count, 2), np.nan, np.float32)
    for number, (each, seen) in enumerate(zip(told, visibility, strict=True)):
        points[number] = np.asarray(each["points"], np.float32).reshape(-1, 2)
        if seen is not None:
            points[number, np.asarray(seen) < _SEEN] = np.nan
    yaws = np.array([np.nan if each[yaw] is None else each[yaw] for each in told], np.float64)
    pitches = np.array([each.get("pitch_deg") or 0.0 for each in told], np.float64)
    return Figures(yaws, pitches, points)


def view_apart_deg(one: Figures, others: Figures) -> Apart:
    """float64[N]: the angle between where the one figure looks, or its body faces, and where each of the others does;
    NaN where that is not known. How a head is tilted is a matter of its pose."""
    yaw, (pitch,) = np.radians(others.yaw_deg - one.yaw_deg), np.radians(one.pitch_deg)
    pitches = np.radians(others.pitch_deg)
    cosine = np.sin(pitch) * np.sin(pitches) + np.cos(pitch) * np.cos(pitches) * np.cos(yaw)
    apart: Apart = np.degrees(np.arccos(cosine.clip(-1, 1)))
    return apart


def pose_apart(one: Figures, others: Figures, least_points: int) -> Apart:
    """float64[N]: how far the points are off that are off most, once the one figure was moved and scaled onto each of
    the others, in sizes of the other (root mean square from its middle); NaN where too few are seen in both."""
    # float64[K, 2], [N, K, 2] and bool[N, K]: points that both pictures show
    mine, theirs = one.points[0].astype(np.float64), others.points.astype(np.float64)
    both = ~np.isnan(mine).any(axis=1) & ~np.isnan(theirs).any(axis=2)
    count = both.sum(axis=1)
    is_enough = count >= least_points
    # each about its own middle
    mine, theirs = _centred(np.broadcast_to(mine, theirs.shape), both), _centred(theirs, both)
    # the scale by which the squares of what is left are least
    scale = (mine * theirs).sum(axis=(1, 2)) / np.maximum((mine**2).sum(axis=(1, 2)), 1e-9)
    size = np.sqrt((theirs**2).sum(axis=(1, 2)) / np.maximum(count, 1))
    off = np.linalg.norm(np.maximum(scale, 0)[:, None, None] * mine - theirs, axis=2) / np.maximum(size, 1e-9)[:, None]
    return np.array(
        [_farthest(each[seen]) if enough else np.nan for each, seen, enough in zip(off, both, is_enough, strict=True)]
    )


def _centred(points: Apart, both: Bools) -> Apart:
    """float64[N, K, 2] about the middle of the points that count; the others 0."""
    counted = np.where(both[..., None], points, 0.0)
    middle = counted.sum(axis=1, keepdims=True) / np.maximum(both.sum(axis=1), 1)[:, None, None]
    return np.where(both[..., None], counted - middle, 0.0)


def _farthest(off: Apart) -> float:
    return float(np.sort(off)[-ceil(_MOVED_MOST * len(off)) :].mean())
