"""Yaw by points in the picture, against what is known of rendered people."""

import numpy as np

from actor18m.media import facing
from actor18m.media.facing import Points, body_yaw_by_points, head_yaw_by_points
from actor18m.media.views import angle_between
from actor18m.models.roles import KEYPOINTS
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth

TURNING = "turn_standing_1", "turn_walking_2", "half_turn_1", "from_behind_2"
LOOKING_AROUND = "talk_yaw_1"


def known(*names: str) -> list[tuple[Points, float, float]]:
    """Points, body yaw and head yaw of every third frame."""
    found = []
    for name in names:
        (actor,) = Truth.read(SHIPPED / f"{name}.json").actors
        for points, body, head in list(zip(actor.keypoints, actor.body_yaw_deg, actor.head_yaw_deg, strict=True))[::3]:
            if points is not None and body is not None and head is not None:
                found.append((np.array(points)[:, :2], body, head))
    return found


def test_the_body_is_told_all_round() -> None:
    turning = known(*TURNING)
    errors = [angle_between(body_yaw_by_points(points), body) for points, body, _ in turning]
    assert np.median(errors) < 4
    assert np.percentile(errors, 90) < 10
    assert {round(body / 90) % 4 for _, body, _ in turning} == {0, 1, 2, 3}, "seen from all sides"


def test_a_head_that_looks_around_takes_the_body_along_by_half_at_most() -> None:
    looking = known(LOOKING_AROUND)
    turned = [abs(head - body) for _, body, head in looking]
    errors = [angle_between(body_yaw_by_points(points), body) for points, body, _ in looking]
    assert max(turned) > 55
    assert max(errors) < 0.6 * max(turned)


def test_the_head_is_told_all_round() -> None:
    errors = [angle_between(head_yaw_by_points(points), head) for points, _, head in known(*TURNING, LOOKING_AROUND)]
    assert np.median(errors) < 2
    assert np.percentile(errors, 90) < 5


def test_left_and_right_are_the_subjects_own() -> None:
    points = np.zeros((17, 2), np.float32)
    points[KEYPOINTS.index("left_shoulder")], points[KEYPOINTS.index("right_shoulder")] = (60, 50), (40, 50)
    points[KEYPOINTS.index("nose")] = (60, 30)
    assert 0 < body_yaw_by_points(points) < 90, "who turns to their own left looks to the image's right"
    points[KEYPOINTS.index("nose")] = (50, 30)
    assert body_yaw_by_points(points) == 0
    assert body_yaw_by_points(points * np.array((-1, 1), np.float32)) == 180


def test_points_are_in_the_order_of_the_roles() -> None:
    assert [
        KEYPOINTS[at]
        for at in (facing._NOSE, facing._LEFT_EAR, facing._RIGHT_EAR, facing._LEFT_SHOULDER, facing._RIGHT_SHOULDER)
    ] == ["nose", "left_ear", "right_ear", "left_shoulder", "right_shoulder"]
