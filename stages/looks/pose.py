"""Where one body in one picture faces: a pose estimator's word, checked against whether a face is to be seen.

A pose estimator finds shoulders and hips all the way round, but it cannot always tell a front from a back: it gives the
back of a bald head a nose. A face detector can: on rendered heads it finds nearly every face up to a yaw of 90 degrees
and none beyond 135.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from actor18m.media.views import angle_between
from actor18m.models.geometry import Region, body_yaw_deg, cut_out, square_around, wrapped_deg
from actor18m.models.roles import KEYPOINTS, Bools, Box, Face, FaceDetector, Floats, Frame, Pose, PoseEstimator
from actor18m.stage import Parameters
from stages.identity import rough_yaw_deg
from stages.looks.hidden import facing


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
    """float32[17], 0 to 1; 0 outside the picture, and on the side of the body that is turned away."""
    score: float
    """Mean visibility."""
    body_yaw_deg: float | None
    """None where it cannot be told."""
    head_yaw_deg: float
    face_score: float
    """Of the face that was found where the head is; 0 where none was."""


def posture_of(
    frame: Frame, box: Box, poses: PoseEstimator, faces: FaceDetector, parameters: PostureParameters
) -> Posture | None:
    """Of the person in the box, or None where the pose estimator sees none."""
    pose = poses.pose(frame, box)
    if pose is None:
        return None
    face = _face(frame, pose, faces, parameters)
    body, head = body_yaw(pose, parameters), _yaw(pose, "ear")
    if face is None and _claims_a_face(frame, pose, head, parameters):
        # What it took for the front is the back.
        head = wrapped_deg(head + 180)
        body = None if body is None or abs(body) >= parameters.front_to_deg else wrapped_deg(body + 180)
    elif face is not None and abs(rough := rough_yaw_deg(face.points)) < parameters.front_to_deg:
        head = rough
    seen = pose.visibility * facing(head, body)
    visibility = np.where(_inside(pose.points, frame), seen, 0).astype(np.float32)
    score = float(visibility.mean())
    return Posture(pose.points, visibility, score, body, head, 0.0 if face is None else face.score)


def _claims_a_face(frame: Frame, pose: Pose, head_yaw: float, parameters: PostureParameters) -> bool:
    """Whether eyes and nose would be in the picture if the pose were right."""
    return abs(head_yaw) < parameters.front_to_deg and bool(_inside(pose.points[:3], frame).all())


def body_yaw(pose: Pose, parameters: PostureParameters) -> float | None:
    """Where shoulders and hips can be told apart, and agree."""
    across = np.stack([_across(pose, "shoulder"), _across(pose, "hip")])
    if float(np.hypot(across[0, 0], across[0, 2])) < parameters.shoulders_from_m:
        return None
    if angle_between(body_yaw_deg(across[:1]), body_yaw_deg(across[1:])) > parameters.agree_to_deg:
        return None
    return pose.body_yaw_deg


def _yaw(pose: Pose, part: str) -> float:
    return body_yaw_deg(_across(pose, part)[None])


def _across(pose: Pose, part: str) -> Floats:
    """float32[3], from the right one to the left one."""
    left, right = KEYPOINTS.index(f"left_{part}"), KEYPOINTS.index(f"right_{part}")
    vector: Floats = pose.points_3d[left] - pose.points_3d[right]
    return vector


def _face(frame: Frame, pose: Pose, faces: FaceDetector, parameters: PostureParameters) -> Face | None:
    """The surest face where the pose has the head, its points in pixels of the head's square."""
    size = parameters.head_px
    head = cut_out(frame, _head(pose, parameters.head_m))
    way = cv2.INTER_AREA if head.shape[0] > size else cv2.INTER_LINEAR
    found = faces.detect(cv2.resize(head, (size, size), interpolation=way).astype(np.uint8, copy=False))
    return found[0] if found else None


def _head(pose: Pose, side_m: float) -> Region:
    """How large a metre is in the picture follows from all points."""
    flat, upright = pose.points, pose.points_3d[:, :2]
    px_per_m = np.linalg.norm(flat - flat.mean(axis=0)) / max(
        float(np.linalg.norm(upright - upright.mean(axis=0))), 1e-6
    )
    (x, y), half = flat[:5].mean(axis=0).tolist(), float(side_m * px_per_m / 2)
    return square_around((x - half, y - half, x + half, y + half), 1.0)


def _inside(points: Floats, frame: Frame) -> Bools:
    """bool[N]"""
    height, width = frame.shape[:2]
    x, y = points.T
    inside: Bools = (x >= 0) & (x < width) & (y >= 0) & (y < height)
    return inside
