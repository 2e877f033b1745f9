"""FaceDetectors that look from anchors on a square picture: what RetinaFace and SCRFD have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence

import cv2
import numpy as np
import numpy.typing as npt
from pydantic import Field

from actor18m.arrays import Floats, Frame
from actor18m.models.batches import Batches
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import Face

STRIDES = 8, 16, 32
"""Pixels from one cell to the next, on each of the three grids that the anchors stand on."""


class AnchoredParameters(OnnxParameters):
    side: int = Field(default=640, gt=0, multiple_of=32)
    """Of the square into which a frame is brought as large as it fits, where the file does not fix it: smaller is
    faster, and misses small faces."""
    min_score: float = Field(default=0.5, ge=0, le=1)
    """What is less sure is not told at all; stages have bounds of their own."""
    max_overlap: float = Field(default=0.4, ge=0, le=1)
    """Boxes that share more than this of their union are one face, and the surest of them stays."""


class AnchoredFaces(ABC):
    def __init__(self, network: OnnxNetwork, parameters: AnchoredParameters) -> None:
        self._network = network
        self._parameters = parameters
        fixed = network.shape[2]
        self._side = fixed if isinstance(fixed, int) else parameters.side
        self._detected = Batches(type(self).__name__, self._batch, network.most)

    def detect(self, frames: Sequence[Frame]) -> list[list[Face]]:
        return self._detected(frames)

    def close(self) -> None:
        self._network.close()

    @abstractmethod
    def _input(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.floating]:
        """float[N, side, side, 3], as the network was trained, of uint8[N, side, side, 3] RGB."""

    @abstractmethod
    def _decoded(self, outputs: Sequence[Floats], side: int) -> tuple[Floats, Floats, Floats]:
        """Of the N pictures float32[N, A] scores, [N, A, 4] boxes and [N, A, 5, 2] points in pixels of the square."""

    def _batch(self, frames: Sequence[Frame]) -> list[list[Face]]:
        brought = [_into_square(frame, self._side) for frame in frames]
        squares = self._input(np.stack([square for square, _ in brought])).astype(np.float32)
        scores, boxes, points = self._decoded(self._network(squares.transpose(0, 3, 1, 2)), self._side)
        return [
            self._faces(frame, to_frame, *found)
            for frame, (_, to_frame), *found in zip(frames, brought, scores, boxes, points, strict=True)
        ]

    def _faces(self, frame: Frame, to_frame: Floats, scores: Floats, boxes: Floats, points: Floats) -> list[Face]:
        """The surest first, in pixels of the frame."""
        seen = np.flatnonzero(scores > self._parameters.min_score)
        seen = seen[np.argsort(-scores[seen], kind="stable")]
        seen = seen[surest(boxes[seen], self._parameters.max_overlap)]
        height, width = frame.shape[:2]
        inside = (boxes[seen] * np.tile(to_frame, 2)).clip(0, [width, height, width, height]).tolist()
        return [
            Face((x0, y0, x1, y1), float(scores[i]), (points[i] * to_frame).astype(np.float32))
            for i, (x0, y0, x1, y1) in zip(seen, inside, strict=True)
        ]


def _into_square(frame: Frame, side: int) -> tuple[Frame, Floats]:
    """uint8[side, side, 3]: the frame as large as it fits, at the top left, black beside it. And how many pixels of the
    frame one of the square is, x and y."""
    height, width = frame.shape[:2]
    scale = side / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
    square = np.zeros((side, side, 3), np.uint8)
    square[: size[1], : size[0]] = small
    return square, np.array([width / size[0], height / size[1]], np.float32)


def cells(side: int, stride: int) -> Floats:
    """float32[C, 2]: column and row of each cell of a grid, row by row."""
    count = -(-side // stride)
    rows, columns = np.mgrid[:count, :count]
    return np.stack([columns, rows], axis=-1).reshape(-1, 2).astype(np.float32)


def surest(boxes: Floats, max_overlap: float) -> list[int]:
    """Which of float32[N, 4] boxes, the surest first, stay: of those that overlap by more the first."""
    sizes = (boxes[:, 2:] - boxes[:, :2]).clip(0).prod(axis=1)
    left, stay = np.arange(len(boxes)), list[int]()
    while left.size:
        first, left = left[0], left[1:]
        stay.append(int(first))
        # what the first shares with each of the others, and with how much of both
        low, high = np.maximum(boxes[first, :2], boxes[left, :2]), np.minimum(boxes[first, 2:], boxes[left, 2:])
        both = (high - low).clip(0).prod(axis=1)
        left = left[both <= max_overlap * (sizes[first] + sizes[left] - both)]
    return stay
