"""PersonSegmenter: MediaPipe's selfie segmenter on LiteRT. Made for who sits before a camera: good from the waist up
and at hair, but not at legs and shoes."""

from collections.abc import Iterable, Iterator
from typing import Self

import cv2
import numpy as np

from actor18m.arrays import Bools, Box, Frame
from actor18m.media.geometry import cut_out, put_back, square_around
from actor18m.models.litert import Network

_SIDE = 256
_CROP = 1.1
"""The side of the square that is looked at, in person boxes."""
_OUTPUTS = ("activation_10",)


class SelfieSegmenter:
    weights = ("selfie_segmenter.tflite",)

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def load(cls) -> Self:
        return cls(Network(cls.weights[0], _OUTPUTS))

    def masks(self, frames: Iterable[tuple[Frame, Box | None]]) -> Iterator[Bools | None]:
        """Each frame by itself. Everybody in the square is taken for the person."""
        for frame, box in frames:
            yield None if box is None else self._mask(frame, box)

    def _mask(self, frame: Frame, box: Box) -> Bools:
        region = square_around(box, _CROP)
        square = cv2.resize(cut_out(frame, region), (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
        (soft,) = self._network(square.astype(np.float32) / 255)
        side = region[2] - region[0]
        fine = cv2.resize(soft[..., -1], (side, side), interpolation=cv2.INTER_LINEAR)
        return put_back(np.asarray(fine > 0.5), region, *frame.shape[:2])
