"""Which body points are turned away from the camera. A pose estimator that sees a whole person is sure of all its
points, also of those that the person's own body hides."""

import numpy as np

from actor18m.arrays import Floats
from actor18m.media.views import angle_between
from actor18m.models.roles import KEYPOINTS

_FADE_DEG = 30.0
"""Over so many degrees about the last angle a point goes out of sight."""
_TURNED_BY = {
    "nose": (0.0, 95.0), "eye": (15.0, 75.0), "ear": (80.0, 90.0), "shoulder": (90.0, 135.0), "elbow": (90.0, 135.0),
    "wrist": (90.0, 135.0), "hip": (90.0, 135.0), "knee": (90.0, 165.0),
}  # fmt: skip
"""Where a left point looks when head or body faces the camera, to the subject's left, and up to which angle from the
camera it is seen; a right one is the mirror image. Of rendered people: shares of points that are seen by their angle,
read off where they fall to a half. Ankles are seen all the way round."""


def facing(head_yaw_deg: float, body_yaw_deg: float | None) -> Floats:
    """float32[17]: 1 for points that face the camera, 0 for those that look away from it. Where the body's yaw is not
    known, its points count as seen."""
    return np.array([_facing(name, head_yaw_deg, body_yaw_deg) for name in KEYPOINTS], dtype=np.float32)


def _facing(name: str, head_yaw_deg: float, body_yaw_deg: float | None) -> float:
    part = name.removeprefix("left_").removeprefix("right_")
    yaw = head_yaw_deg if part in ("nose", "eye", "ear") else body_yaw_deg
    if yaw is None or part not in _TURNED_BY:
        return 1.0
    turned, seen_to = _TURNED_BY[part]
    angle = angle_between(yaw + (-turned if name.startswith("right_") else turned), 0.0)
    return min(1.0, max(0.0, (seen_to - angle) / _FADE_DEG + 0.5))
