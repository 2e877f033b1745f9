"""How much of a person a picture shows: its shot size, told by which of the body's points lie within the frame."""

from collections.abc import Sequence

from actor18m.models.roles import KEYPOINTS

LONG, FULL, MEDIUM_LONG, MEDIUM, MEDIUM_CLOSE, CLOSE = (
    "long shot",
    "full shot",
    "medium long shot",
    "medium shot",
    "medium close-up",
    "close-up",
)
_HEAD = tuple(KEYPOINTS.index(part) for part in ("nose", "left_ear", "right_ear"))
_DOWN_TO = (("ankle", FULL), ("knee", MEDIUM_LONG), ("hip", MEDIUM), ("shoulder", MEDIUM_CLOSE))


def shot_size(is_inside: Sequence[bool], height_share: float, long_to: float) -> str | None:
    """`is_inside`: whether each of `KEYPOINTS` is within the frame; `height_share`: what the body takes of the frame's
    height. The whole body is a full shot, and a long one where it takes at most `long_to`. None where the head is cut
    off: that has no name among these.
    """
    if not any(is_inside[i] for i in _HEAD):
        return None
    for part, name in _DOWN_TO:
        if any(is_inside[KEYPOINTS.index(f"{side}_{part}")] for side in ("left", "right")):
            return LONG if name == FULL and height_share <= long_to else name
    return CLOSE
