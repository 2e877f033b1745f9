"""What every pose estimator can play, too: HeadPose, by where ears and nose are in the picture."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from actor18m.arrays import Box, Frame
from actor18m.media.facing import head_yaw_by_points
from actor18m.models.roles import Face, Head, Pose

_MAX_APART = 0.25
"""From the face's nose to the pose's, in heights of the face's box. Where little of the body is in the picture, poses
turn the head wrong: of rendered heads, those that were 27 degrees off and more were 0.27 apart and more."""


class HeadsByPoints(ABC):
    """A body's points are found all the way round, where a face's own end at a profile."""

    @abstractmethod
    def pose(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Pose | None]: ...

    def heads(self, frames: Sequence[Frame], people: Sequence[Box], faces: Sequence[Face]) -> list[Head | None]:
        """By the points in the picture: on rendered heads they tell yaw better than the estimator's depth does. A nod
        they do not tell."""
        return [_head(pose, face) for pose, face in zip(self.pose(frames, people), faces, strict=True)]


def _head(pose: Pose | None, face: Face) -> Head | None:
    if pose is None:
        return None
    apart = float(np.linalg.norm(pose.points[0] - face.points[2])) / (face.box[3] - face.box[1])
    return Head(yaw_deg=head_yaw_by_points(pose.points)) if apart <= _MAX_APART else None
