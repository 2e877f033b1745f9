"""FaceMesh: MediaPipe's face landmarker. 478 points, 52 blendshapes, head angles from its 4 x 4 matrix."""

from collections.abc import Sequence
from typing import Self

import numpy as np

from actor18m.arrays import Box, Frame
from actor18m.media.geometry import cut_out, head_angles_deg, nodded, square_around
from actor18m.models.mediapipe_tasks import Landmarker
from actor18m.models.roles import Mesh

_MIN_SCORE = 0.5
"""The published default, of the detector inside as of the mesh's presence."""
_CROP = 2.5
"""Side of the square that is looked at, in face boxes. The detector inside misses faces that are small in its view and
turned faces without their surroundings: of 40 turned faces on real stills it found 22 at 2, 28 at 2.5 and 29 at 3, of
12 rendered ones at 30 to 65 degrees 7, 9 and 9; upright frontal ones at any."""
LEVEL_PITCH_DEG = -4.0
"""What the matrix says of a level head. Of rendered heads it says 5.3 and 4.8 degrees too little (medians over two
casts), alike at all sizes, and 2 to 4 more or less from person to person. Of real people who face the camera it says
-1.6 (19 photographs) and -4.1 (23 videos), so the rest is left to the rendering. The head's place in the crop has
little part in it: a shift by which the ray that the matrix assumes turns by 10 degrees moves the pitch by 2.

A nod reads as about three quarters of itself: 0.76 and 0.82 of two rendered heads; 0.68 (0.56 to 0.79) of 37 real
pictures that were warped as if the head nodded by up to 20 degrees, where rendered ones, warped alike, read 0.73. The
landmarks themselves move too little, so other ways from them to a rotation read alike. That is not mended: a gain
stretches people's own levels with their nods, and more faces would get a wrong view (of two casts 3.7 instead of 2.7,
and 16.5 instead of 9.9 percent, at a gain of 1.25)."""
_FIVE = (468, 473, 1, 61, 291)
"""The irises, the tip of the nose, the corners of the mouth."""


class MediaPipeFace:
    weights = ("face_landmarker.task",)

    def __init__(self, task: Landmarker) -> None:
        self._task = task

    @classmethod
    def load(cls) -> Self:
        task = Landmarker(
            "FaceLandmarker",
            cls.weights[0],
            min_face_detection_confidence=_MIN_SCORE,
            min_face_presence_confidence=_MIN_SCORE,
            output_face_blendshapes=True,
            output_facial_transformation_matrixes=True,
        )
        return cls(task)

    def mesh(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Mesh | None]:
        """One face at a time."""
        return [self._mesh(frame, box) for frame, box in zip(frames, boxes, strict=True)]

    def close(self) -> None:
        self._task.close()

    def _mesh(self, frame: Frame, box: Box) -> Mesh | None:
        region = square_around(box, _CROP)
        side = region[2] - region[0]
        found = self._task(cut_out(frame, region))
        if not found.face_landmarks:
            return None
        points = np.array([(p.x, p.y, p.z) for p in found.face_landmarks[0]], dtype=np.float32) * side
        points[:, :2] += region[:2]
        rotation = np.asarray(found.facial_transformation_matrixes[0])[:3, :3]
        yaw, pitch, roll = head_angles_deg(rotation @ nodded(-LEVEL_PITCH_DEG))
        shapes = {s.category_name: float(s.score) for s in found.face_blendshapes[0]}
        return Mesh(points, points[_FIVE, :2], shapes, yaw, pitch, roll)
