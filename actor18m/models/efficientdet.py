"""PersonDetector: EfficientDet-Lite0 on LiteRT, trained on COCO. People from about a twelfth of the frame's height."""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np

from actor18m.arrays import Box, Floats, Frame
from actor18m.media.boxes import inside, overlap
from actor18m.media.geometry import Region
from actor18m.models.litert import Network
from actor18m.models.roles import Person

_MIN_SCORE = 0.25
_SIDE = 320
_GREY = 127
"""The input's zero point: what the padding of the training pictures was."""
_PERSON = 0
_LEVELS, _SCALES, _ASPECTS, _ANCHOR = range(3, 8), 3, (1.0, 2.0, 0.5), 3.0
"""Of the published configuration: nine anchors at each place of five grids of 8 to 128 px."""
_SAME_PERSON_OVERLAP = 0.5
_OUTPUTS = "StatefulPartitionedCall:1", "StatefulPartitionedCall:0"
_TILE_STEP = 0.5
"""A frame that is no square is looked at in squares too, this share of their side apart: whole it is shrunk too much
for who is small in it."""
_CUT = 0.02
"""A box as near as this to an edge of its square, in sides, is likely to be cut by it."""
_INSIDE = 0.4
"""A cut box of which so much lies in another one is likely a part of the same person: where it is not, the whole frame
shows who is there."""


class EfficientDet:
    weights = ("efficientdet_lite0.tflite",)

    def __init__(self, network: Network) -> None:
        self._network = network
        self._anchors = anchors()

    @classmethod
    def load(cls) -> Self:
        return cls(Network(cls.weights[0], _OUTPUTS))

    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        """One frame at a time."""
        return [self._people(frame) for frame in frames]

    def _people(self, frame: Frame) -> list[Person]:
        """People in uint8[H, W, 3] RGB, found in the whole frame or in a square of it."""
        height, width = frame.shape[:2]
        whole = self._found(frame)
        cut: list[Person] = []
        for x0, y0, x1, y1 in squares(height, width):
            margin = _CUT * (x1 - x0)
            for person in self._found(np.ascontiguousarray(frame[y0:y1, x0:x1])):
                (left, top, right, bottom), score = person.box, person.score
                moved = Person((left + x0, top + y0, right + x0, bottom + y0), score)
                is_cut = (
                    (x0 > 0 and left < margin)
                    or (y0 > 0 and top < margin)
                    or (x1 < width and right > x1 - x0 - margin)
                    or (y1 < height and bottom > y1 - y0 - margin)
                )
                (cut if is_cut else whole).append(moved)
        return merged(whole, cut)

    def _found(self, frame: Frame) -> list[Person]:
        height, width = frame.shape[:2]
        scale = _SIDE / max(height, width)
        rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
        image = np.full((_SIDE, _SIDE, 3), _GREY, dtype=np.uint8)
        image[:rows, :columns] = cv2.resize(frame, (columns, rows), interpolation=cv2.INTER_AREA)
        scores, codes = self._network(image)
        sure = np.flatnonzero(scores[:, _PERSON] > _MIN_SCORE)
        boxes = decode(codes[sure], self._anchors[sure]) * np.tile([width / columns, height / rows], 2)
        people = [
            Person(_inside(box, width, height), float(score))
            for box, score in zip(boxes, scores[sure, _PERSON], strict=True)
        ]
        return merged(people, [])


def squares(height: int, width: int) -> list[Region]:
    """Squares as large as the frame's shorter side, evenly along the longer one; none for a frame that is a square."""
    side, longer = min(height, width), max(height, width)
    steps = int(np.ceil((longer / side - 1) / _TILE_STEP))
    starts = [round((longer - side) * step / steps) for step in range(steps + 1)] if steps else []
    return [(0, at, side, at + side) if height > width else (at, 0, at + side, side) for at in starts]


def merged(whole: list[Person], cut: list[Person]) -> list[Person]:
    """Each person once, the surest first: of boxes that overlap much the surest, and of those that an edge may have cut
    only those that are no part of another."""
    kept: list[Person] = []
    for person in sorted(whole, key=lambda each: -each.score):
        if all(overlap(person.box, other.box) < _SAME_PERSON_OVERLAP for other in kept):
            kept.append(person)
    for person in sorted(cut, key=lambda each: -each.score):
        if all(inside(person.box, other.box) < _INSIDE for other in kept):
            kept.append(person)
    return sorted(kept, key=lambda each: -each.score)


def anchors() -> Floats:
    """float32[A, 4]: middle y and x, height and width, in the network's order."""
    found = []
    for level in _LEVELS:
        stride = 2**level
        middles = (np.arange(-(-_SIDE // stride)) + 0.5) * stride
        ys, xs = np.meshgrid(middles, middles, indexing="ij")
        sizes = [(_ANCHOR * stride * 2 ** (scale / _SCALES), aspect) for scale in range(_SCALES) for aspect in _ASPECTS]
        each = [
            np.stack([ys, xs, np.full_like(ys, base / aspect**0.5), np.full_like(xs, base * aspect**0.5)], axis=-1)
            for base, aspect in sizes
        ]
        found.append(np.stack(each, axis=2).reshape(-1, 4))
    return np.concatenate(found).astype(np.float32)


def decode(codes: Floats, around: Floats) -> Floats:
    """float32[N, 4] boxes x0, y0, x1, y1 from the network's offsets and their anchors."""
    y, x = (codes[:, :2] * around[:, 2:] + around[:, :2]).T
    height, width = (np.exp(codes[:, 2:]) * around[:, 2:]).T
    return np.stack([x - width / 2, y - height / 2, x + width / 2, y + height / 2], axis=1)


def _inside(box: Floats, width: int, height: int) -> Box:
    x0, y0, x1, y1 = box.tolist()
    return max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)
