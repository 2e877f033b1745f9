"""Videos of a thousand bytes that carry text: whole MP4s, as publishing wants them, with a box at the end that players
skip.
"""

from functools import lru_cache
from io import BytesIO

import av
import numpy as np

_BOX = b"free"


def film(text: str, pictures: int = 2) -> bytes:
    """Shows so many pictures, two a second, each brighter than the one before, and says `text`."""
    told = text.encode()
    return _pictures(pictures) + (len(told) + 8).to_bytes(4, "big") + _BOX + told


def text_of(content: bytes) -> str:
    """What a film says; of a file that is none, all of it."""
    return content.rpartition(_BOX)[2].decode()


@lru_cache(256)
def _pictures(count: int) -> bytes:
    made = BytesIO()
    with av.open(made, "w", format="mp4", options={"fflags": "+bitexact"}) as container:
        stream = container.add_stream("mpeg4", rate=2)
        stream.width = stream.height = 16
        stream.pix_fmt = "yuv420p"
        for number in range(count):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(np.full((16, 16, 3), number, np.uint8))))
        container.mux(stream.encode(None))
    return made.getvalue()
