import json
import subprocess
import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import cast

import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.inputs import canonical_uri
from actor18m.media.geometry import wrapped_deg
from actor18m.media.video import frames
from actor18m.models.mediapipe_pose import MediaPipePose
from actor18m.models.mediapipe_tasks import Landmarker
from actor18m.models.roles import KEYPOINTS, Pose
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from tests.models.conftest import read_rgb

IN_OPENPOSE = {"left_shoulder": 5, "right_shoulder": 2, "left_hip": 12, "right_hip": 9, "left_ankle": 14}


@pytest.fixture(scope="module")
def model(pulled: Callable[..., None]) -> MediaPipePose:
    pulled("mediapipe-pose")
    return MediaPipePose.load()


@pytest.fixture(scope="module")
def poses(model: MediaPipePose, body_views: list[Frame]) -> list[Pose]:
    found = model.pose(body_views, [(0, 0, picture.shape[1], picture.shape[0]) for picture in body_views])
    assert None not in found
    return [pose for pose in found if pose]


def test_body_yaw_goes_round_with_the_body(poses: list[Pose]) -> None:
    yaws = [pose.body_yaw_deg for pose in poses if pose.body_yaw_deg is not None]
    errors = [abs(wrapped_deg(yaw - 45 * step)) for step, yaw in enumerate(yaws)]
    assert max(errors) < 40, errors
    assert np.median(errors) < 25, errors
    assert errors[0] < 10


def test_keypoints_are_the_subjects_own_left_and_right(poses: list[Pose], footage: Path) -> None:
    labels = json.loads((footage / "bodyviews" / "oct_0000_keypoints.json").read_text())
    truth = np.array(labels["people"][0]["pose_keypoints_2d"]).reshape(-1, 3)[:, :2]
    for name, index in IN_OPENPOSE.items():
        assert np.linalg.norm(poses[0].points[KEYPOINTS.index(name)] - truth[index]) < 40, name


def test_the_mask_is_the_person(model: MediaPipePose, body_views: list[Frame], footage: Path) -> None:
    for step, mask in enumerate(model.masks((view, (0, 0, view.shape[1], view.shape[0])) for view in body_views)):
        truth = read_rgb(footage / "bodyviews" / f"oct_{step:04d}_seg.png").max(axis=2) > 0  # parts in colours
        assert mask is not None
        assert (mask & truth).sum() / (mask | truth).sum() > 0.8, step


def test_a_person_cut_off_by_the_frame_has_points_outside_of_it(model: MediaPipePose, body_views: list[Frame]) -> None:
    upper = np.ascontiguousarray(body_views[0][:600])
    pose = model.pose([upper], [(0, 0, upper.shape[1], upper.shape[0])])[0]
    assert pose is not None
    ankle = KEYPOINTS.index("left_ankle")
    assert pose.points[ankle, 1] > 600
    assert pose.visibility is not None
    assert pose.visibility[ankle] < 0.5 < pose.visibility[KEYPOINTS.index("left_shoulder")]


@pytest.mark.parametrize("box", [(414, 37, 527, 492), (416, 32, 524, 511)])
def test_who_is_seen_not_at_all_or_by_half_is_looked_at_again(model: MediaPipePose, box: Box) -> None:
    """With one look, the first box has no mask and the second one of 0.78."""
    sample = 31
    truth = Truth.read(SHIPPED / "turn_standing_1.json")
    film = frames(canonical_uri(SHIPPED / "turn_standing_1.mp4"), fps=8)
    frame = next(frame for number, (_, frame) in enumerate(film) if number == sample)
    (mask,) = model.masks([(frame, box)])
    true = truth.mask(truth.actors[0].body_masks[sample] or "")
    assert mask is not None
    assert (mask & true).sum() / (mask | true).sum() > 0.9


def test_nobody_has_neither_pose_nor_mask(model: MediaPipePose) -> None:
    grey, whole = np.full((240, 320, 3), 120, dtype=np.uint8), (0.0, 0.0, 320.0, 240.0)
    assert model.pose([grey], [whole])[0] is None
    assert list(model.masks([(grey, whole), (grey, None)])) == [None, None]


def test_what_its_native_code_says_is_not_heard(pulled: Callable[..., None]) -> None:
    pulled("mediapipe-pose")
    seeing = """
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames_at
from actor18m.models.mediapipe_pose import MediaPipePose
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
(frame,) = frames_at(canonical_uri(SHIPPED / "turn_standing_1.mp4"), [0.0])
body = Truth.read(SHIPPED / "turn_standing_1.json").actors[0].body_box[0]
print(MediaPipePose.load().pose([frame], [body])[0] is not None)
"""
    ran = subprocess.run([sys.executable, "-c", seeing], capture_output=True, text=True, check=False)
    assert (ran.stdout, ran.stderr) == ("True\n", "")


class Counting:
    """MediaPipe's task, and how often it was asked."""

    def __init__(self, task: Landmarker) -> None:
        self.task, self.count = task, 0

    def __call__(self, image: Frame) -> object:
        self.count += 1
        return self.task(image)

    def close(self) -> None:
        self.task.close()


def test_who_was_masked_is_not_looked_at_again_for_their_pose(pulled: Callable[..., None]) -> None:
    pulled("mediapipe-pose")
    truth = Truth.read(SHIPPED / "turn_walking_1.json")
    shown = islice(frames(canonical_uri(SHIPPED / "turn_walking_1.mp4")), 0, 60, 20)
    asked = [(frame, box) for (_, frame), box in zip(shown, truth.actors[0].body_box[0:60:20], strict=True) if box]
    alone = MediaPipePose.load().pose([frame for frame, _ in asked], [box for _, box in asked])
    model = MediaPipePose.load()
    counting = Counting(model._task)
    model._task = cast("Landmarker", counting)
    assert all(mask is not None for mask in model.masks(asked))
    looked = counting.count
    for pose, expected in zip(model.pose([f for f, _ in asked], [box for _, box in asked]), alone, strict=True):
        assert pose is not None
        assert expected is not None
        for name in ("points", "points_3d", "visibility"):
            assert np.array_equal(getattr(pose, name), getattr(expected, name)), name
        assert pose.body_yaw_deg == expected.body_yaw_deg
    assert counting.count == looked >= len(asked) == 3
