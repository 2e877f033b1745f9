"""PoseEstimator: MediaPipe's pose landmarker (full). Body points in 2D and 3D, body yaw, person mask."""

from typing import Self

import numpy as np

from actor18m.models.geometry import body_yaw_deg, cut_out, put_back, square_around
from actor18m.models.mediapipe_tasks import Task
from actor18m.models.roles import Box, Frame, Pose

MIN_SCORE = 0.5
"""The published default, of the detector inside as of the pose's presence."""
CROP = 1.25
"""Side of the square that is looked at, in person boxes."""
_COCO_IN_BLAZE = (0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28)
"""Where the 17 body points are among the model's 33."""
_SHOULDERS, _HIPS = slice(5, 7), slice(11, 13)


class MediaPipePose:
    weights = ("pose_landmarker_full.task",)

    def __init__(self, task: Task, crop: float) -> None:
        self._task = task
        self._crop = crop

    @classmethod
    def load(cls, min_score: float = MIN_SCORE, crop: float = CROP, masks: bool = False) -> Self:
        task = Task(
            "PoseLandmarker",
            cls.weights[0],
            min_pose_detection_confidence=min_score,
            min_pose_presence_confidence=min_score,
            output_segmentation_masks=masks,
        )
        return cls(task, crop)

    def pose(self, frame: Frame, box: Box) -> Pose | None:
        region = square_around(box, self._crop)
        side = region[2] - region[0]
        found = self._task(cut_out(frame, region))
        if not found.pose_landmarks:
            return None
        flat, world = found.pose_landmarks[0], found.pose_world_landmarks[0]
        points = np.array([(flat[i].x, flat[i].y) for i in _COCO_IN_BLAZE], dtype=np.float32) * side + region[:2]
        points_3d = np.array([(world[i].x, world[i].y, world[i].z) for i in _COCO_IN_BLAZE], dtype=np.float32)
        to_left = np.stack([points_3d[pair][0] - points_3d[pair][1] for pair in (_SHOULDERS, _HIPS)])
        mask = None
        if found.segmentation_masks:
            soft = np.squeeze(found.segmentation_masks[0].numpy_view())
            mask = put_back(np.rint(soft * 255).astype(np.uint8), region, *frame.shape[:2])
        return Pose(
            points=points.astype(np.float32),
            points_3d=points_3d,
            visibility=np.array([flat[i].visibility for i in _COCO_IN_BLAZE], dtype=np.float32),
            body_yaw_deg=body_yaw_deg(to_left),
            mask=mask,
        )
