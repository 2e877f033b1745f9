"""Angles as viewpoints, and angles that go round: medians and distances of degrees.

Yaw is 0 facing the camera and grows when the subject turns to their own left; pitch grows when they look up. So a face
seen "left" looks towards the image's right.
"""

from collections.abc import Sequence
from statistics import median
from typing import Literal, get_args

from actor18m.media.geometry import wrapped_deg

FaceView = Literal["front", "left", "right", "up", "down"]
BodyView = Literal["front", "side", "back"]

View = Literal["front", "left", "right", "back", "top_down", "bottom_up"]
"""What can be asked for, in the same sense: `left` is a subject who has turned to their own left, so that they look
towards the image's right and show us their right side. From above (`top_down`) a face is one that looks down."""
VIEWS: tuple[View, ...] = get_args(View)
_OF_FACES: dict[str, View] = {"up": "bottom_up", "down": "top_down"}

FRONT_YAW_DEG, FRONT_PITCH_DEG = 20.0, 15.0
"""A face is frontal within these."""
TURNED_DEG = 45.0
"""A face that is turned by more is seen from the side, whatever its pitch, which would have to be 34 degrees."""
SIDE_FROM_DEG, SIDE_TO_DEG = 45.0, 135.0


def face_view_of(yaw_deg: float | None, pitch_deg: float | None) -> FaceView | None:
    """Where pitch is not known, a face is told that is turned so far that no usual nod would count for more."""
    if yaw_deg is None or (pitch_deg is None and abs(wrapped_deg(yaw_deg)) < TURNED_DEG):
        return None
    return face_view(yaw_deg, pitch_deg or 0.0)


def face_view(yaw_deg: float, pitch_deg: float) -> FaceView:
    """Where the face looks; of two axes the one that is farther out in widths of its own bin."""
    sideways, upwards = abs(wrapped_deg(yaw_deg)) / FRONT_YAW_DEG, abs(pitch_deg) / FRONT_PITCH_DEG
    if sideways < 1 and upwards < 1:
        return "front"
    if upwards > sideways:
        return "up" if pitch_deg > 0 else "down"
    return "left" if wrapped_deg(yaw_deg) > 0 else "right"


def body_view(yaw_deg: float) -> BodyView:
    off_axis = abs(wrapped_deg(yaw_deg))
    if off_axis < SIDE_FROM_DEG:
        return "front"
    return "side" if off_axis <= SIDE_TO_DEG else "back"


def view_shown(viewpoint: str | None, yaw_deg: float | None) -> View | None:
    """Which of VIEWS a face or a body with this viewpoint shows; a body's `side` has two, told apart by the sign of its
    yaw. From which height a body is seen is told by no viewpoint."""
    if viewpoint == "side":
        return None if yaw_deg is None else "left" if wrapped_deg(yaw_deg) > 0 else "right"
    told = _OF_FACES.get(viewpoint or "", viewpoint)
    return next((view for view in VIEWS if view == told), None)


def angle_between(one_deg: float, other_deg: float) -> float:
    """The shorter way round, 0 to 180."""
    return abs(wrapped_deg(one_deg - other_deg))


def circular_median(angles_deg: Sequence[float]) -> float | None:
    """The usual median, counted from the angle to which all others are nearest; None of no angles."""
    if not angles_deg:
        return None
    ordered = sorted(wrapped_deg(angle) for angle in angles_deg)
    centre = min(ordered, key=lambda angle: sum(angle_between(angle, other) for other in ordered))
    return wrapped_deg(centre + median(wrapped_deg(angle - centre) for angle in ordered))
