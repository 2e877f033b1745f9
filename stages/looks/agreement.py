"""Whether another segmenter sees the same person in a picture as its mask tells."""

import numpy as np
from pydantic import Field, PositiveFloat

from actor18m.arrays import Bools, Frame
from actor18m.media.bounds import bounds
from actor18m.models.roles import PersonSegmenter
from actor18m.stage import Parameters


class AgreementParameters(Parameters):
    upper_share: float = Field(default=0.45, gt=0, le=1)
    upper_wide: PositiveFloat = 1.2
    """The second segmenter is asked of the upper part of a person alone: of so much of their height, and of so many
    times their width."""


def second_opinion(
    second: PersonSegmenter, picture: Frame, mask: Bools, of: AgreementParameters
) -> tuple[Bools, float]:
    """Its mask, and how far the two overlap, in the upper part: legs it does not know. Below, the mask is as it was.
    `picture` is uint8[H, W, 3] RGB, `mask` bool[H, W]. With a mask of nobody nothing agrees."""
    if not mask.any():
        return mask, 0.0
    x0, y0, x1, y1 = bounds(mask)
    end = y0 + min(y1 - y0, max(round(of.upper_share * (y1 - y0)), round(of.upper_wide * (x1 - x0))))
    box = float(x0), float(y0), float(x1), float(end)
    (found,) = second.masks([(np.ascontiguousarray(picture[:end]), box)])
    other = mask.copy()
    other[:end] = False if found is None else found
    either = (mask | other)[:end].sum()
    return other, float((mask & other)[:end].sum() / either)


def agreement(second: PersonSegmenter | None, picture: Frame, mask: Bools, of: AgreementParameters) -> float | None:
    """None where nobody gives a second opinion."""
    return None if second is None else second_opinion(second, picture, mask, of)[1]
