"""Where one shot becomes another: at once, or by a dissolve, in which each picture mixes the two at its ends."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from actor18m.arrays import Floats, Frame
from actor18m.media.similarity import Metric, similarity

_THUMB = 96
_MIXED = 0.08, 0.92
_MIDDLE = 0.2, 0.8
"""Shares of the old shot that a picture of both has, and that one has about which a dissolve is looked for."""


@dataclass(frozen=True)
class Blend:
    """How well the pictures about a sample are mixtures of two others, the same number of samples before and after."""

    at: int
    first: int
    last: int
    """The samples between which the mixture changes."""
    similarity: float
    """Of the pictures at the two ends, as the encoder sees them."""
    residual: float
    """What a mixture does not explain, as a share of the difference of the two ends; the mean of the mixed pictures."""
    bend: float
    """How far a picture's share is from where it would be if all were mixed evenly, one after the other."""
    contrast: float
    """The difference of the two ends, in grey levels."""


def thumb(frame: Frame) -> Floats:
    """What finders look at of uint8[H, W, 3] RGB."""
    grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return grey.astype(np.float32).ravel()


class BlendFinder:
    """Is shown the thumb of one picture after the other; keeps only as many as a dissolve lasts."""

    def __init__(self, metric: Metric, half: int) -> None:
        self._metric = metric
        self._half = half
        self._thumbs: deque[Floats] = deque(maxlen=2 * half + 1)
        self._vectors: deque[Floats] = deque(maxlen=2 * half + 1)
        self._count = 0

    def add(self, picture: Floats, vector: Floats) -> Blend | None:
        """What is known about the sample `half` before this one."""
        self._thumbs.append(picture)
        self._vectors.append(vector)
        self._count += 1
        if len(self._thumbs) <= 2 * self._half:
            return None
        return self._blend()

    def _blend(self) -> Blend | None:
        thumbs = np.stack(self._thumbs)
        old, new = thumbs[0], thumbs[-1]
        difference = old - new
        power = float(difference @ difference)
        contrast = (power / len(difference)) ** 0.5
        if contrast < 1:
            return None
        shares = (thumbs - new) @ difference / power
        if not _MIDDLE[0] < shares[self._half] < _MIDDLE[1]:
            return None
        mixed = _mixed(shares, self._half)
        unexplained = thumbs[mixed] - new - shares[mixed, None] * difference
        origin = self._count - len(thumbs)
        return Blend(
            origin + self._half,
            origin + mixed.start - 1,
            origin + mixed.stop,
            similarity(self._metric, self._vectors[0], self._vectors[-1]),
            float(np.sqrt((unexplained**2).mean(axis=1)).mean()) / contrast,
            _bend(shares, mixed),
            contrast,
        )


def _mixed(shares: Floats, middle: int) -> slice:
    """The pictures about the middle one that show both shots."""
    first, last = middle, middle + 1
    while _MIXED[0] < shares[first - 1] < _MIXED[1]:
        first -= 1
    while _MIXED[0] < shares[last] < _MIXED[1]:
        last += 1
    return slice(first, last)


def _bend(shares: Floats, mixed: slice) -> float:
    if mixed.stop - mixed.start < 2:
        return 0.0
    at = np.arange(mixed.start, mixed.stop)
    slope, level = np.polyfit(at, shares[mixed], 1)
    return float(np.abs(shares[mixed] - level - slope * at).max())


def dissolves(blends: Sequence[Blend]) -> list[Blend]:
    """Of blends that lie over each other, the one that is explained best."""
    kept: list[Blend] = []
    for blend in sorted(blends, key=lambda each: (each.residual, each.at)):
        if all(blend.last < other.first or blend.first > other.last for other in kept):
            kept.append(blend)
    return sorted(kept, key=lambda each: each.at)
