"""FaceParser: BiSeNet with a ResNet-34 on onnxruntime, 19 classes, trained on CelebAMask-HQ."""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np

from actor18m.arrays import Frame
from actor18m.models.learned_parsing import LearnedParsing, Parts
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.weights import path_of

_SIDE = 512
_MEAN, _SPREAD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
"""ImageNet's, of red, green and blue."""


class BiSeNet(LearnedParsing):
    weights = ("face_parsing_resnet34.onnx",)
    parameters = OnnxParameters()

    def __init__(self, network: OnnxNetwork) -> None:
        super().__init__("bisenet", network.most)
        self._network = network
        fixed = network.shape[2]
        self._side = fixed if isinstance(fixed, int) else _SIDE

    @classmethod
    def load(cls, parameters: OnnxParameters) -> Self:
        return cls(OnnxNetwork(path_of(cls.weights[0]), parameters))

    def close(self) -> None:
        self._network.close()

    def _batch(self, squares: Sequence[Frame]) -> list[Parts]:
        """Its classes are `FACE_PARTS`, left and right the subject's own; its first output is the finest."""
        size = self._side, self._side
        seen = np.stack([cv2.resize(square, size, interpolation=cv2.INTER_LINEAR) for square in squares])
        scaled = (seen.astype(np.float32) / 255 - _MEAN) / _SPREAD
        likely = self._network(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))[0]
        return list(likely.argmax(axis=1).astype(np.uint8))
