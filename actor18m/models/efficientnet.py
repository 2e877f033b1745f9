"""FrameEncoder and Depiction: EfficientNet-Lite0 on LiteRT, trained on ImageNet.

What a picture shows is told as the 1280 numbers before the classes. One of ImageNet's thousand classes is "comic book":
of all of them it is the one that tells drawn people best from filmed and rendered ones.
"""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np

from actor18m.arrays import Box, Floats, Frame
from actor18m.media.geometry import square_around
from actor18m.media.similarity import Metric
from actor18m.models.litert import Network

_SIDE = 224
_MIDDLE, _SPREAD = 127.0, 128.0
_POOLED = "efficientnet-lite0/model/head/Squeeze1"
_CLASSES = "Softmax"
_COMIC_BOOK = 917
_AROUND = (1.4, 3.0)
"""Sides of the squares that are looked at, in face boxes: the face, and head and shoulders."""


class EfficientNet:
    weights = ("efficientnet_lite0.tflite",)
    metric: Metric = "cosine"

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def load(cls) -> Self:
        return cls(Network(cls.weights[0], (_POOLED, _CLASSES), has_inner_outputs=True))

    def encode(self, frames: Sequence[Frame]) -> list[Floats]:
        """One frame at a time."""
        return [self._encoded(frame) for frame in frames]

    def _encoded(self, frame: Frame) -> Floats:
        """float32[1280] of the whole of uint8[H, W, 3] RGB, whatever its shape: what is at its sides counts too."""
        pooled, _ = self._seen(frame)
        return pooled

    def drawn(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[float]:
        """The geometric mean of how likely the face, and head and shoulders, are a comic book. One after the other."""
        return [self._drawn(frame, box) for frame, box in zip(frames, boxes, strict=True)]

    def _drawn(self, frame: Frame, box: Box) -> float:
        """0 where nothing of the box is in the frame: nothing speaks for a drawing."""
        height, width = frame.shape[:2]
        likely: list[float] = []
        for scale in _AROUND:
            left, top, right, bottom = square_around(box, scale)
            part = frame[max(0, top) : min(height, bottom), max(0, left) : min(width, right)]
            if not part.size:
                return 0.0
            _, classes = self._seen(part)
            likely.append(float(classes[_COMIC_BOOK]))
        return float(np.prod(likely) ** (1 / len(likely)))

    def _seen(self, picture: Frame) -> tuple[Floats, Floats]:
        """float32[1280] and, of the classes, float32[1000], which add up to 1."""
        small = cv2.resize(picture, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        pooled, classes = self._network((small.astype(np.float32) - _MIDDLE) / _SPREAD)
        return np.asarray(pooled, dtype=np.float32), np.asarray(classes, dtype=np.float32)
