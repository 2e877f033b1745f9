"""Pictures as tiles of a contact sheet."""

from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.errors import ActorError
from actor18m.media.encoded import encoded

Pixels = npt.NDArray[np.uint8]
"""uint8[H, W, 3] RGB."""

PAPER = 24
"""The grey of a sheet where there is no picture."""


def tile_of(picture: Pixels, height: int, width: int) -> Pixels:
    """The whole picture, as large as the tile allows, in its middle."""
    scale = min(height / picture.shape[0], width / picture.shape[1])
    fy, fx = (max(scale, 1 / side) for side in picture.shape[:2])  # a line of pixels stays one
    way = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(np.ascontiguousarray(picture), None, fx=fx, fy=fy, interpolation=way)
    tile: Pixels = np.full((height, width, 3), PAPER, np.uint8)
    y, x = (height - small.shape[0]) // 2, (width - small.shape[1]) // 2
    tile[y : y + small.shape[0], x : x + small.shape[1]] = small
    return tile


def write_png(sheet: Pixels, out: Path) -> None:
    """Whatever the file's name ends in."""
    content = encoded(".png", sheet, [cv2.IMWRITE_PNG_COMPRESSION, 9])
    try:
        out.write_bytes(content)
    except OSError as error:
        raise ActorError(f"{out} cannot be written: {error.strerror}") from error
