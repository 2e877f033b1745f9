"""Where one shot becomes another: at once, or by a dissolve, in which each picture mixes the two at its ends."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from actor18m.models.roles import Floats, Frame, Metric, similarity

_THUMB = 96
_MIXED = 0.2, 0.8
_WHOLE = 0.08
"""A picture with at most this share of the other shot is taken to be all of its own shot."""


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
    """What a mixture does not explain, as a share of the difference of the two ends."""
    contrast: float
    """The difference of the two ends, in grey levels."""


class BlendFinder:
    """Is shown one picture after the other; keeps only as many as a dissolve lasts."""

    def __init__(self, metric: Metric, half: int) -> None:
        self._metric = metric
        self._half = half
        self._thumbs: deque[Floats] = deque(maxlen=2 * half + 1)
        self._vectors: deque[Floats] = deque(maxlen=2 * half + 1)
        self._count = 0

    def add(self, frame: Frame, vector: Floats) -> Blend | None:
        """What is known about the sample `half` before this one."""
        grey = cv2.resize(cv2.cvtColor(frame, cv2.COLOR_RGB2GRAY), (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
        self._thumbs.append(grey.astype(np.float32).ravel())
        self._vectors.append(vector)
        self._count += 1
        if len(self._thumbs) <= 2 * self._half:
            return None
        return self._blend()

    def _blend(self) -> Blend | None:
        thumbs = np.stack(self._thumbs)
        start, end = thumbs[0], thumbs[-1]
        difference = start - end
        power = float(difference @ difference)
        contrast = (power / len(difference)) ** 0.5
        if contrast < 1:
            return None
        shares = (thumbs - end) @ difference / power
        middle = shares[self._half]
        if not _MIXED[0] < middle < _MIXED[1]:
            return None
        mixture = end + middle * difference
        residual = float(np.sqrt(((thumbs[self._half] - mixture) ** 2).mean())) / contrast
        begins, ends = _mixed_between(shares, self._half)
        origin = self._count - len(thumbs)
        return Blend(
            origin + self._half,
            origin + begins,
            origin + ends,
            similarity(self._metric, self._vectors[0], self._vectors[-1]),
            residual,
            contrast,
        )


def _mixed_between(shares: Floats, middle: int) -> tuple[int, int]:
    """The last picture that is all of the old shot, and the first that is all of the new one. Of pictures that move,
    that may be farther off than a mixture that goes on as it does in the middle begins and ends."""
    begins = max(i for i in range(middle) if shares[i] >= 1 - _WHOLE)
    ends = min(i for i in range(middle + 1, len(shares)) if shares[i] <= _WHOLE)
    first = last = middle
    while _MIXED[0] < shares[first - 1] < _MIXED[1]:
        first -= 1
    while _MIXED[0] < shares[last + 1] < _MIXED[1]:
        last += 1
    if first < last:
        slope, start = np.polyfit(np.arange(first, last + 1), shares[first : last + 1], 1)
        if slope < 0:
            begins = min(max(begins, round((1 - start) / slope)), first - 1)
            ends = max(min(ends, round(-start / slope)), last + 1)
    return begins, ends


def dissolves(blends: Sequence[Blend]) -> list[Blend]:
    """Of blends that lie over each other, the one that is explained best."""
    kept: list[Blend] = []
    for blend in sorted(blends, key=lambda each: (each.residual, each.at)):
        if all(blend.last < other.first or blend.first > other.last for other in kept):
            kept.append(blend)
    return sorted(kept, key=lambda each: each.at)
