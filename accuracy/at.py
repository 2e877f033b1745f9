"""Truth at the times that stages sampled."""

from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np

from accuracy.read import Seen
from actor18m.samples.truth import MASK_FPS, ActorTruth, Truth

BURNT_OR_BLACK = ("very_dark", "overexposed")
"""Scripts whose people are there and cannot be seen."""
_DUST_S = 1e-5
"""Times in the truth are rounded."""


def frame_at(truth: Truth, time_s: float) -> int:
    """The frame that is shown at a time."""
    return max(0, int(np.searchsorted(truth.times_s, time_s + _DUST_S, side="right")) - 1)


def mask_at(truth: Truth, masks: list[str | None], time_s: float) -> str | None:
    """Of an actor's masks the one for a time; None where the actor is not seen, or no mask was drawn for that time."""
    number = round(time_s * MASK_FPS)
    return masks[number] if abs(number / MASK_FPS - time_s) < _DUST_S and number < len(masks) else None


def by_sample(seen: Seen, stage: str, column: str) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """(frame of the truth, what was measured at it), in a column of records that number their samples."""
    truth = seen.filmed.truth
    if truth is None or stage not in seen.rows:
        return
    for record in seen.rows[stage][column]:
        yield frame_at(truth, seen.times_s[record["sample"]]), record


def subject(seen: Seen) -> ActorTruth | None:
    truth = seen.filmed.truth
    return truth.actors[0] if truth is not None and truth.actors else None


def is_wanted(seen: Seen) -> bool:
    """Would a right pipeline accept it? Labels matter of such clips."""
    return seen.filmed.state == "accepted"
