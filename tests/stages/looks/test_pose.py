"""When a pose tells where a body faces: of points in metres, as an estimator gives them."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.media.views import angle_between
from actor18m.models.roles import KEYPOINTS, Face, Pose
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from stages.looks.pose import PostureParameters, body_yaw, postures_of


def deep_pose(shoulders_m: float, shoulders_deg: float, hips_deg: float) -> Pose:
    """With shoulders so far apart, each pair turned to its own left by so much."""
    points = np.zeros((len(KEYPOINTS), 3), np.float32)
    for part, apart_m, turned in (("shoulder", shoulders_m, shoulders_deg), ("hip", 0.25, hips_deg)):
        half = apart_m / 2 * np.array([np.cos(np.radians(turned)), 0, np.sin(np.radians(turned))])
        points[KEYPOINTS.index(f"left_{part}")], points[KEYPOINTS.index(f"right_{part}")] = half, -half
    flat = np.zeros((len(KEYPOINTS), 2), np.float32)
    return Pose(flat, points, np.ones(len(KEYPOINTS), np.float32), (shoulders_deg + hips_deg) / 2)


def test_shoulders_and_hips_that_agree_tell_it() -> None:
    assert body_yaw(deep_pose(0.35, 50, 70), PostureParameters()) == pytest.approx(60)


def test_shoulders_that_are_too_close_are_a_guess() -> None:
    assert body_yaw(deep_pose(0.2, 50, 50), PostureParameters()) is None


def test_shoulders_and_hips_that_differ_tell_nothing() -> None:
    assert body_yaw(deep_pose(0.35, 50, 100), PostureParameters()) is None
    assert body_yaw(deep_pose(0.35, 160, -170), PostureParameters()) is not None, "30 degrees apart"


class Told:
    """A pose estimator that says the same of every frame, and a face detector that sees nobody."""

    def __init__(self, pose: Pose) -> None:
        self._pose = pose
        self.heads: list[tuple[int, ...]] = []

    def pose(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Pose | None]:
        return [self._pose if box[2] > box[0] else None for box in boxes]

    def detect(self, frames: Sequence[Frame]) -> list[list[Face]]:
        self.heads += [frame.shape for frame in frames]
        return [[] for _ in frames]


def flat_pose(name: str, at_s: float) -> tuple[Pose, float]:
    """What an estimator without depth would say of a sample, and the true body yaw."""
    truth = Truth.read(SHIPPED / f"{name}.json")
    frame = int(np.searchsorted(truth.times_s, at_s))
    points, yaw = truth.actors[0].keypoints[frame], truth.actors[0].body_yaw_deg[frame]
    assert points is not None
    assert yaw is not None
    return Pose(np.array(points, np.float32)[:, :2]), yaw


@pytest.mark.parametrize("at_s", [0.0, 0.5, 1.0, 1.5, 2.0, 2.5])
def test_without_depth_and_visibility_points_in_the_picture_tell(at_s: float) -> None:
    pose, yaw = flat_pose("turn_standing_1", at_s)
    frame = np.zeros((720, 1280, 3), np.uint8)
    told = Told(pose)
    found, none = postures_of(
        [frame, frame], [(0, 0, 9, 9), (0, 0, 0, 9)], told, told, PostureParameters(front_to_deg=1)
    )
    assert none is None
    assert found is not None
    assert found.body_yaw_deg is not None
    assert angle_between(found.body_yaw_deg, yaw) < 25
    assert told.heads == [(128, 128, 3)], "a head is looked for in one square"
    if abs(yaw) < 30:
        assert found.visibility[KEYPOINTS.index("left_hip")] == 1
    if 80 < yaw < 100:
        assert found.visibility[KEYPOINTS.index("left_shoulder")] < found.visibility[KEYPOINTS.index("right_shoulder")]


def test_what_an_estimator_says_of_the_yaw_counts_more_than_its_points() -> None:
    pose, _ = flat_pose("turn_standing_1", 0.0)
    assert body_yaw(replace(pose, body_yaw_deg=77.0), PostureParameters()) == 77.0
    with_depth = replace(deep_pose(0.35, 50, 70), body_yaw_deg=None)
    assert body_yaw(with_depth, PostureParameters()) == pytest.approx(60), "by shoulders and hips"


def test_a_back_that_shows_a_face_is_told_by_no_points_in_the_picture() -> None:
    front, yaw = flat_pose("turn_standing_1", 0.0)
    mixed_up = front.points.copy()
    mixed_up[[5, 6]] = mixed_up[[6, 5]]  # the shoulders
    told = [
        body_yaw(replace(front, points=points, face_visibility=face), PostureParameters())
        for points in (front.points, mixed_up)
        for face in (None, 0.1, 0.9)
    ]
    assert all(each is not None and angle_between(each, yaw) < 25 for each in told[:3])
    assert all(each is not None and abs(each) > 135 for each in told[3:5])
    assert told[5] is None
