"""How sharp a picture is, at one size: so pictures of what is near and far can be compared."""

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Frame


def sharpness(picture: Frame, longer_px: int) -> float:
    """The variance of its edges."""
    return float(edges(picture, longer_px).var())


def edges(picture: Frame, longer_px: int) -> npt.NDArray[np.float64]:
    """float64[h, w]: the Laplacian of uint8[H, W, 3] RGB in grey, scaled until its longer side has so many pixels."""
    height, width = picture.shape[:2]
    scale = longer_px / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    grey = cv2.cvtColor(np.ascontiguousarray(picture), cv2.COLOR_RGB2GRAY)
    small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
    return cv2.Laplacian(small, cv2.CV_64F).astype(np.float64, copy=False)
