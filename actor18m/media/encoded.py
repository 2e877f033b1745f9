"""Pictures as the bytes of a file."""

import cv2
import numpy as np

from actor18m.arrays import Frame


def encoded(kind: str, picture: Frame, how: list[int]) -> bytes:
    """uint8[H, W, 3] RGB or uint8[H, W] as `.webp` or `.png`; `how` is OpenCV's."""
    pixels = np.ascontiguousarray(picture[:, :, ::-1]) if picture.ndim == 3 else picture
    is_done, content = cv2.imencode(kind, pixels, how)
    if not is_done:
        raise ValueError(f"an image of {picture.shape[1]} x {picture.shape[0]} pixels cannot be written as {kind}")
    return content.tobytes()


def decoded(content: bytes) -> Frame:
    """uint8[H, W, 3] RGB."""
    pixels = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    if pixels is None:
        raise ValueError("an image that was written cannot be read again")
    return cv2.cvtColor(pixels, cv2.COLOR_BGR2RGB).astype(np.uint8, copy=False)
