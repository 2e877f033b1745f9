"""Which of many pictures of one person to keep: clear ones that show something new each."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat

from actor18m.arrays import Floats
from actor18m.media.views import angle_between
from actor18m.stage import Parameters

_MOVED_MOST = 0.25
"""A pose differs by the points that have moved most: so many of those that are seen. Who lifts an arm moves few."""


class SpreadParameters(Parameters):
    apart_deg: PositiveFloat = 30.0
    apart_pose: PositiveFloat = 0.25
    """How far points of the body have moved, in heights of the body."""
    apart_s: PositiveFloat = 2.0
    """A picture that differs by so much from all that were chosen counts in full, by less in part."""
    other_expression: NonNegativeFloat = 0.5
    """What another expression counts for, seen from the same side at another time: from one picture to the next, what
    is told of a face may change though the face does not."""
    repeat: NonNegativeFloat = 0.4
    """What the same view in the same pose is worth at another time; for a third time that again, and so on."""
    min_gain: NonNegativeFloat = 0.1
    """Quality, as far as it counts, below which no more pictures are worth their place."""


@dataclass(frozen=True, eq=False)
class Picture:
    """A face or a body that may be chosen."""

    told: Mapping[str, Any]
    quality: float
    time_s: float
    yaw_deg: float
    pitch_deg: float = 0.0
    shown: float = 0.0
    """Of a body, how much of its limbs is seen, each by its better side."""
    in_frame: float = 0.0
    """Of a body, the share of its points that lie in the frame."""
    points: Floats | None = None
    """float[17, 2] of a body in its own heights; NaN where a point is not seen."""


def spread(pictures: Sequence[Picture], first: Sequence[Picture], most: int, of: SpreadParameters) -> list[Picture]:
    """The clearest ones, each counting as far as it differs from those chosen before; in order of time."""
    chosen, left = list(first[:most]), [picture for picture in pictures if picture not in first]
    worth = [picture.quality for picture in left]
    for other in chosen:
        worth = [gain * novelty(picture, other, of) for picture, gain in zip(left, worth, strict=True)]
    while left and len(chosen) < most:
        best = max(range(len(left)), key=lambda at: (worth[at], -left[at].time_s))
        if worth[best] < of.min_gain:
            break
        new = left.pop(best)
        worth.pop(best)
        chosen.append(new)
        worth = [gain * novelty(picture, new, of) for picture, gain in zip(left, worth, strict=True)]
    return sorted(chosen, key=lambda picture: picture.time_s)


def novelty(picture: Picture, other: Picture, of: SpreadParameters) -> float:
    """1 where one picture shows nothing of the other."""
    turned = max(angle_between(picture.yaw_deg, other.yaw_deg), abs(picture.pitch_deg - other.pitch_deg))
    later = min(1.0, abs(picture.time_s - other.time_s) / of.apart_s)
    expressive = later * of.other_expression if picture.told["expression"] != other.told["expression"] else 0.0
    differs = min(1.0, max(turned / of.apart_deg, moved(picture.points, other.points) / of.apart_pose, expressive))
    return differs + (1 - differs) * of.repeat * later


def moved(one: Floats | None, other: Floats | None) -> float:
    """How far the points have moved that moved most, of those seen in both, wherever the body stands."""
    if one is None or other is None:
        return 0.0
    seen = ~(np.isnan(one) | np.isnan(other)).any(axis=1)
    if not seen.any():
        return 0.0
    apart = one[seen] - other[seen]
    by_point = np.sort(np.linalg.norm(apart - np.median(apart, axis=0), axis=1))
    return float(by_point[-ceil(_MOVED_MOST * len(by_point)) :].mean())
