"""Writes clips that are made for a measurement: x264, the same bytes each time."""

from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av

from actor18m.arrays import Frame
from actor18m.media.x264 import REPEATABLE


def write(path: Path, shots: Sequence[Frame], fps: float, crf: int = 20) -> None:
    """uint8[H, W, 3] RGB each, of even sides."""
    rate = Fraction(fps).limit_denominator(1001)
    partial = path.with_suffix(".partial")
    with av.open(str(partial), "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=rate)
        stream.height, stream.width = shots[0].shape[:2]
        stream.pix_fmt = "yuv420p"
        stream.codec_context.thread_count = 1
        stream.options = {"crf": str(crf), "preset": "veryfast", "x264-params": REPEATABLE}
        for number, shot in enumerate(shots):
            frame = av.VideoFrame.from_ndarray(shot, format="rgb24")
            frame.pts, frame.time_base = number, 1 / rate
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    partial.replace(path)
