"""Distances of people in view and in pose."""

import numpy as np
import pytest

from actor18m.arrays import Floats
from actor18m.models.roles import KEYPOINTS
from stages.looks.apart import Figures, pose_apart, view_apart_deg

STANDING = np.array(
    [[0, 0], [2, -1], [-2, -1], [4, 0], [-4, 0], [8, 12], [-8, 12], [9, 26], [-9, 26], [10, 38], [-10, 38], [6, 42],
     [-6, 42], [6, 64], [-6, 64], [6, 84], [-6, 84]], np.float32,
)  # fmt: skip


def shown(*points: Floats, yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> Figures:
    count = len(points)
    return Figures(np.full(count, yaw_deg), np.full(count, pitch_deg), np.stack(points).astype(np.float32))


def moved(point: str, x: float, y: float) -> Floats:
    points = STANDING.copy()
    points[KEYPOINTS.index(point)] += x, y
    return points


def test_a_pose_is_the_same_wherever_and_however_large_the_person_is() -> None:
    found = pose_apart(shown(STANDING), shown(STANDING, STANDING * 3 + 50, STANDING * 0.2 - 7), 6)
    assert found == pytest.approx([0, 0, 0], abs=1e-5)


def test_a_lifted_arm_is_another_pose() -> None:
    lifted = moved("left_wrist", 18, -26)
    lifted[KEYPOINTS.index("left_elbow")] += 12, -14
    a_little = moved("left_wrist", 3, -1)
    small, large = pose_apart(shown(STANDING), shown(a_little, lifted), 6)
    assert 0 < small < 0.1
    assert large > 0.3


def test_poses_are_compared_by_what_both_show() -> None:
    from_the_waist_up = STANDING.copy()
    from_the_waist_up[KEYPOINTS.index("left_knee") :] = np.nan
    head = from_the_waist_up.copy()
    head[5:] = np.nan
    same, unknown = pose_apart(shown(STANDING), shown(from_the_waist_up, head), 6)
    assert same == pytest.approx(0, abs=1e-5)
    assert np.isnan(unknown)


def test_views_are_apart_by_the_angle_between_them() -> None:
    others = Figures(
        np.array([-170.0, 190.0, 0.0, np.nan]), np.array([0.0, 0.0, 90.0, 0.0]), np.stack([STANDING] * 4)
    )  # fmt: skip
    found = view_apart_deg(shown(STANDING, yaw_deg=170.0), others)
    assert found[:3] == pytest.approx([20, 20, 90], abs=1e-4)
    assert np.isnan(found[3])
    assert view_apart_deg(shown(STANDING, pitch_deg=30.0), shown(STANDING, pitch_deg=-10.0)) == pytest.approx([40])
