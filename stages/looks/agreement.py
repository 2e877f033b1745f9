"""Whether another segmenter sees the same person in a picture as its mask tells."""

import numpy as np
from pydantic import Field, PositiveFloat

from actor18m.arrays import Bools, Frame
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
    rows, columns = (np.flatnonzero(mask.any(axis=axis)).tolist() for axis in (1, 0))
    height, width = rows[-1] + 1 - rows[0], columns[-1] + 1 - columns[0]
    end = rows[0] + min(height, max(round(of.upper_share * height), round(of.upper_wide * width)))
    box = float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(end)
    (found,) = second.masks([(np.ascontiguousarray(picture[:end]), box)])
    other = mask.copy()
    other[:end] = False if found is None else found
    either = (mask | other)[:end].sum()
    return other, float((mask & other)[:end].sum() / either)


def agreement(second: PersonSegmenter | None, picture: Frame, mask: Bools, of: AgreementParameters) -> float | None:
    """None where nobody gives a second opinion."""
    return None if second is None else second_opinion(second, picture, mask, of)[1]
