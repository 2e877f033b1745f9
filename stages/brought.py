"""What a maker brings: the picture and the person's mask in it, encoded, and what its row says of both."""

from hashlib import sha256
from typing import Any

import cv2
import numpy as np
from pyarrow import DataType, bool_, float32, int32, int64, string
from pydantic import Field

from actor18m.arrays import Bools, Frame
from actor18m.media.encoded import encoded
from actor18m.media.sharpness import sharpness
from actor18m.stage import Parameters
from stages.told import rounded

OF_MADE: dict[str, DataType] = {
    "source": string(),
    "method": string(),
    "is_generated": bool_(),
    "how": string(),
    "prompt": string(),
    "seed": int64(),
}
"""Columns of a maker of images that are made from others. `source` is view-aug, attr-aug or three-view; `method` is
real, composited or generated; `how` a word for what did it, or a model's name. Prompt and seed are null where there is
none."""
OF_PICTURE: dict[str, DataType] = {
    "width": int32(),
    "height": int32(),
    "sharpness": float32(),
    "mask_share": float32(),
    "sha256": string(),
    "mask_sha256": string(),
}
"""Columns of a maker that brings a mask, too, where the person is told. `sharpness` is the variance of the Laplacian of
the image at one size; `mask_share` is how much of it the person takes. It and the mask's SHA-256 are null
where there is no mask."""
_SHARPNESS_PX = 256


class PictureParameters(Parameters):
    webp_quality: int = Field(default=95, ge=1, le=101)
    """101 is lossless."""


def brought(picture: Frame, mask: Bools | None, of: PictureParameters) -> tuple[dict[str, Any], dict[str, bytes]]:
    """Values of OF_PICTURE, and the images of a row. The mask is lossless; None where nobody has told the person."""
    webp = encoded(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, of.webp_quality])
    png = None if mask is None else encoded(".png", mask * np.uint8(255), [cv2.IMWRITE_PNG_COMPRESSION, 9])
    height, width = picture.shape[:2]
    about = {
        "width": width,
        "height": height,
        "sharpness": rounded(sharpness(picture, _SHARPNESS_PX)),
        "mask_share": None if mask is None else rounded(float(mask.mean())),
        "sha256": sha256(webp).hexdigest(),
        "mask_sha256": None if png is None else sha256(png).hexdigest(),
    }
    return about, {"webp": webp} if png is None else {"webp": webp, "mask.png": png}
