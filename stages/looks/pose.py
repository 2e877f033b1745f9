"""Where one body in one picture faces: a pose estimator's word, checked against whether a face is to be seen.

A pose estimator finds shoulders and hips all the way round, but it cannot always tell a front from a back: it gives the
back of a bald head a nose. A face detector can: on rendered heads it finds nearly every face up to a yaw of 90 degrees
and none beyond 135. An estimator that tells no depth is asked for points in the picture, which tell yaw less well.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from actor18m.arrays import Bools, Box, Floats, Frame
from actor18m.media.facing import body_yaw_by_points, head_yaw_by_points
from actor18m.media.geometry import Region, body_yaw_deg, cut_out, square_around, wrapped_deg
from actor18m.media.views import angle_between
from actor18m.models.roles import KEYPOINTS, Face, FaceDetector, Pose, PoseEstimator
from actor18m.stage import Parameters
from stages.identity import rough_yaw_deg
from stages.looks.hidden import facing

_SHOULDERS, _HIPS = slice(5, 7), slice(11, 13)
_TRUNK_M = 0.5
"""From the middle of the shoulders to that of the hips."""
_BACK_FROM_DEG = 135.0
"""From here on a body counts as seen from the back."""
_SHOWS_A_FACE = 0.5
"""Of an estimator's own points of the face."""


class PostureParameters(Parameters):
    head_m: PositiveFloat = 0.5
    """Side of the square about the head in which a face is looked for, in metres of the pose."""
    head_px: PositiveInt = 128
    """What the square is scaled to."""
    front_to_deg: PositiveFloat = 75.0
    """A head that is turned by less shows its face. Face points tell yaw up to here."""
    shoulders_from_m: NonNegativeFloat = 0.25
    """Shoulders that are closer together are a guess between two poses; real ones are 0.3 m apart and more."""
    agree_to_deg: PositiveFloat = 40.0
    """Shoulders and hips that differ by more do not tell where the body faces."""


@dataclass(frozen=True, eq=False)
class Posture:
    points: Floats
    """float32[17, 2], in the picture; may lie outside of it."""
    visibility: Floats
    """float32[17], 0 to 1; 0 outside the picture, and on the side of the body that is turned away. Where the estimator
    tells none, that is all it says."""
    score: float
    """Mean visibility."""
    body_yaw_deg: float | None
    """None where it cannot be told."""
    head_yaw_deg: float
    face_score: float
    """Of the face that was found where the head is; 0 where none was."""


def postures_of(
    frames: Sequence[Frame],
    boxes: Sequence[Box],
    poses: PoseEstimator,
    faces: FaceDetector,
    parameters: PostureParameters,
) -> list[Posture | None]:
    """Of the person in each frame's box, or None where the pose estimator sees none."""
    found = poses.pose(frames, boxes)
    heads = [_head(frame, pose, parameters) for frame, pose in zip(frames, found, strict=True) if pose is not None]
    at_heads = iter(faces.detect(heads))
    return [
        None if pose is None else _posture(frame, pose, next(iter(next(at_heads)), None), parameters)
        for frame, pose in zip(frames, found, strict=True)
    ]


def _posture(frame: Frame, pose: Pose, face: Face | None, parameters: PostureParameters) -> Posture:
    """`face` is the surest one where the pose has the head, its points in pixels of the head's square."""
    body, head = body_yaw(pose, parameters), _head_yaw(pose)
    if face is None and _claims_a_face(frame, pose, head, parameters):
        # What it took for the front is the back.
        head = wrapped_deg(head + 180)
        body = None if body is None or abs(body) >= parameters.front_to_deg else wrapped_deg(body + 180)
    elif face is not None and abs(rough := rough_yaw_deg(face.points)) < parameters.front_to_deg:
        head = rough
    told = np.float32(1) if pose.visibility is None else pose.visibility
    seen = told * facing(head, body)
    visibility = np.where(_inside(pose.points, frame), seen, 0).astype(np.float32)
    score = float(visibility.mean())
    return Posture(pose.points, visibility, score, body, head, 0.0 if face is None else face.score)


def _claims_a_face(frame: Frame, pose: Pose, head_yaw: float, parameters: PostureParameters) -> bool:
    """Whether eyes and nose would be in the picture if the pose were right."""
    return abs(head_yaw) < parameters.front_to_deg and bool(_inside(pose.points[:3], frame).all())


def body_yaw(pose: Pose, parameters: PostureParameters) -> float | None:
    """Where shoulders and hips can be told apart, and agree, as far as there is depth to tell that by. Without depth, a
    back that shows a face is none: left and right are mixed up."""
    if pose.points_3d is None:
        yaw = body_yaw_by_points(pose.points) if pose.body_yaw_deg is None else pose.body_yaw_deg
        return None if abs(yaw) > _BACK_FROM_DEG and (pose.face_visibility or 0.0) >= _SHOWS_A_FACE else yaw
    across = np.stack([_across(pose.points_3d, "shoulder"), _across(pose.points_3d, "hip")])
    if float(np.hypot(across[0, 0], across[0, 2])) < parameters.shoulders_from_m:
        return None
    if angle_between(body_yaw_deg(across[:1]), body_yaw_deg(across[1:])) > parameters.agree_to_deg:
        return None
    return body_yaw_deg(across) if pose.body_yaw_deg is None else pose.body_yaw_deg


def _head_yaw(pose: Pose) -> float:
    if pose.points_3d is None:
        return head_yaw_by_points(pose.points)
    return body_yaw_deg(_across(pose.points_3d, "ear")[None])


def _across(points_3d: Floats, part: str) -> Floats:
    """float32[3], from the right one to the left one."""
    left, right = KEYPOINTS.index(f"left_{part}"), KEYPOINTS.index(f"right_{part}")
    vector: Floats = points_3d[left] - points_3d[right]
    return vector


def _head(frame: Frame, pose: Pose, parameters: PostureParameters) -> Frame:
    """The square about the head, uint8[S, S, 3]."""
    size = parameters.head_px
    head = cut_out(frame, _about_the_head(pose, parameters.head_m))
    way = cv2.INTER_AREA if head.shape[0] > size else cv2.INTER_LINEAR
    return cv2.resize(head, (size, size), interpolation=way).astype(np.uint8, copy=False)


def _about_the_head(pose: Pose, side_m: float) -> Region:
    (x, y), half = pose.points[:5].mean(axis=0).tolist(), float(side_m * _px_per_m(pose) / 2)
    return square_around((x - half, y - half, x + half, y + half), 1.0)


def _px_per_m(pose: Pose) -> np.floating[Any]:
    """How large a metre is in the picture follows from all points; without depth, from how long the trunk is."""
    flat = pose.points
    if pose.points_3d is None:
        return np.linalg.norm(flat[_SHOULDERS].mean(axis=0) - flat[_HIPS].mean(axis=0)) / _TRUNK_M
    upright = pose.points_3d[:, :2]
    return np.linalg.norm(flat - flat.mean(axis=0)) / max(float(np.linalg.norm(upright - upright.mean(axis=0))), 1e-6)


def _inside(points: Floats, frame: Frame) -> Bools:
    """bool[N]"""
    height, width = frame.shape[:2]
    x, y = points.T
    inside: Bools = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return inside
