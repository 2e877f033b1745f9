"""Writes H.264 MP4 files: exact frame times, rotation metadata, the same bytes for the same frames."""

from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from actor18m.media.x264 import REPEATABLE

Pixels = npt.NDArray[np.uint8]
CLOCK = 90_000  # ticks a second; 24, 25, 30 and 60 fps all divide it


def write_mp4(path: Path, frames: Iterable[Pixels], times_s: list[float], crf: int, rotation: int = 0) -> None:
    """Frames uint8[H, W, 3] RGB, upright; a rotation is undone in the pixels and told to the player instead."""
    ticks = [round(t * CLOCK) for t in times_s]
    rate = Fraction(len(ticks) - 1, 1) / Fraction(ticks[-1] - ticks[0], CLOCK)
    partial = path.with_suffix(".partial")
    with av.open(str(partial), "w", format="mp4", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=rate.limit_denominator(1001))
        stream.pix_fmt = "yuv420p"
        stream.time_base = stream.codec_context.time_base = Fraction(1, CLOCK)
        stream.codec_context.thread_count = 1
        stream.options = {"crf": str(crf), "preset": "medium", "g": "72", "x264-params": REPEATABLE}
        for frame_number, (pixels, at) in enumerate(zip(frames, ticks, strict=True)):
            coded = np.ascontiguousarray(np.rot90(pixels, rotation // 90))
            if frame_number == 0:
                stream.height, stream.width = coded.shape[:2]
            frame = av.VideoFrame.from_ndarray(coded, format="rgb24")
            frame.pts, frame.time_base = at, Fraction(1, CLOCK)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    if rotation:
        partial.write_bytes(_with_rotation(partial.read_bytes(), rotation))
    partial.replace(path)


def _with_rotation(mp4: bytes, rotation: int) -> bytes:
    """The file with the track header's matrix saying that a player turns the picture clockwise by this much."""
    at = mp4.index(b"tkhd")
    matrix = at + 4 + 4 + 20 + 8 + 8  # type; version and flags; times and ids; reserved; layer to volume
    if mp4[at + 4] != 0:
        raise ValueError("a 64-bit track header: no clip of ours is that long")
    cos, sin = {90: (0, 1), 180: (-1, 0), 270: (0, -1)}[rotation]
    entries = [cos << 16, sin << 16, 0, -sin << 16, cos << 16, 0, 0, 0, 1 << 30]
    packed = b"".join(int(e).to_bytes(4, "big", signed=True) for e in entries)
    return mp4[:matrix] + packed + mp4[matrix + 36 :]
