"""What colours a part of a picture has: enough to tell one coat from another, and the same from behind."""

import cv2
import numpy as np

from actor18m.arrays import Box, Floats, Frame

_BINS = (4, 8, 8)
"""Of lightness and of the two axes of colour in Lab: light changes more than colour does."""
_RANGES = ((0, 256), (64, 192), (64, 192))
_LONGER_SIDE = 96


def colours(frame: Frame, box: Box) -> Floats:
    """float32[256] that sums to 1, of the box in uint8[H, W, 3] RGB."""
    x0, y0, x1, y1 = (max(0, round(side)) for side in box)
    part = frame[y0 : max(y1, y0 + 1), x0 : max(x1, x0 + 1)]
    scale = min(1.0, _LONGER_SIDE / max(part.shape[:2]))
    small = cv2.resize(part, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    lab = cv2.cvtColor(small, cv2.COLOR_RGB2Lab).reshape(-1, 3)
    index = np.zeros(len(lab), dtype=np.int64)
    for channel, (bins, (low, high)) in enumerate(zip(_BINS, _RANGES, strict=True)):
        place = (lab[:, channel].astype(np.float32) - low) * bins / (high - low)
        index = index * bins + np.clip(place.astype(np.int64), 0, bins - 1)
    counts = np.bincount(index, minlength=int(np.prod(_BINS)))
    return np.asarray(counts / counts.sum(), dtype=np.float32)
