"""PoseEstimator and PersonSegmenter: MediaPipe's pose landmarker (full). Body points in 2D and 3D, yaw, mask."""

from collections.abc import Iterable, Iterator
from typing import Any, Self

import cv2
import numpy as np

from actor18m.models.geometry import Region, body_yaw_deg, cut_out, put_back, square_around
from actor18m.models.mediapipe_tasks import Task
from actor18m.models.roles import Bools, Box, Frame, Pose

MIN_SCORE = 0.5
"""The published default, of the detector inside as of the pose's presence."""
CROP = 1.25
"""Side of the square that is looked at, in person boxes."""
LONGEST_SIDE = 640
"""A larger square is scaled down first: the model inside looks at 256 px, and large masks cost more than they tell."""
_COCO_IN_BLAZE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Where the 17 body points are among the model's 33."""
_SHOULDERS, _HIPS = slice(5, 7), slice(11, 13)


class MediaPipePose:
    weights = ("pose_landmarker_full.task",)

    def __init__(self, task: Task, crop: float) -> None:
        self._task = task
        self._crop = crop

    @classmethod
    def load(cls, min_score: float = MIN_SCORE, crop: float = CROP) -> Self:
        task = Task(
            "PoseLandmarker",
            cls.weights[0],
            min_pose_detection_confidence=min_score,
            min_pose_presence_confidence=min_score,
            output_segmentation_masks=True,
        )
        return cls(task, crop)

    def pose(self, frame: Frame, box: Box) -> Pose | None:
        region, found = self._look(frame, box)
        if not found.pose_landmarks:
            return None
        side = region[2] - region[0]
        flat, world = found.pose_landmarks[0], found.pose_world_landmarks[0]
        points = np.array([(flat[i].x, flat[i].y) for i in _COCO_IN_BLAZE], dtype=np.float32) * side + region[:2]
        points_3d = np.array([(world[i].x, world[i].y, world[i].z) for i in _COCO_IN_BLAZE], dtype=np.float32)
        to_left = np.stack([points_3d[pair][0] - points_3d[pair][1] for pair in (_SHOULDERS, _HIPS)])
        return Pose(
            points=points.astype(np.float32),
            points_3d=points_3d,
            visibility=np.array([flat[i].visibility for i in _COCO_IN_BLAZE], dtype=np.float32),
            body_yaw_deg=body_yaw_deg(to_left),
        )

    def masks(self, frames: Iterable[tuple[Frame, Box | None]]) -> Iterator[Bools | None]:
        """Each frame by itself."""
        for frame, box in frames:
            yield None if box is None else self._mask(frame, box)

    def _mask(self, frame: Frame, box: Box) -> Bools | None:
        region, found = self._look(frame, box)
        if not found.segmentation_masks:
            return None
        soft = np.squeeze(found.segmentation_masks[0].numpy_view())
        side = region[2] - region[0]
        if soft.shape[0] != side:
            soft = cv2.resize(soft, (side, side), interpolation=cv2.INTER_LINEAR)
        return put_back(soft > 0.5, region, *frame.shape[:2])

    def _look(self, frame: Frame, box: Box) -> tuple[Region, Any]:
        region = square_around(box, self._crop)
        part = cut_out(frame, region)
        if part.shape[0] > LONGEST_SIDE:
            part = cv2.resize(part, (LONGEST_SIDE, LONGEST_SIDE), interpolation=cv2.INTER_AREA).astype(np.uint8)
        return region, self._task(part)
