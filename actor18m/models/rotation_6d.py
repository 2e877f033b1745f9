"""HeadPose: a network that tells a head's rotation as six numbers (6DRepNet), on onnxruntime.

What the file says is a rotation, float32[3, 3]: the six numbers are made one inside. Its angles are those of 300W-LP,
on which such networks are trained: yaw grows to the subject's right, pitch upwards, roll clockwise as we see it, which
is to their own left. Those that were trained on 300W-LP alone, as the one of the lock, know heads up to 99 degrees.
"""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Box, Frame
from actor18m.media.geometry import wrapped_deg
from actor18m.models.batches import Batches
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import Face, Head
from actor18m.models.weights import path_of

_AROUND = 0.2
"""Of the face's box, on each side: what its authors look at, beside the part of the frame that there is."""
_MEAN, _SPREAD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
"""ImageNet's, of red, green and blue."""


class Rotation6D:
    weights = ("headpose_resnet50.onnx",)
    parameters = OnnxParameters()

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self._size = int(network.shape[3]), int(network.shape[2])
        self._told = Batches("rotation-6d", self._batch, network.most)

    @classmethod
    def load(cls, parameters: OnnxParameters) -> Self:
        return cls(OnnxNetwork(path_of(cls.weights[0]), parameters))

    def close(self) -> None:
        self._network.close()

    def heads(self, frames: Sequence[Frame], people: Sequence[Box], faces: Sequence[Face]) -> list[Head | None]:
        """By the face's surroundings alone: who it belongs to is not asked. None of a face beyond the frame."""
        looks = [_around(frame, face.box) for frame, face in zip(frames, faces, strict=True)]
        told = iter(self._told([look for look in looks if look.size]))
        return [next(told) if look.size else None for look in looks]

    def _batch(self, looks: Sequence[Frame]) -> list[Head]:
        seen = np.stack([cv2.resize(look, self._size, interpolation=cv2.INTER_LINEAR) for look in looks])
        scaled = (seen.astype(np.float32) / 255 - _MEAN) / _SPREAD
        (rotations,) = self._network(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))
        return [head_of(rotation) for rotation in rotations]


def head_of(rotation: npt.NDArray[np.floating]) -> Head:
    """Of float32[3, 3], which turns about x by pitch, then about y by yaw, then about z by roll, all the way round: of
    the two ways to say one rotation that in which the head is not upside down."""
    turned: npt.NDArray[np.float64] = rotation.astype(np.float64)
    level = float(np.hypot(turned[2, 1], turned[2, 2]))
    pitch = float(np.degrees(np.arctan2(turned[2, 1], turned[2, 2])))
    yaw = float(np.degrees(np.arctan2(-turned[2, 0], level)))
    roll = float(np.degrees(np.arctan2(turned[1, 0], turned[0, 0])))
    if abs(pitch) > 90:
        pitch, yaw, roll = wrapped_deg(pitch - 180), wrapped_deg(180 - yaw), wrapped_deg(roll - 180)
    return Head(yaw_deg=wrapped_deg(-yaw), pitch_deg=pitch, roll_deg=roll)


def _around(frame: Frame, box: Box) -> Frame:
    """The part of uint8[H, W, 3] about a face, as far as there is one."""
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = box
    beside, above = _AROUND * (y1 - y0), _AROUND * (x1 - x0)
    left, top = max(0, round(x0 - beside)), max(0, round(y0 - above))
    right, bottom = min(width, round(x1 + beside)), min(height, round(y1 + above))
    return frame[top : max(top, bottom), left : max(left, right)]
