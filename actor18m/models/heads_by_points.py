"""What every pose estimator can play, too: HeadPose, by where ears and nose are in the picture."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

from actor18m.arrays import Box, Frame
from actor18m.media.facing import head_yaw_by_points
from actor18m.models.roles import Face, Head, Pose


class HeadsByPoints(ABC):
    """A body's points are found all the way round, where a face's own end at a profile."""

    @abstractmethod
    def pose(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Pose | None]: ...

    def heads(self, frames: Sequence[Frame], people: Sequence[Box], faces: Sequence[Face]) -> list[Head | None]:
        """By the points in the picture: on rendered heads they tell yaw better than the estimator's depth does. A nod
        they do not tell."""
        found = self.pose(frames, people)
        return [None if pose is None else Head(yaw_deg=head_yaw_by_points(pose.points)) for pose in found]
