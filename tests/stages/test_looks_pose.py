"""When a pose tells where a body faces: of points in metres, as an estimator gives them."""

import numpy as np
import pytest

from actor18m.models.roles import KEYPOINTS, Pose
from stages.looks.pose import PostureParameters, body_yaw


def pose(shoulders_m: float, shoulders_deg: float, hips_deg: float) -> Pose:
    """With shoulders so far apart, each pair turned to its own left by so much."""
    points = np.zeros((len(KEYPOINTS), 3), np.float32)
    for part, apart_m, turned in (("shoulder", shoulders_m, shoulders_deg), ("hip", 0.25, hips_deg)):
        half = apart_m / 2 * np.array([np.cos(np.radians(turned)), 0, np.sin(np.radians(turned))])
        points[KEYPOINTS.index(f"left_{part}")], points[KEYPOINTS.index(f"right_{part}")] = half, -half
    flat = np.zeros((len(KEYPOINTS), 2), np.float32)
    return Pose(flat, points, np.ones(len(KEYPOINTS), np.float32), (shoulders_deg + hips_deg) / 2)


def test_shoulders_and_hips_that_agree_tell_it() -> None:
    assert body_yaw(pose(0.35, 50, 70), PostureParameters()) == pytest.approx(60)


def test_shoulders_that_are_too_close_are_a_guess() -> None:
    assert body_yaw(pose(0.2, 50, 50), PostureParameters()) is None


def test_shoulders_and_hips_that_differ_tell_nothing() -> None:
    assert body_yaw(pose(0.35, 50, 100), PostureParameters()) is None
    assert body_yaw(pose(0.35, 160, -170), PostureParameters()) is not None, "30 degrees apart"
