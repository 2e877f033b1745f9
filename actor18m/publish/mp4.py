"""A clip as an MP4 that holds its pictures and nothing else. The same clip gives the same bytes.

Streams are copied where MP4 can hold them and the clip is the whole file; else the window is encoded anew, on one
thread. Rotation, colours and each picture's time survive. Dropped are all tags (place, device, creation time, encoder)
and all that is not the picture: no stage has listened to the sound, and other tracks may carry the place.

Damage where no stage has looked is no reason to publish nothing: a copy carries it along, and what is encoded leaves
out the pictures that cannot be decoded.
"""

import os
from collections.abc import Iterator
from errno import EDQUOT, ENOSPC
from fractions import Fraction
from pathlib import Path
from typing import IO

import av
import av.filter
from av.video.stream import VideoStream

from actor18m.media.source import MediaError
from actor18m.media.timeline import Key, read_times
from actor18m.media.video import FORMATS, SEEKS_WELL, moving_pictures
from actor18m.media.x264 import REPEATABLE

WRITER = 1
"""Raised when the same clip would get other bytes."""

_COPIED = {"h264", "hevc", "av1", "vp9", "mpeg4"}
_CONTAINER = {"movflags": "+faststart", "fflags": "+bitexact"}
_X264 = {
    "preset": "medium",
    "crf": "16",
    "x264-params": REPEATABLE,
}
_SCALE = "flags=bicubic+accurate_rnd+full_chroma_int+bitexact"
_TURNS = {0: [], 90: [("transpose", "cclock")], 180: [("hflip", ""), ("vflip", "")], 270: [("transpose", "clock")]}


class CannotDecode(Exception):
    """The file has no pictures that can be read."""


class _CannotCopy(Exception):
    """MP4 cannot hold this stream as it is."""


def write_mp4(
    source: IO[bytes], cut: tuple[int, int] | None, crop: tuple[int, int, int, int] | None, target: Path
) -> None:
    """`cut` counts pictures, `crop` is x0, x1, y0, y1 of the upright picture."""
    try:
        if cut is None and crop is None:
            try:
                return _copy(source, target)
            except _CannotCopy:
                source.seek(0)
        _encode(source, cut, crop, target)
    except av.FFmpegError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise OSError(error.errno, os.strerror(error.errno), str(target)) from error
        raise CannotDecode(str(error)) from error


def _copy(source: IO[bytes], target: Path) -> None:
    with _opened(source) as given:
        video = _video(given)
        # AVI does not say when a picture is shown, and what FFmpeg makes of that shows two at once.
        if video.codec_context.codec.canonical_name not in _COPIED or given.format.name == "avi":
            raise _CannotCopy
        start = None
        with av.open(str(target), "w", format="mp4", options=_CONTAINER) as made:
            out = made.add_stream_from_template(video)
            out.metadata.clear()
            for packet in given.demux(video):
                if not packet.size:
                    continue
                # A discarded packet is not shown by the source, and would be by the copy.
                if packet.pts is None or packet.dts is None or packet.is_discard:
                    raise _CannotCopy
                start = packet.pts if start is None else start
                packet.pts -= start
                packet.dts -= start
                packet.stream = out
                try:
                    made.mux(packet)
                except (av.error.ArgumentError, av.error.InvalidDataError) as error:
                    raise _CannotCopy from error


def _encode(
    source: IO[bytes], cut: tuple[int, int] | None, crop: tuple[int, int, int, int] | None, target: Path
) -> None:
    shown, key = _shown(source, cut) if cut else (None, None)
    source.seek(0)
    with _opened(source) as given:
        video = _video(given)
        if key is not None and given.format.name.startswith(SEEKS_WELL):
            given.seek(key.dts, stream=video)  # a window may lie an hour behind the file's first picture
        pictures = _upright(_window(video, shown), crop)
        first = next(pictures, None)
        if first is None:
            raise CannotDecode(f"there are no pictures in it{f' from {cut[0]} to {cut[1]}' if cut else ''}")
        with av.open(str(target), "w", format="mp4", options=_CONTAINER) as made:
            out = made.add_stream("libx264", rate=video.average_rate or 25, options=_X264)
            _describe(out, first)
            durations = {}
            for picture in _and_rest(first, pictures):
                durations[picture.pts] = picture.duration
                for packet in out.encode(picture):
                    packet.duration = durations.pop(packet.pts)
                    made.mux(packet)
            for packet in out.encode(None):
                packet.duration = durations.pop(packet.pts)
                made.mux(packet)


def _opened(source: IO[bytes]) -> av.container.InputContainer:
    return av.open(source, "r", metadata_errors="ignore", container_options={"format_whitelist": FORMATS})


def _video(given: av.container.InputContainer) -> VideoStream:
    """The one that was measured."""
    video = moving_pictures(given)
    if video is None:
        raise CannotDecode("there is no video in it")
    video.thread_type = "NONE"
    video.codec_context.thread_count = 1
    return video


def _shown(source: IO[bytes], cut: tuple[int, int]) -> tuple[range, Key | None]:
    """The times of the cut's pictures, as intake counts them: by packets, so that damage before it shifts nothing. And
    where to begin to decode.
    """
    with _opened(source) as given:
        try:
            times = read_times("", given, _video(given), cut[1])
        except MediaError as error:
            raise CannotDecode(str(error)) from error
    inside = times.shown[cut[0] : cut[1]].tolist()
    return (range(inside[0], inside[-1] + 1), times.key_before(inside[0])) if inside else (range(0), None)


def _window(video: VideoStream, shown: range | None) -> Iterator[av.VideoFrame]:
    """The pictures with these times, or all; their times from the first one's and ever growing."""
    start = before = None
    for number, frame in enumerate(_decoded(video)):
        if frame.pts is None:
            frame.pts = round(number / (video.average_rate or 25) / _time_base(frame))
        if shown is not None and frame.pts not in shown:
            if frame.pts >= shown.stop:
                return
            continue
        start = frame.pts if start is None else start
        frame.pts -= start
        if before is not None and frame.pts <= before:
            frame.pts = before + 1
        before = frame.pts
        yield frame


def _decoded(video: VideoStream) -> Iterator[av.VideoFrame]:
    assert isinstance(video.container, av.container.InputContainer)
    for packet in video.container.demux(video):
        try:
            yield from packet.decode()
        except av.error.InvalidDataError:
            continue


def _upright(frames: Iterator[av.VideoFrame], crop: tuple[int, int, int, int] | None) -> Iterator[av.VideoFrame]:
    graph = None
    for frame in frames:
        if graph is None:
            graph = _graph(frame, crop)
        graph.push(frame)
        picture = graph.pull()
        assert isinstance(picture, av.VideoFrame)
        yield picture


def _graph(frame: av.VideoFrame, crop: tuple[int, int, int, int] | None) -> av.filter.Graph:
    """Half-size colour planes where the picture's edges allow it: an odd edge must not move by a pixel."""
    turn = round(frame.rotation / 90) * 90 % 360
    width, height = (frame.height, frame.width) if turn in (90, 270) else (frame.width, frame.height)
    x0, x1, y0, y1 = crop or (0, width, 0, height)
    pixels = "yuv444p" if any(edge % 2 for edge in (x0, x1, y0, y1)) else "yuv420p"
    steps = [("scale", _SCALE), ("format", f"pix_fmts={pixels}"), *_TURNS[turn]]
    steps.append(("crop", f"w={x1 - x0}:h={y1 - y0}:x={x0}:y={y0}:exact=1"))
    graph = av.filter.Graph()
    buffer = graph.add_buffer(width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base)
    graph.link_nodes(buffer, *(graph.add(name, given) for name, given in steps), graph.add("buffersink")).configure()
    return graph


def _describe(out: VideoStream, picture: av.VideoFrame) -> None:
    out.width, out.height, out.pix_fmt = picture.width, picture.height, picture.format.name
    out.time_base = out.codec_context.time_base = _time_base(picture)
    out.codec_context.thread_count = 1
    out.codec_context.color_range = picture.color_range
    out.codec_context.colorspace = picture.colorspace
    out.codec_context.color_primaries = picture.color_primaries
    out.codec_context.color_trc = picture.color_trc


def _time_base(frame: av.VideoFrame) -> Fraction:
    return frame.time_base or Fraction(1, 90_000)


def _and_rest(first: av.VideoFrame, rest: Iterator[av.VideoFrame]) -> Iterator[av.VideoFrame]:
    yield first
    yield from rest
