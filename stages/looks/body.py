"""What a mask tells of one body in one picture: where it is, how much of it there is, how sharp it is, what else is in
its crop."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from actor18m.arrays import Bools, Frame
from actor18m.media.bounds import PixelBox, bounds
from actor18m.media.sharpness import edges

_SHARPNESS_PX = 256
"""Longer side of a body whose sharpness is measured: bodies that are near and far can be compared."""


@dataclass(frozen=True)
class Body:
    box: PixelBox
    """Tight round the mask."""
    area_share: float
    """Of the picture."""
    coverage: float
    """Of the box."""
    cut_left: bool
    cut_top: bool
    cut_right: bool
    cut_bottom: bool
    """Whether the body goes on beyond that edge of the picture."""


def body_of(mask: Bools, at_edge: float) -> Body | None:
    """Of bool[H, W]; None of an empty one. A body is cut off at an edge when what touches the edge is at least
    `at_edge` of the shorter side of its box: a fingertip is not."""
    if not mask.any():
        return None
    x0, y0, x1, y1 = box = bounds(mask)
    area = int(mask.sum())
    long_enough = max(1.0, at_edge * min(x1 - x0, y1 - y0))
    left, top, right, bottom = (int(edge.sum()) >= long_enough for edge in (mask[:, 0], mask[0], mask[:, -1], mask[-1]))
    return Body(box, area / mask.size, area / ((x1 - x0) * (y1 - y0)), left, top, right, bottom)


def others_share(mask: Bools, box: PixelBox, margin: float, others: Sequence[Bools]) -> float:
    """How much of the body's crop, the box with `margin` of its longer side around it, other people take. Pixels that
    both masks claim are the body's."""
    region = _within(box, margin, mask)
    taken = np.zeros(mask[region].shape, dtype=np.bool_)
    for other in others:
        taken |= other[region]
    return float((taken & ~mask[region]).mean())


def sharpness_of(frame: Frame, mask: Bools, box: PixelBox) -> float:
    """Of uint8[H, W, 3]: the variance of the Laplacian inside the body, grey and at one size for all bodies. The
    outline does not count: it tells of the mask."""
    x0, y0, x1, y1 = box
    found = edges(frame[y0:y1, x0:x1], _SHARPNESS_PX)
    shape = cv2.resize(mask[y0:y1, x0:x1].astype(np.uint8), found.shape[::-1], interpolation=cv2.INTER_NEAREST)
    inside = cv2.erode(np.pad(shape, 1), np.ones((5, 5), np.uint8))[1:-1, 1:-1] > 0
    return float(found[inside].var()) if inside.any() else 0.0


def near(box: PixelBox, margin: float, other: tuple[float, float, float, float]) -> bool:
    """Whether another box reaches into the body's crop."""
    more = margin * max(box[2] - box[0], box[3] - box[1])
    apart = other[0] >= box[2] + more or other[2] <= box[0] - more
    return not (apart or other[1] >= box[3] + more or other[3] <= box[1] - more)


def _within(box: PixelBox, margin: float, mask: Bools) -> tuple[slice, slice]:
    x0, y0, x1, y1 = box
    more = round(margin * max(x1 - x0, y1 - y0))
    height, width = mask.shape
    return slice(max(0, y0 - more), min(height, y1 + more)), slice(max(0, x0 - more), min(width, x1 + more))
