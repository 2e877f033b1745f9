"""ExpressionReader: EmotiEffLib's EfficientNet-B2 on onnxruntime, trained on AffectNet. Eight classes, contempt too."""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np

from actor18m.arrays import Frame
from actor18m.models.batches import Batches
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import Face, Mesh

FILE = "models/affectnet_emotions/onnx/enet_b2_8.onnx"
_SIDE = 260
_MEAN, _SPREAD = np.array([0.485, 0.456, 0.406], np.float32), np.array([0.229, 0.224, 0.225], np.float32)
"""ImageNet's, of red, green and blue."""


class EmotiEffNet:
    snapshots = ("emotieffnet",)
    parameters = OnnxParameters()
    tells = ("anger", "contempt", "disgust", "fear", "happiness", "neutral", "sadness", "surprise")
    """In the order of the network's numbers."""

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self._seen = Batches("emotieffnet", self._batch, network.most)

    @classmethod
    def load(cls, weights: Path, parameters: OnnxParameters) -> Self:
        return cls(OnnxNetwork(weights / FILE, parameters))

    def close(self) -> None:
        self._network.close()

    def read(
        self, frames: Sequence[Frame], faces: Sequence[Face], meshes: Sequence[Mesh | None]
    ) -> list[dict[str, float]]:
        """A detector's box is what it was trained on: the mesh is not asked. Nothing of a face beyond the frame."""
        looks = [_within(frame, face) for frame, face in zip(frames, faces, strict=True)]
        told = iter(self._seen([look for look in looks if look.size]))
        return [next(told) if look.size else {} for look in looks]

    def _batch(self, looks: Sequence[Frame]) -> list[dict[str, float]]:
        seen = np.stack([cv2.resize(look, (_SIDE, _SIDE), interpolation=cv2.INTER_LINEAR) for look in looks])
        scaled = (seen.astype(np.float32) / 255 - _MEAN) / _SPREAD
        (found,) = self._network(np.ascontiguousarray(scaled.transpose(0, 3, 1, 2)))
        likely = np.exp(found.astype(np.float64) - found.max(axis=1, keepdims=True))
        likely /= likely.sum(axis=1, keepdims=True)
        return [dict(zip(self.tells, each, strict=True)) for each in likely.tolist()]


def _within(frame: Frame, face: Face) -> Frame:
    """What the box holds of uint8[H, W, 3]."""
    x0, y0, x1, y1 = (max(0, round(value)) for value in face.box)
    return frame[y0:y1, x0:x1]
