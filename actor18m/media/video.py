"""A video file as frames: a window of it, decoded on one thread, upright.

When each frame is shown is known from the packets, without decoding. The frame shown at a time is the last one whose
time has come.
"""

import logging
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import av
import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Frame
from actor18m.inputs import local_path
from actor18m.media import readers
from actor18m.media.far import FAR, times_until
from actor18m.media.opening import LIMITS, Cut, Limits, again, check, container_of, picture_stream, too_large
from actor18m.media.order import Given, retimed, unpacked
from actor18m.media.orientation import orientation
from actor18m.media.readers import Film, Reader, Unlike
from actor18m.media.source import FileSeen, MediaError, opened
from actor18m.media.timeline import Key, read_times

Crop = tuple[int, int, int, int]
Passed = Callable[[av.VideoFrame], None]
Watch = Callable[[float, Frame, bool], None]
"""Is shown a frame: seconds from the clip's start, upright uint8[H, W] in grey, and whether it is a key frame, at which
the codec begins anew."""

_BRIGHTNESS_FIRST = ("yuv420p", "yuvj420p", "yuv422p", "yuvj422p", "yuv444p", "yuvj444p", "nv12", "gray")
SEEKS_WELL = ("mov", "matroska")
_WORTH_SEEKING = 24
"""Frames that a seek must save: fewer are decoded sooner."""
_DUST_S = 1e-6
"""Times come from fractions such as 1001/30000: a frame due at 1 s may start a rounding error after it."""

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Window:
    """The frames of a clip: those of the file from the cut's first to its last."""

    pts: npt.NDArray[np.int64]
    times_s: npt.NDArray[np.float64]
    """From the first frame's, which is 0."""
    duration_s: float
    """Until the last frame is no longer shown."""

    def shown_at(self, times_s: Sequence[float]) -> list[int]:
        """For each time from the clip's start, the index of the frame that is shown."""
        found = np.searchsorted(self.times_s, np.asarray(times_s) + _DUST_S, side="right") - 1
        return [int(index) for index in found]


@contextmanager
def open_video(uri: str, limits: Limits = LIMITS, cut: Cut | None = None) -> Iterator["Video"]:
    with container_of(uri, limits) as (container, seen):
        yield Video(uri, container, limits, cut, seen)


def check_header(uri: str, limits: Limits = LIMITS, cut: Cut | None = None) -> None:
    """Raises MediaError when the file is no video, or claims what is not measured; reads no more than its header."""
    with container_of(uri, limits) as (container, seen):
        check(uri, container, picture_stream(uri, container, limits), limits, cut, seen.size)


class Video:
    """An open file and a window of it."""

    def __init__(
        self, uri: str, container: av.container.InputContainer, limits: Limits, cut: Cut | None, seen: FileSeen
    ) -> None:
        self.uri = uri
        self.container = container
        self.stream = picture_stream(uri, container, limits)
        check(uri, container, self.stream, limits, cut, seen.size)
        with self._faults():
            if cut is not None and cut[1] >= FAR and seen.tells_changes:
                self._times = times_until(uri, seen, cut[1], lambda stack: again(uri, limits, stack))
            else:
                self._times = read_times(uri, container, self.stream, cut and cut[1])
        self._cut = cut
        self.window = self._window(cut)
        if self.window.duration_s <= 0:
            raise MediaError("unreadable", f"{uri}: its frames have times that cannot be")
        if self.window.duration_s > limits.max_duration_s:
            raise too_large(uri, f"lasts {self.window.duration_s:.0f} s", f"{limits.max_duration_s:.0f} s")

    @property
    def container_name(self) -> str:
        return str(self.container.format.name)

    @property
    def codec_name(self) -> str:
        """Whichever decoder reads it."""
        return str(self.stream.codec_context.codec.canonical_name)

    @property
    def has_audio(self) -> bool:
        return bool(self.container.streams.audio)

    def read(self, indices: Iterable[int], passed: Passed | None = None) -> Iterator[tuple[int, av.VideoFrame]]:
        """The window's frames with these ascending indices. What is damaged between is an error, never skipped.
        `passed` is shown each frame of the window that is decoded on the way, those included."""
        frame: av.VideoFrame | None = None
        for index in indices:
            target = int(self.window.pts[index])
            if frame is None or frame.pts != target:
                key = self._key_before(target)
                if frame is None or self._times.frames_between(frame.pts or 0, key.pts) > _WORTH_SEEKING:
                    origin, decoded = key.pts, self._decode_from(key)
                frame = self._decode_until(target, decoded, origin, passed)
            yield index, frame

    def pictures(
        self, indices: Sequence[int], crop: Crop | None = None, reader: Reader = "pyav", passed: Passed | None = None
    ) -> Iterator[Frame]:
        """What `picture` gives of what `read` gives, by another reader as far as that one gives the same. PyAV reads
        what is to be shown to `passed`."""
        given = 0
        if reader != "pyav" and passed is None and indices:
            try:
                for picture in self._read_by(reader, indices):
                    yield self._cropped(picture, crop)
                    given += 1
            except Unlike as why:
                log.info("%s is read by PyAV and not by %s: %s", self.uri, reader, why)
        for _, frame in self.read(indices[given:], passed):
            yield self.picture(frame, crop)

    def every(self) -> Iterator[tuple[int, av.VideoFrame]]:
        """The window's frames in order, read through once. Those that cannot be decoded are left out."""
        pts = self.window.pts
        last, seen = int(pts[-1]), -1
        with self._faults():
            self.container.seek(self._key_before(int(pts[0])).dts, stream=self.stream)
            for packet in self.packets():
                try:
                    decoded = packet.decode()
                except av.error.InvalidDataError:
                    continue
                for frame in decoded:
                    if frame.pts is not None and frame.pts > last:
                        return
                    index = -1 if frame.pts is None else int(np.searchsorted(pts, frame.pts))
                    if index > seen and int(pts[index]) == frame.pts and not frame.is_corrupt:
                        seen = index
                        yield index, frame
        if seen < 0:
            raise MediaError("damaged", f"{self.uri}: none of its pictures can be decoded")

    def packets(self) -> Iterator[Given]:
        """From where the container stands, which is its beginning unless the packets say when they are shown."""
        packets = self.container.demux(self.stream)
        times = self._times.of_packets
        yield from packets if times is None else retimed(unpacked(packets, self.stream), times)

    def picture(self, frame: av.VideoFrame, crop: Crop | None) -> Frame:
        """uint8[H, W, 3] RGB, upright; then cropped to x0, x1, y0, y1."""
        return self._cropped(upright(frame), crop)

    def watched(self, watch: Watch, crop: Crop | None, longer_side: int) -> Passed:
        """Shows it each frame small, by averages over areas."""

        def passed(frame: av.VideoFrame) -> None:
            grey = self._cropped(_grey(frame), crop)
            scale = longer_side / max(grey.shape)
            size = max(1, round(grey.shape[1] * scale)), max(1, round(grey.shape[0] * scale))
            small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA)
            time_s = float((frame.pts or 0) - int(self.window.pts[0])) * float(self._times.unit_s)
            watch(time_s, np.asarray(small, dtype=np.uint8), frame.key_frame)

        return passed

    def _read_by(self, reader: Reader, indices: Sequence[int]) -> Iterator[Frame]:
        _, frame = next(self.read(indices[:1]))
        if why := readers.unlike(self.container_name, frame):
            raise Unlike(why)
        with opened(self.uri) as (stream, _):
            is_local = local_path(self.uri) is not None
            film = Film(stream, self.stream.index, is_local, self._times, is_whole=self._cut is None)
            first = self._cut[0] if self._cut else 0
            yield from readers.pictures(reader, film, [first + index for index in indices], upright(frame))

    def _cropped(self, whole: Frame, crop: Crop | None) -> Frame:
        if crop is None:
            return whole
        x0, x1, y0, y1 = crop
        height, width = whole.shape[:2]
        if not (0 <= x0 < x1 <= width and 0 <= y0 < y1 <= height):
            place = f"x {x0} to {x1}, y {y0} to {y1}"
            raise MediaError("bad_crop", f"{self.uri}: the crop {place} is not inside its {width} x {height} pixels")
        return np.ascontiguousarray(whole[y0:y1, x0:x1])

    def _key_before(self, pts: int) -> Key:
        """Where to start from. Elsewhere a seek may end behind what was sought."""
        return self._times.key_before(pts) if self.container_name.startswith(SEEKS_WELL) else self._times.keys[0]

    def _decode_from(self, key: Key) -> Iterator[av.VideoFrame]:
        with self._faults():
            self.container.seek(key.dts, stream=self.stream)
            for packet in self.packets():
                yield from packet.decode()

    def _decode_until(
        self, target: int, decoded: Iterator[av.VideoFrame], origin: int, passed: Passed | None
    ) -> av.VideoFrame:
        with self._faults():
            for frame in decoded:
                if frame.pts is None or frame.pts < origin:  # it needs frames from before the key
                    continue
                if frame.is_corrupt:
                    break
                if passed is not None and self.window.pts[0] <= frame.pts <= target:
                    passed(frame)
                if frame.pts == target:
                    return frame
                if frame.pts > target:
                    break
        seconds = float((target - int(self._times.shown[0])) * self._times.unit_s)
        raise MediaError("damaged", f"{self.uri}: the pictures up to {seconds:.2f} s cannot all be decoded")

    def _window(self, cut: Cut | None) -> Window:
        shown = self._times.shown
        first, last = cut or (0, len(shown))
        if not 0 <= first < last <= len(shown):
            raise MediaError("bad_cut", f"{self.uri}: frames {first} to {last} are not in it, it has {len(shown)}")
        pts = shown[first:last]
        unit = float(self._times.unit_s)
        return Window(pts, (pts - pts[0]) * unit, float(self._times.end_of(last - 1) - pts[0]) * unit)

    @contextmanager
    def _faults(self) -> Iterator[None]:
        """FFmpeg's complaints about the bytes are the file's fault. What the place that it lies in raises is not."""
        try:
            yield
        except MemoryError:
            raise
        except av.FFmpegError as error:
            raise MediaError("damaged", f"{self.uri}: cannot be decoded ({error.strerror})") from error


def upright(frame: av.VideoFrame) -> Frame:
    """uint8[H, W, 3] RGB, as a player shows it."""
    # With more threads the result would be the machine's.
    pixels = frame.reformat(format="rgb24", threads=1).to_ndarray()
    return orientation(frame).upright(pixels.astype(np.uint8, copy=False))


def shrunk(frame: av.VideoFrame, width: int, height: int) -> Frame:
    """uint8[height, width, 3] RGB, by averages over areas; not upright."""
    small = frame.reformat(width=width, height=height, format="rgb24", interpolation="AREA", threads=1)
    return np.asarray(small.to_ndarray(), dtype=np.uint8)


def _grey(frame: av.VideoFrame) -> Frame:
    """uint8[H, W], upright: brightness as the codec has it, which costs nothing, where it is a plane of bytes."""
    if frame.format.name in _BRIGHTNESS_FIRST:
        plane = frame.planes[0]
        pixels = np.frombuffer(bytes(plane), np.uint8).reshape(plane.height, plane.line_size)[:, : plane.width]
    else:
        pixels = frame.reformat(format="gray", threads=1).to_ndarray().astype(np.uint8, copy=False)
    return orientation(frame).upright(pixels)


def frames(
    uri: str,
    cut: Cut | None = None,
    crop: Crop | None = None,
    fps: float | None = None,
    watch: tuple[Watch, int] | None = None,
    reader: Reader = "pyav",
) -> Iterator[tuple[float, Frame]]:
    """(seconds from the clip's start, upright uint8[H, W, 3] RGB). With `fps`, the frame that is shown at each 1/fps
    of a second from 0 on, once for each; without, every frame at its own time. Who watches, with pictures of a longer
    side in pixels, is shown each frame that is decoded on the way."""
    with open_video(uri, cut=cut) as video:
        window = video.window
        times = window.times_s if fps is None else np.arange(0.0, window.duration_s - _DUST_S, 1.0 / fps)
        indices = list(range(len(times))) if fps is None else window.shown_at(times.tolist())
        passed = video.watched(watch[0], crop, watch[1]) if watch else None
        yield from zip(times.tolist(), video.pictures(indices, crop, reader, passed), strict=True)


def frames_at(uri: str, times_s: Sequence[float], cut: Cut | None = None, crop: Crop | None = None) -> Iterator[Frame]:
    """The frame that is shown at each of these ascending times from the clip's start: upright uint8[H, W, 3] RGB."""
    with open_video(uri, cut=cut) as video:
        yield from video.pictures(video.window.shown_at(times_s), crop)
