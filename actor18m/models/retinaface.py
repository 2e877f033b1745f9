"""FaceDetector: RetinaFace with a ResNet-50, trained on WIDER FACE. Boxes and five points of faces, profiles too."""

from collections.abc import Sequence
from typing import Self

import numpy as np
import numpy.typing as npt

from actor18m.arrays import Floats
from actor18m.models.anchored_faces import STRIDES, AnchoredFaces, AnchoredParameters, cells
from actor18m.models.onnx_network import OnnxNetwork
from actor18m.models.weights import path_of

_ANCHORS = (16, 32), (64, 128), (256, 512)
"""Sides of the squares at each cell, in pixels, on each of the grids."""
_MEAN = 123, 117, 104
"""Of red, green and blue in the training."""
_OF_CENTRE, _OF_SIZE = 0.1, 0.2
"""What the network's numbers are multiplied with: a unit of a place is a tenth of the anchor."""


class RetinaFace(AnchoredFaces):
    weights = ("retinaface_r50.onnx",)
    parameters = AnchoredParameters()

    def __init__(
        self,
        network: OnnxNetwork,
        parameters: AnchoredParameters,
        anchors: Sequence[Sequence[int]] = _ANCHORS,
    ) -> None:
        super().__init__(network, parameters)
        self._anchors = anchors

    @classmethod
    def load(cls, parameters: AnchoredParameters) -> Self:
        return cls(OnnxNetwork(path_of(cls.weights[0]), parameters), parameters)

    def _input(self, squares: npt.NDArray[np.uint8]) -> npt.NDArray[np.floating]:
        """Blue, green, red."""
        return (squares.astype(np.float32) - np.array(_MEAN, np.float32))[..., ::-1]

    def _decoded(self, outputs: Sequence[Floats], side: int) -> tuple[Floats, Floats, Floats]:
        """Boxes as offset and logarithm of the size from each anchor, two scores of which the second is a face's, and
        points as offsets."""
        offsets, scores, points = outputs
        middles, sides = _anchors(side, self._anchors)
        centres = middles + offsets[..., :2] * _OF_CENTRE * sides
        halves = sides * np.exp(offsets[..., 2:] * _OF_SIZE) / 2
        boxes = np.concatenate([centres - halves, centres + halves], axis=-1)
        at = middles[:, None] + points.reshape(*points.shape[:2], 5, 2) * _OF_CENTRE * sides[:, None]
        return scores[..., 1], boxes, at


def _anchors(side: int, sizes: Sequence[Sequence[int]]) -> tuple[Floats, Floats]:
    """float32[A, 2] middles and [A, 1] sides, grid by grid, cell by cell, one after the other."""
    middles = [
        np.repeat((cells(side, stride) + 0.5) * stride, len(of_cell), axis=0)
        for stride, of_cell in zip(STRIDES, sizes, strict=True)
    ]
    sides = [np.resize(of_cell, (len(at), 1)) for of_cell, at in zip(sizes, middles, strict=True)]
    return np.concatenate(middles), np.concatenate(sides).astype(np.float32)
