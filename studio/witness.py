"""What is true of one actor in one frame, read off the pose and an identity rendering."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.samples.truth import Keypoint
from studio.buffers import Posed
from studio.camera import Camera
from studio.canvas import Canvas, Identity
from studio.motion import Moment, Performance

Mask = npt.NDArray[np.bool_]

SELF_COVER_M = {"face": 0.035, "body": 0.16}  # how deep inside the surface a keypoint may lie and still be seen
SEEN_PIXELS = 20


@dataclass(frozen=True)
class Sighting:
    """What is known about one actor in one frame."""

    body_yaw_deg: float
    head_angles_deg: tuple[float, float, float]
    expression: str
    body: Mask
    face: Mask
    body_visible: float
    face_visible: float
    in_frame_visible: float
    keypoints: list[Keypoint]


def sight(
    canvas: Canvas,
    camera: Camera,
    performance: Performance,
    moment: Moment,
    number: int,
    together: Identity,
    alone: Sequence[Posed | None],
) -> Sighting:
    body, face = together.objects == number, (together.objects == number) & together.face
    unhindered = canvas.identity(camera, alone, with_scene=False)
    in_frame = int((unhindered.objects == number).sum())
    margin = _margin(camera, performance, canvas)
    if margin > 1:
        unhindered = canvas.identity(camera, alone, with_scene=False, margin=margin)
    covers = float((unhindered.objects == number).sum()) * margin**2
    face_covers = float(((unhindered.objects == number) & unhindered.face).sum()) * margin**2
    return Sighting(
        body_yaw_deg=body_yaw(camera, performance),
        head_angles_deg=head_angles(camera, performance),
        expression=moment.expression,
        body=body,
        face=face,
        body_visible=min(1.0, body.sum() / covers) if covers else 0.0,
        face_visible=min(1.0, face.sum() / face_covers) if face_covers else 0.0,
        in_frame_visible=body.sum() / in_frame if in_frame >= SEEN_PIXELS else 1.0,
        keypoints=_keypoints(camera, performance, number, together, canvas.width, canvas.height),
    )


def _margin(camera: Camera, performance: Performance, canvas: Canvas) -> float:
    """How much wider a view must be to hold the whole actor; 1 when the frame does."""
    at = camera.project(performance.posed.positions[::7], canvas.width, canvas.height)
    if (at[:, 2] < 0.1).any():
        return 4.0
    x, y = np.abs(at[:, 0] / canvas.width * 2 - 1).max(), np.abs(at[:, 1] / canvas.height * 2 - 1).max()
    reach = float(max(x, y)) * 1.02
    return 1.0 if reach <= 1.0 else min(reach, 4.0)


def _keypoints(
    camera: Camera, performance: Performance, number: int, seen: Identity, width: int, height: int
) -> list[Keypoint]:
    out: list[Keypoint] = []
    for k, (x, y, distance) in enumerate(camera.project(performance.keypoints, width, height)):
        column, row = int(np.floor(x)), int(np.floor(y))
        if not (0 <= column < width and 0 <= row < height) or distance <= 0:
            out.append((column, row, 0))
            continue
        deep = SELF_COVER_M["face" if k < 5 else "body"]
        shown = seen.objects[row, column] == number and distance - seen.distance_m[row, column] < deep
        out.append((column, row, 2 if shown else 1))
    return out


def body_yaw(camera: Camera, performance: Performance) -> float:
    """Degrees: chest and hips together, seen from the camera."""
    centre = performance.keypoints[[5, 6, 11, 12]].mean(axis=0)
    forward = performance.chest_forward / np.linalg.norm(
        performance.chest_forward
    ) + performance.hips_forward / np.linalg.norm(performance.hips_forward)
    seen = _facing_axes(camera, centre).T @ forward
    return float(np.degrees(np.arctan2(seen[0], -seen[1])))


def head_angles(camera: Camera, performance: Performance) -> tuple[float, float, float]:
    """Yaw, pitch and roll of the head in degrees, seen from the camera."""
    centre = performance.keypoints[:5].mean(axis=0)
    seen = _facing_axes(camera, centre).T @ performance.face_rotation
    forward = -seen[:, 1]
    yaw, pitch = np.arctan2(forward[0], -forward[1]), np.arcsin(np.clip(forward[2], -1, 1))
    level = cv2.Rodrigues(np.array([0, 0, yaw]))[0] @ cv2.Rodrigues(np.array([-pitch, 0, 0]))[0]
    leaning = level.T @ seen
    return float(np.degrees(yaw)), float(np.degrees(pitch)), float(np.degrees(np.arctan2(leaning[0, 2], leaning[2, 2])))


def _facing_axes(camera: Camera, at: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    """[3, 3] columns: the image's right, away from the camera, and up, for someone standing at this place."""
    away = at - np.array(camera.position)
    away = away / np.linalg.norm(away)
    right = np.cross(away, [0.0, 0.0, 1.0])
    right /= np.linalg.norm(right)
    return np.stack([right, away, np.cross(right, away)], axis=1)
