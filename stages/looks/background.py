"""What is around the person of a picture, and whether it is what another picture shows around them."""

import cv2
import numpy as np

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.colour_names import counted, lab_of

_LONGER_PX = 128
_EDGE = 0.02
"""Of the longer side: so near to the person, colours are a mixture."""
_MIN_PIXELS = 60


def colours_around(picture: Frame, mask: Bools) -> Floats | None:
    """float32[len(NAMES)]: the share of each colour's name in what is not the person; None where next to nothing is."""
    scale = min(1.0, _LONGER_PX / max(mask.shape))
    size = max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale))
    small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA)
    person = cv2.resize(mask * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 0
    reach = 2 * max(1, round(_EDGE * max(size))) + 1
    around = small[cv2.dilate(person.astype(np.uint8), np.ones((reach, reach), np.uint8)) == 0]
    if len(around) < _MIN_PIXELS:
        return None
    counts = counted(lab_of(np.asarray(around, np.uint8)))
    return np.asarray(counts / counts.sum(), np.float32)


def alike(one: Floats, other: Floats) -> float:
    """How much of their colours two pictures share, 0 to 1."""
    return float(np.minimum(one, other).sum())
