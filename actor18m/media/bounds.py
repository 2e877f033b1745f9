"""Where in a picture a mask is."""

import numpy as np

from actor18m.arrays import Bools

PixelBox = tuple[int, int, int, int]
"""x0, y0, x1, y1 in pixels; x1 and y1 are exclusive."""


def bounds(mask: Bools) -> PixelBox:
    """The smallest box that holds all of bool[H, W], which is not empty."""
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
