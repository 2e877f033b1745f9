"""PoseEstimator and PersonSegmenter: MediaPipe's pose landmarker (full). Body points in 2D and 3D, yaw, mask.

Points and mask come from one look. Who asks for a person's mask and then for their pose, in one process, has it look
once: what is kept of a look are its points, by the pixels that were looked at, so that nothing depends on it.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

import cv2
import numpy as np

from actor18m.arrays import Bools, Box, Floats, Frame
from actor18m.media.boxes import overlap
from actor18m.media.geometry import Region, body_yaw_deg, cut_out, put_back, square_around
from actor18m.models.heads_by_points import HeadsByPoints
from actor18m.models.mediapipe_tasks import Landmarker
from actor18m.models.roles import Pose

_MIN_SCORE = 0.5
"""The published default, of the detector inside as of the pose's presence."""
_CROPS = 1.25, 2.0, 1.5, 1.0
"""Sides of the squares that are looked at, in person boxes: the first in which the model sees the person of the box. At
times it sees nobody or half of one for no reason to be seen, and the whole person in a little more or less."""
MIN_OVERLAP = 0.5
"""Of the box and what the points span in the frame. Half poses that had masks of 0.57 to 0.83 IoU had 0.32 to 0.57, and
0.83 to 0.96 in another square."""
LONGEST_SIDE = 640
"""A larger square is scaled down first: the model inside looks at 256 px, and large masks cost more than they tell."""
_COCO = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Where the 17 body points are among the model's 33."""
_KNOWN = 8192
"""Squares of which it is known what was seen in them: all of a call of long clips, in a dozen MiB."""
_SHOULDERS, _HIPS = slice(5, 7), slice(11, 13)
_ACROSS = _SHOULDERS, _SHOULDERS, _HIPS
"""By these, body yaw is told. The model's hips lag behind its shoulders at the sides and the back: on rendered people 9
in 10 errors are below 12.6 degrees so, 14.0 when both count alike, 13.2 by shoulders alone."""
_TOLD_YAWS, _TRUE_YAWS = (0, 60, 90, 110, 130, 150, 180), (0, 60, 97.5, 118.5, 135, 150, 180)
"""The model turns bodies that it sees from the side too little. On rendered people, bodies between 60 and 150 degrees
were told 8 degrees (median) too close to the front; by this, on people it was not taken from, 9 in 10 errors there fell
from 17 degrees to 11."""


class MediaPipePose(HeadsByPoints):
    weights = ("pose_landmarker_full.task",)
    version = 2

    def __init__(self, task: Landmarker) -> None:
        self._task = task
        self._known: OrderedDict[bytes, _Landmarks | None] = OrderedDict()
        """What was seen in the squares that were looked at last, by their pixels."""

    @classmethod
    def load(cls) -> Self:
        task = Landmarker(
            "PoseLandmarker",
            cls.weights[0],
            min_pose_detection_confidence=_MIN_SCORE,
            min_pose_presence_confidence=_MIN_SCORE,
            output_segmentation_masks=True,
        )
        return cls(task)

    def pose(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Pose | None]:
        """One person at a time."""
        return [self._pose(frame, box) for frame, box in zip(frames, boxes, strict=True)]

    def close(self) -> None:
        self._task.close()

    def _pose(self, frame: Frame, box: Box) -> Pose | None:
        region, look = self._best_look(frame, box, self._known_or_seen)
        if look.landmarks is None:
            return None
        flat, points_3d = look.landmarks.flat[_COCO, :], look.landmarks.world[_COCO, :]
        to_left = np.stack([points_3d[pair][0] - points_3d[pair][1] for pair in _ACROSS])
        return Pose(
            points=(flat[:, :2] * (region[2] - region[0]) + region[:2]).astype(np.float32),
            points_3d=points_3d,
            visibility=flat[:, 2],
            body_yaw_deg=_true_yaw_deg(body_yaw_deg(to_left)),
        )

    def masks(self, frames: Iterable[tuple[Frame, Box | None]]) -> Iterator[Bools | None]:
        """Each frame by itself."""
        for frame, box in frames:
            yield None if box is None else self._mask(frame, box)

    def _mask(self, frame: Frame, box: Box) -> Bools | None:
        region, look = self._best_look(frame, box, self._seen)
        if look.mask is None:
            return None
        side = region[2] - region[0]
        soft = np.squeeze(look.mask.numpy_view())
        if soft.shape[0] != side:
            soft = cv2.resize(soft, (side, side), interpolation=cv2.INTER_LINEAR)
        return put_back(soft > 0.5, region, *frame.shape[:2])

    def _best_look(self, frame: Frame, box: Box, look_at: "Callable[[Frame], _Look]") -> "tuple[Region, _Look]":
        """What the model sees, and in which square: of those that were tried, where it fits the box best."""
        looks: list[tuple[float, Region, _Look]] = []
        for crop in _CROPS:
            region = square_around(box, crop)
            look = look_at(cut_out(frame, region))
            fit = overlap(box, _span(look.landmarks.flat, region, frame)) if look.landmarks else 0.0
            looks.append((fit, region, look))
            if fit >= MIN_OVERLAP:
                break
        _, region, look = max(looks, key=lambda each: each[0])
        return region, look

    def _seen(self, square: Frame) -> "_Look":
        found = self._task(_scaled(square))
        landmarks = _landmarks(found)
        self._known[_name(square)] = landmarks
        if len(self._known) > _KNOWN:
            self._known.popitem(last=False)
        return _Look(landmarks, found.segmentation_masks[0] if landmarks else None)

    def _known_or_seen(self, square: Frame) -> "_Look":
        """Without a mask where it is known."""
        name = _name(square)
        return _Look(self._known[name], None) if name in self._known else self._seen(square)


@dataclass(frozen=True, eq=False)
class _Landmarks:
    flat: Floats
    """float32[33, 3]: x and y in sides of the square, and visibility."""
    world: Floats
    """float32[33, 3], in metres."""


@dataclass(frozen=True, eq=False)
class _Look:
    """At one square; None where nobody is seen."""

    landmarks: _Landmarks | None
    mask: Any
    """MediaPipe's image of it."""


def _landmarks(found: Any) -> _Landmarks | None:
    if not found.pose_landmarks:
        return None
    flat, world = found.pose_landmarks[0], found.pose_world_landmarks[0]
    return _Landmarks(
        np.array([(point.x, point.y, point.visibility) for point in flat], dtype=np.float32),
        np.array([(point.x, point.y, point.z) for point in world], dtype=np.float32),
    )


def _name(square: Frame) -> bytes:
    digest: bytes = sha256(square.tobytes()).digest()
    return digest


def _true_yaw_deg(told_deg: float) -> float:
    return float(np.copysign(np.interp(abs(told_deg), _TOLD_YAWS, _TRUE_YAWS), told_deg))


def _scaled(part: Frame) -> Frame:
    if part.shape[0] <= LONGEST_SIDE:
        return part
    return cv2.resize(part, (LONGEST_SIDE, LONGEST_SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _span(flat: Floats, region: Region, frame: Frame) -> Box:
    """The box of all the points, as far as it is in the frame."""
    (height, width), points = frame.shape[:2], flat[:, :2].astype(np.float64) * (region[2] - region[0]) + region[:2]
    inside = np.stack([points.min(axis=0), points.max(axis=0)]).clip(0, (width, height))
    x0, y0, x1, y1 = inside.ravel().tolist()
    return x0, y0, x1, y1
