"""The real models on samples, given the boxes of a perfect tracker."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from actor18m.media.views import angle_between, body_view
from actor18m.models.backends import load
from actor18m.models.roles import KEYPOINTS
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Row
from stages.pose import Pose
from tests.stages.told_by_truth import with_boxes


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Pose:
    pulled("mediapipe-pose", "centerface")
    return Pose(pose=load("mediapipe-pose"), faces=load("centerface"))


@pytest.fixture(scope="module")
def turning(stage: Pose) -> tuple[Sequence[Mapping[str, Any]], Truth]:
    clip, truth = with_boxes("turn_standing_2")
    return poses(stage, clip), truth


def poses(stage: Pose, clip: Clip) -> Sequence[Mapping[str, Any]]:
    (outcome,) = stage.measure([clip])
    assert isinstance(outcome, Row), outcome
    found = outcome.values["poses"]
    assert isinstance(found, list)
    return found


def test_body_yaw_goes_all_the_way_round(turning: tuple[Sequence[Mapping[str, Any]], Truth]) -> None:
    found, truth = turning
    told = [(p["body_yaw_deg"], yaw_at(truth, p["sample"])) for p in found if p["body_yaw_deg"] is not None]
    assert len(told) >= 0.85 * len(truth.mask_frames)
    assert np.median([angle_between(*pair) for pair in told]) <= 10
    far = [(yaw, true) for yaw, true in told if min(abs(abs(true) - 45), abs(abs(true) - 135)) > 10]
    assert {body_view(true) for _, true in far} == {"front", "side", "back"}
    assert np.mean([body_view(yaw) == body_view(true) for yaw, true in far]) >= 0.95


def test_the_back_of_a_bald_head_is_no_face(stage: Pose) -> None:
    clip, truth = with_boxes("from_behind_1", 0, 5)
    for pose in poses(stage, clip):
        assert pose["face_score"] == 0
        assert angle_between(pose["single_body_yaw_deg"], yaw_at(truth, pose["sample"])) < 25
        assert abs(pose["head_yaw_deg"]) > 135


def test_head_yaw_is_the_heads_and_not_the_bodys(stage: Pose) -> None:
    clip, truth = with_boxes("talk_yaw_1")
    errors = []
    for pose in poses(stage, clip):
        head = truth.actors[0].head_yaw_deg[truth.mask_frames[pose["sample"]]]
        assert head is not None
        errors.append(angle_between(pose["head_yaw_deg"], head))
        assert angle_between(pose["body_yaw_deg"], yaw_at(truth, pose["sample"])) < 15
    assert np.median(errors) < 6


def test_points_are_where_they_are_seen(turning: tuple[Sequence[Mapping[str, Any]], Truth]) -> None:
    found, truth = turning
    errors = []
    for pose in found:
        frame = truth.mask_frames[pose["sample"]]
        points, box = truth.actors[0].keypoints[frame], truth.actors[0].body_box[frame]
        assert points is not None
        assert box is not None
        told = np.array(pose["points"]).reshape(len(KEYPOINTS), 2)
        errors += [np.hypot(*(told[i] - p[:2])) / (box[3] - box[1]) for i, p in enumerate(points) if p[2] == 2]
    assert np.median(errors) < 0.03
    assert np.mean(np.array(errors) < 0.1) > 0.95


def test_points_that_the_body_hides_are_not_visible(turning: tuple[Sequence[Mapping[str, Any]], Truth]) -> None:
    found, truth = turning
    right = []
    for pose in found:
        points = truth.actors[0].keypoints[truth.mask_frames[pose["sample"]]] or []
        right += [(v >= 0.5) == (p[2] == 2) for v, p in zip(pose["visibility"], points, strict=True)]
    assert np.mean(right) > 0.85  # of those that the estimator calls visible, a quarter are hidden


def test_points_beyond_the_frame_are_not_visible(stage: Pose) -> None:
    clip, truth = with_boxes("half_turn_1", 0, 4)
    ankle, shoulder = KEYPOINTS.index("left_ankle"), KEYPOINTS.index("left_shoulder")
    for pose in poses(stage, clip):
        assert pose["points"][2 * ankle + 1] > truth.height
        assert pose["visibility"][ankle] == 0
        assert pose["visibility"][shoulder] > 0.5
        assert pose["score"] == pytest.approx(np.mean(pose["visibility"]), abs=1e-3)


def yaw_at(truth: Truth, sample: int) -> float:
    yaw = truth.actors[0].body_yaw_deg[truth.mask_frames[sample]]
    assert yaw is not None
    return yaw
