"""PoseEstimator: DWPose, or RTMW of the same makers, on onnxruntime. 133 points in the picture, of which 17 are told.

They look at one person, upright in a crop of 288 x 384 px, and say of each point how well each column and each row of
it suits (SimCC). The body's 17 come first, in COCO's order; of the face's 68 only counts how sure they are.
"""

import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
from pydantic import Field, PositiveFloat

from actor18m.arrays import Box, Floats, Frame
from actor18m.models.batches import Batches
from actor18m.models.heads_by_points import HeadsByPoints
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import KEYPOINTS, Pose
from actor18m.models.weights import path_of

_BODY, _FACE = slice(0, len(KEYPOINTS)), slice(23, 91)
_MARGIN = 1.25
_MEAN, _SPREAD = np.array([123.675, 116.28, 103.53]), np.array([58.395, 57.12, 57.375])
"""Of ImageNet's red, green and blue."""
_SEEN = 0.5


class WholeBodyParameters(OnnxParameters):
    seen_from: PositiveFloat = Field(default=0.3)
    """The score from which a point counts as seen: there its visibility is 0.5, at twice as much 1. Scores are heights
    of peaks, and no probabilities: 0.3 is where those who use the model cut."""


class _WholeBody(HeadsByPoints):
    parameters = WholeBodyParameters()

    def __init__(self, network: OnnxNetwork, parameters: WholeBodyParameters) -> None:
        self._network = network
        self._size = int(network.shape[3]), int(network.shape[2])
        self._seen_from = parameters.seen_from
        self._looked = Batches("whole-body pose", self._look, network.most)

    def pose(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Pose | None]:
        """None where no point of the body is seen in a box."""
        return self._looked(list(zip(frames, boxes, strict=True)))

    def close(self) -> None:
        self._network.close()

    def _look(self, people: Sequence[tuple[Frame, Box]]) -> list[Pose | None]:
        crops = [_crop(box, self._size) for _, box in people]
        across, down = self._network(
            np.stack([_input(frame, *crop, self._size) for (frame, _), crop in zip(people, crops, strict=True)])
        )
        return [
            self._pose(*_peaks(columns, rows, self._size), *crop)
            for columns, rows, crop in zip(across, down, crops, strict=True)
        ]

    def _pose(self, points: Floats, scores: Floats, corner: Floats, scale: float) -> Pose | None:
        """Of float32[133, 2] points in the crop, whose corner is `corner` in the frame."""
        visibility = (scores / (2 * self._seen_from)).clip(0, 1).astype(np.float32)
        if float(visibility[_BODY].max()) < _SEEN:
            return None
        return Pose(
            points=(points[_BODY] / scale + corner).astype(np.float32),
            visibility=visibility[_BODY],
            face_visibility=float(visibility[_FACE].mean()),
        )


class DWPose(_WholeBody):
    weights = ("dw-ll_ucoco_384.onnx",)

    @classmethod
    def load(cls, parameters: WholeBodyParameters) -> Self:
        return cls(OnnxNetwork(path_of(cls.weights[0]), parameters), parameters)


class Rtmw(_WholeBody):
    snapshots = ("rtmw",)

    @classmethod
    def load(cls, weights: Path, parameters: WholeBodyParameters) -> Self:
        (packed,) = weights.rglob("*.zip")
        with zipfile.ZipFile(packed) as files:
            (network,) = (name for name in files.namelist() if name.endswith(".onnx"))
            return cls(OnnxNetwork(files.read(network), parameters), parameters)


def _crop(box: Box, size: tuple[int, int]) -> tuple[Floats, float]:
    """The upper left corner in the frame of what is looked at, and how many pixels of the crop a pixel becomes."""
    (x0, y0, x1, y1), (width, height) = box, size
    across = max(x1 - x0, (y1 - y0) * width / height, 1.0) * _MARGIN
    scale = width / across
    corner = np.array([(x0 + x1) / 2 - width / 2 / scale, (y0 + y1) / 2 - height / 2 / scale])
    return corner, scale


def _input(frame: Frame, corner: Floats, scale: float, size: tuple[int, int]) -> Floats:
    """float32[3, H, W]; what lies outside the frame is black."""
    moved = np.column_stack([np.eye(2) * scale, -corner * scale])
    crop = cv2.warpAffine(frame, moved, size, flags=cv2.INTER_LINEAR)
    normal: Floats = ((crop - _MEAN) / _SPREAD).astype(np.float32).transpose(2, 0, 1)
    return normal


def _peaks(across: Floats, down: Floats, size: tuple[int, int]) -> tuple[Floats, Floats]:
    """Of float32[133, columns] and float32[133, rows], finer than pixels: points in pixels of the crop, and scores."""
    finer = across.shape[1] / size[0]
    points = np.stack([across.argmax(axis=1), down.argmax(axis=1)], axis=1) / finer
    scores = (across.max(axis=1) + down.max(axis=1)) / 2
    return points, scores
