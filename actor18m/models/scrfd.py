"""FaceDetector: InsightFace's SCRFD of 10 GFLOPs, trained on WIDER FACE. Boxes and five points. Its weights are for
research that earns nothing."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from actor18m.arrays import Floats
from actor18m.models.anchored_faces import STRIDES, AnchoredFaces, AnchoredParameters, cells
from actor18m.models.onnx_network import OnnxNetwork
from actor18m.models.weights import path_of

_A_CELL = 2
"""Anchors, both in the cell's corner."""
_MIDDLE, _REACH = 127.5, 128.0


class Scrfd(AnchoredFaces):
    weights = ("scrfd_10g_kps.onnx",)
    parameters = AnchoredParameters()

    @classmethod
    def load(cls, parameters: AnchoredParameters) -> Self:
        return cls(OnnxNetwork(path_of(cls.weights[0]), parameters), parameters)

    def _input(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.floating]:
        """Red, green, blue."""
        return (squares.astype(np.float32) - _MIDDLE) / _REACH

    def _decoded(self, outputs: Sequence[Floats], side: int) -> tuple[Floats, Floats, Floats]:
        """Three times three outputs: scores, distances to the four sides and offsets of the points on each grid, in
        cells. Files for one picture leave its dimension out."""
        whole = [np.repeat(cells(side, stride) * stride, _A_CELL, axis=0) for stride in STRIDES]
        scores, sides, points = (
            np.concatenate(
                [
                    found.reshape(-1, len(at), numbers) * scale
                    for found, at, scale in zip(outputs[first : first + 3], whole, scales, strict=True)
                ],
                axis=1,
            )
            for first, numbers, scales in ((0, 1, (1, 1, 1)), (3, 4, STRIDES), (6, 10, STRIDES))
        )
        at = np.concatenate(whole)
        boxes = np.concatenate([at - sides[..., :2], at + sides[..., 2:]], axis=-1)
        return scores[..., 0], boxes, at[:, None] + points.reshape(*points.shape[:2], 5, 2)
