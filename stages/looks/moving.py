"""What a person does, in words, as far as where they are and face tells it: turning, moving through the picture."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from actor18m.media.geometry import wrapped_deg
from actor18m.stage import Parameters
from stages.caption import NOT_TOLD

STILL, TURNING, HEAD = "hardly moving", "turning", "turning the head"
LEFTWARDS, RIGHTWARDS = "moving to the left of the picture", "moving to the right of the picture"


class MovingParameters(Parameters):
    turns_from_deg: PositiveFloat = 50.0
    """What a body's yaw spans where the person turns; from `round_from_deg` on they turn to the other side."""
    round_from_deg: PositiveFloat = 150.0
    whole_from_deg: PositiveFloat = 300.0
    moves_from: PositiveFloat = 0.2
    """What the middle of the body's box spans where the person moves through the picture, of the frame's width."""
    nearer_from: PositiveFloat = 1.35
    """How many times as high the body is at the end, or at the beginning."""
    head_from_deg: PositiveFloat = 35.0
    """What the face's yaw spans where only the head turns."""
    head_alone: PositiveFloat = 2.0
    """A head that turns by so many times as much as the body turns alone: a body's yaw goes a little along with it."""
    turning_deg_s: PositiveFloat = 30.0
    """At a moment, who turns faster is turning; likewise for moving, in body heights a second."""
    moving_s: PositiveFloat = 0.25
    still_from_s: PositiveFloat = 0.5
    """Who is seen for less time is not said to stay in place, nor to move hardly."""
    around: PositiveInt = 2
    """Samples before and after a moment by which that is told."""


@dataclass(frozen=True)
class Seen:
    """The person in one sample, as far as it is known."""

    time_s: float
    middle_x: float
    """Of the box, as a share of the frame's width."""
    height: float
    """Of the box, in the same unit."""
    body_yaw_deg: float | None
    face_yaw_deg: float | None


def whole_action(samples: Sequence[Seen], of: MovingParameters) -> str:
    """What happens over these samples, in order of time. Not told where nothing does and they end too soon."""
    span, head = _span([each.body_yaw_deg for each in samples]), _span([each.face_yaw_deg for each in samples])
    told = []
    if span >= of.whole_from_deg:
        told.append("turns all the way round")
    elif span >= of.turns_from_deg and head < of.head_alone * span:
        told.append("turns round" if span >= of.round_from_deg else "turns")
    elif head >= of.head_from_deg:
        told.append("turns the head")
    across = [each.middle_x for each in samples]
    if max(across) - min(across) >= of.moves_from:
        told.append("moves across the picture")
    first, last = _height(samples[: len(samples) // 4 + 1]), _height(samples[-len(samples) // 4 :])
    if last >= of.nearer_from * first:
        told.append("comes nearer")
    elif first >= of.nearer_from * last:
        told.append("moves away")
    is_long = samples[-1].time_s - samples[0].time_s >= of.still_from_s
    if is_long and not any(word.startswith(("moves", "comes")) for word in told):
        told.append("stays in place")
    return " and ".join(told) or NOT_TOLD


def action_at(samples: Sequence[Seen], at: int, of: MovingParameters) -> str:
    """What happens about the sample with this index."""
    about = samples[max(0, at - of.around) : at + of.around + 1]
    duration_s = about[-1].time_s - about[0].time_s
    if duration_s <= 0:
        return NOT_TOLD
    told = []
    if _span([each.body_yaw_deg for each in about]) / duration_s >= of.turning_deg_s:
        told.append(TURNING)
    elif _span([each.face_yaw_deg for each in about]) / duration_s >= of.turning_deg_s:
        told.append(HEAD)
    step = (about[-1].middle_x - about[0].middle_x) / duration_s
    if abs(step) >= of.moving_s * _height(about):
        told.append(RIGHTWARDS if step > 0 else LEFTWARDS)
    is_long = samples[-1].time_s - samples[0].time_s >= of.still_from_s
    return " and ".join(told) or (STILL if is_long else NOT_TOLD)


def _span(angles_deg: Sequence[float | None]) -> float:
    """How far the angle goes from end to end, counted on where it passes half a turn."""
    known = [angle for angle in angles_deg if angle is not None]
    steps = [wrapped_deg(after - before) for before, after in pairwise(known)]
    way = np.cumsum([0.0, *steps])
    return float(way.max() - way.min())


def _height(samples: Sequence[Seen]) -> float:
    return float(np.median([each.height for each in samples]))
