"""FrameEncoder: EfficientNet-Lite0 on LiteRT, trained on ImageNet. What a picture shows, as the 1280 numbers before
the classes."""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np

from actor18m.arrays import Floats, Frame
from actor18m.media.similarity import Metric
from actor18m.models.litert import Network

_SIDE = 224
_MIDDLE, _SPREAD = 127.0, 128.0
_POOLED = "efficientnet-lite0/model/head/Squeeze1"


class EfficientNet:
    weights = ("efficientnet_lite0.tflite",)
    metric: Metric = "cosine"

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def load(cls) -> Self:
        return cls(Network(cls.weights[0], (_POOLED,), has_inner_outputs=True))

    def encode(self, frames: Sequence[Frame]) -> list[Floats]:
        """One frame at a time."""
        return [self._encoded(frame) for frame in frames]

    def _encoded(self, frame: Frame) -> Floats:
        """float32[1280] of the whole of uint8[H, W, 3] RGB, whatever its shape: what is at its sides counts too."""
        small = cv2.resize(frame, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        (pooled,) = self._network((small.astype(np.float32) - _MIDDLE) / _SPREAD)
        return np.asarray(pooled, dtype=np.float32)
