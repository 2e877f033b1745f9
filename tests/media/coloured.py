"""Small films of every kind that decoders read differently: coloured pictures that move, each unlike the others."""

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

import av
import cv2
import numpy as np
from av.video.reformatter import ColorRange, Colorspace

from actor18m.arrays import Frame

_FRAMES = 36
_NONE: Mapping[str, str] = MappingProxyType({})
_UNEVEN = np.cumsum(np.random.default_rng(5).integers(10, 120, _FRAMES)).tolist()
_QUIET = {"x265-params": "log-level=0"}


def coloured(
    path: Path,
    codec: str = "libx264",
    pix_fmt: str = "yuv420p",
    times_ms: Sequence[int] = range(0, _FRAMES * 40, 40),
    rotation: int = 0,
    colours: tuple[Colorspace, ColorRange] | None = None,
    options: Mapping[str, str] = _NONE,
) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"crf": "12"} | dict(options))
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 320, 240, pix_fmt, 12
        stream.codec_context.time_base = Fraction(1, 1000)
        stream.set_display_rotation(-rotation)
        space, level = colours or (None, None)
        if colours:
            stream.codec_context.colorspace, stream.codec_context.color_range = colours
        for number, time_ms in enumerate(times_ms):
            frame = av.VideoFrame.from_ndarray(_picture(number), format="rgb24")
            frame = frame.reformat(format=pix_fmt, dst_colorspace=space, dst_color_range=level)
            if colours:
                frame.colorspace, frame.color_range = colours
            frame.pts, frame.time_base = time_ms, Fraction(1, 1000)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def begun_later(path: Path, late_s: float, options: Mapping[str, str] = _NONE) -> Path:
    """Copied from `late_s` on, as an editor does that writes no picture anew: what a first picture needs is kept, and
    an edit list says that it is not shown."""
    whole = coloured(path.with_stem("whole"), options=options)
    with av.open(str(whole)) as read, av.open(str(path), "w") as write:
        stream = write.add_stream_from_template(read.streams.video[0])
        for packet in read.demux(video=0):
            if packet.pts is None or packet.dts is None or packet.time_base is None:
                continue
            shift = int(late_s / packet.time_base)
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, stream
            write.mux(packet)
    return path


MADE: Mapping[str, Callable[[Path], Path]] = {
    "uneven.mp4": lambda path: coloured(path, times_ms=_UNEVEN),
    "uneven.mkv": lambda path: coloured(path, times_ms=_UNEVEN),
    "b_frames.mp4": lambda path: coloured(path, options={"bf": "3"}),
    "open_groups.mp4": lambda path: coloured(path, options={"bf": "3", "x264-params": "open-gop=1:keyint=12"}),
    "hevc.mp4": lambda path: coloured(path, "libx265", options=_QUIET),
    "vp9.webm": lambda path: coloured(path, "libvpx-vp9"),
    "mpeg4.avi": lambda path: coloured(path, "mpeg4", options={"bf": "2"}),
    "turned_90.mp4": lambda path: coloured(path, rotation=90),
    "turned_180.mp4": lambda path: coloured(path, rotation=180),
    "turned_270.mp4": lambda path: coloured(path, rotation=270),
    "starts_late.mkv": lambda path: coloured(path, times_ms=range(4321, 4321 + _FRAMES * 40, 40)),
    "starts_late.ts": lambda path: coloured(path, times_ms=range(5000, 5000 + _FRAMES * 40, 40)),
    "edited.mp4": lambda path: begun_later(path, 0.2, {"bf": "3"}),
    "edited_far.mp4": lambda path: begun_later(path, 0.77),
    "ten_bits.mp4": lambda path: coloured(path, "libx265", "yuv420p10le", options=_QUIET),
    "hd_colours.mp4": lambda path: coloured(path, colours=(Colorspace.ITU709, ColorRange.MPEG)),
    "full_range.mp4": lambda path: coloured(path, "libx264", "yuvj420p", colours=(Colorspace.ITU709, ColorRange.JPEG)),
    "full_colour.mp4": lambda path: coloured(path, pix_fmt="yuv444p"),
    "interlaced.mp4": lambda path: coloured(path, options={"x264-params": "interlaced=1"}),
}
"""How each is made at a path with this name's suffix."""


def _picture(number: int) -> Frame:
    """uint8[240, 320, 3]: soft spots that move, and a corner that brightens."""
    spots = np.random.default_rng(0).integers(0, 255, (16, 24, 3), dtype=np.uint8)
    picture = cv2.resize(np.roll(spots, number, axis=1), (320, 240), interpolation=cv2.INTER_LINEAR)
    picture[:40, :40] = number * 7 % 256
    return np.asarray(picture, dtype=np.uint8)
