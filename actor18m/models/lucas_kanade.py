"""PointTracker: pyramidal Lucas-Kanade of OpenCV, checked forward and backward. Needs no weights."""

from collections.abc import Sequence
from itertools import pairwise
from typing import Self, cast

import cv2
import numpy as np

from actor18m.arrays import Bools, Box, Floats, Frame

_LONGER_SIDE = 480
_WINDOW, _LEVELS = 21, 4
_MAX_RETURN_PX = 1.0
"""A point that is followed there and back must come back as near as this, at the size that is looked at."""
_MAX_DIFFERENCE = 25.0
"""In grey levels, in the mean over the window: what lies over a point may look so that it is followed both ways."""
_QUALITY, _APART_PX = 0.01, 5
_ENOUGH = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 20, 0.03)


class LucasKanade:
    version = 1

    @classmethod
    def load(cls) -> Self:
        return cls()

    def seed(self, frames: Sequence[Frame], boxes: Sequence[Box], count: int) -> list[Floats]:
        return [_seeded(frame, box, count) for frame, box in zip(frames, boxes, strict=True)]

    def track(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        """From frame to frame; a point that was lost once stays so."""
        positions, seen = [points], [np.ones(len(points), dtype=np.bool_)]
        smaller = (_small(frame) for frame in frames)
        for one, other in pairwise(smaller):
            there, is_there = _followed(one, other, positions[-1])
            positions.append(there)
            seen.append(seen[-1] & is_there)
        return np.stack(positions), np.stack(seen)


_Small = tuple[Frame, float]
"""A grey picture as it is looked at, and its scale."""


def _seeded(frame: Frame, box: Box, count: int) -> Floats:
    small, scale = _small(frame)
    x0, y0, x1, y1 = (round(side * scale) for side in box)
    where = np.zeros(small.shape, dtype=np.uint8)
    where[max(y0, 0) : y1, max(x0, 0) : x1] = 255
    found = cast("Floats | None", cv2.goodFeaturesToTrack(small, count, _QUALITY, _APART_PX, mask=where))
    return np.zeros((0, 2), np.float32) if found is None else (found[:, 0] / scale).astype(np.float32)


def _followed(before: _Small, after: _Small, points: Floats) -> tuple[Floats, Bools]:
    """Where float32[N, 2] points of one picture are in the next, in pixels of the frames, and which are seen there."""
    if len(points) == 0:
        return points, np.zeros(0, dtype=np.bool_)
    (one, scale), (other, _) = before, after
    # There and back: what comes back elsewhere was lost on the way, or lies behind something.
    start = (points * scale)[:, None]
    there, seen_there, difference = _flow(one, other, start)
    back, seen_back, _ = _flow(other, one, there)
    returns = np.linalg.norm(back - start, axis=2)[:, 0] <= _MAX_RETURN_PX
    is_same = returns & (difference <= _MAX_DIFFERENCE)
    return (there[:, 0] / scale).astype(np.float32), seen_there & seen_back & is_same


def _flow(one: Frame, other: Frame, start: Floats) -> tuple[Floats, Bools, Floats]:
    """Where float32[N, 1, 2] points of one picture are in the other, whether there, and how differently it looks."""
    there, found, difference = cv2.calcOpticalFlowPyrLK(
        one, other, start, np.empty_like(start), winSize=(_WINDOW, _WINDOW), maxLevel=_LEVELS, criteria=_ENOUGH
    )
    return (
        np.asarray(there, dtype=np.float32),
        np.asarray(found, dtype=np.bool_)[:, 0],
        np.asarray(difference, dtype=np.float32)[:, 0],
    )


def _small(frame: Frame) -> _Small:
    grey = cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY)
    scale = min(1.0, _LONGER_SIDE / max(grey.shape))
    if scale < 1.0:
        size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
        grey = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return np.asarray(grey, dtype=np.uint8), scale
