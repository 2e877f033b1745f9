"""How one picture goes over into the next: which way it moves, and what no movement turns into the next one."""

from dataclasses import dataclass

import cv2
import numpy as np

from actor18m.arrays import Floats, Frame

_NEAR_PX = 7
_MOST = 60.0
"""Grey levels: more is not worse, or an edge would outweigh a face."""


@dataclass(frozen=True, eq=False)
class Flow:
    shift: tuple[float, float]
    """Pixels in x and y: the middle one of all places, which is how far the camera or its window moved if most of the
    picture stands still otherwise."""
    left: Floats
    """float32[H, W] in grey levels: by how much places differ, each with those about it, once all are where the flow
    says. Where something comes out of nothing, as a mouth that is open at once, no flow leads there."""


def flow(one: Frame, other: Frame) -> Flow:
    """Of two uint8[H, W] of one size."""
    height, width = one.shape
    finder = cv2.DISOpticalFlow.create(cv2.DISOPTICAL_FLOW_PRESET_FAST)
    way = finder.calc(one, other, np.zeros((height, width, 2), dtype=np.float32))
    # the other picture, taken back to where each place was in the one
    x, y = np.meshgrid(np.arange(width, dtype=np.float32), np.arange(height, dtype=np.float32))
    x, y = x + way[..., 0], y + way[..., 1]
    back = cv2.remap(other, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    left = np.minimum(cv2.absdiff(back, one), _MOST).astype(np.float32)
    shift_x, shift_y = np.median(way.reshape(-1, 2), axis=0)
    return Flow((float(shift_x), float(shift_y)), about(left))


def about(levels: Floats | Frame) -> Floats:
    """Each place's mean with those near it."""
    return np.asarray(cv2.blur(levels.astype(np.float32), (_NEAR_PX, _NEAR_PX)), dtype=np.float32)
