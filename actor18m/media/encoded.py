"""Pictures as the bytes of a file."""

import cv2
import numpy as np

from actor18m.arrays import Frame

_WEBP_HEADER = 30


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


def webp_size(content: bytes) -> tuple[int, int] | None:
    """Width and height that the header of a WebP file tells; None of what is none, or has more in it than a picture."""
    if len(content) < _WEBP_HEADER or content[:4] != b"RIFF" or content[8:12] != b"WEBP":
        return None
    kind = content[12:16]
    if kind == b"VP8 ":  # 3 bytes about the frame, 3 of a signature, then 14 bits each
        width, height = int.from_bytes(content[26:28], "little"), int.from_bytes(content[28:30], "little")
        return width & 0x3FFF, height & 0x3FFF
    if kind == b"VP8L":  # one byte of a signature, then 14 bits each, less one
        both = int.from_bytes(content[21:25], "little")
        return (both & 0x3FFF) + 1, (both >> 14 & 0x3FFF) + 1
    return None
