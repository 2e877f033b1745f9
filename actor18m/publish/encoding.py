"""A window of a video, upright and cropped, encoded anew on one thread."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from pathlib import Path

import av
import av.filter
import numpy as np
from av.bitstream import BitStreamFilterContext

from actor18m.media.orientation import orientation
from actor18m.media.video import Crop, Video
from actor18m.media.x264 import REPEATABLE
from actor18m.publish.copying import CONTAINER

_X264 = {
    "preset": "medium",
    "crf": "16",
    "x264-params": REPEATABLE,
}
_SCALE = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact"


def encode(video: Video, crop: Crop | None, target: Path) -> None:
    """`crop` is of the upright picture. Pictures that cannot be decoded are left out."""
    pictures = _upright(_from_zero(video), crop)
    first = next(pictures)
    with av.open(str(target), "w", format="mp4", options=CONTAINER) as made:
        out = made.add_stream("libx264", rate=video.stream.average_rate or 25, options=_X264)
        _describe(out, first)
        durations, clean = {}, None
        for picture in chain([first], pictures, [None]):
            if picture is not None:
                durations[picture.pts] = picture.duration
            for packet in out.encode(picture):
                # The encoder's own message about itself is no picture either.
                clean, unit_s = clean or BitStreamFilterContext("filter_units=remove_types=6", out), packet.time_base
                for each in clean.filter(packet):
                    each.stream, each.time_base, each.duration = out, unit_s, durations.pop(each.pts)
                    made.mux(each)


def _from_zero(video: Video) -> Iterator[av.VideoFrame]:
    """The window's pictures with their times from the first one's, each for as long as it is shown."""
    pts = video.window.pts - video.window.pts[0]
    unit_s = video.stream.time_base or Fraction(1, 90_000)
    ends = np.append(pts[1:], round(video.window.duration_s / unit_s))
    for index, frame in video.every():
        frame.pts, frame.time_base, frame.duration = int(pts[index]), unit_s, int(ends[index] - pts[index])
        yield frame


def _upright(frames: Iterator[av.VideoFrame], crop: Crop | None) -> Iterator[av.VideoFrame]:
    """All as large as the first one, whatever the stream changes to."""
    graph, fed, size = None, None, None
    for frame in frames:
        size = size or (frame.width, frame.height)
        if graph is None or fed != (frame.width, frame.height, frame.format.name):
            graph, fed = _graph(frame, size, crop), (frame.width, frame.height, frame.format.name)
        graph.push(frame)
        picture = graph.pull()
        assert isinstance(picture, av.VideoFrame)
        yield picture


def _graph(frame: av.VideoFrame, size: tuple[int, int], crop: Crop | None) -> av.filter.Graph:
    """Half-size colour planes where the picture's edges allow it: an odd edge must not move by a pixel."""
    turned = orientation(frame)
    width, height = size[::-1] if turned.turns % 2 else size
    x0, x1, y0, y1 = crop or (0, width, 0, height)
    pixels = "yuv444p" if any(edge % 2 for edge in (x0, x1, y0, y1)) else "yuv420p"
    steps = [("scale", f"w={size[0]}:h={size[1]}:{_SCALE}"), ("format", f"pix_fmts={pixels}"), *turned.filters]
    steps.append(("crop", f"w={x1 - x0}:h={y1 - y0}:x={x0}:y={y0}:exact=1"))
    graph = av.filter.Graph()
    buffer = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    graph.link_nodes(buffer, *(graph.add(name, given) for name, given in steps), graph.add("buffersink")).configure()
    return graph


def _describe(out: av.VideoStream, picture: av.VideoFrame) -> None:
    out.width, out.height, out.pix_fmt = picture.width, picture.height, picture.format.name
    out.time_base = out.codec_context.time_base = picture.time_base or Fraction(1, 90_000)
    out.codec_context.thread_count = 1
    out.codec_context.color_range = picture.color_range
    out.codec_context.colorspace = picture.colorspace
    out.codec_context.color_primaries = picture.color_primaries
    out.codec_context.color_trc = picture.color_trc
