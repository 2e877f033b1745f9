"""When each frame of a video is shown, by the packets that carry them: read through once, nothing decoded where the
packets say it.
"""

from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import av
import numpy as np
import numpy.typing as npt

from actor18m.media.order import says_when_shown, timed, unpacked
from actor18m.media.source import MediaError

_REORDERED = 32
"""No codec stores a frame so many packets after one that is shown later."""
_MISSING_S, _MISSING_SHARE = 1.0, 0.05
"""So much less than a Matroska file claims to hold, and it was cut off. Claims are often a little off."""


@dataclass(frozen=True, order=True)
class Key:
    """A frame that can be decoded without those before it: when it is shown, and where to seek to."""

    pts: int
    dts: int


@dataclass(frozen=True)
class Times:
    """Of frames in the order they are shown, in units of the stream."""

    shown: npt.NDArray[np.int64]
    keys: list[Key]
    """In the order they are shown; the first is not later than the first frame."""
    last_duration: int
    unit_s: Fraction
    of_packets: list[int | None] | None
    """When each packet's picture is shown, where the packets themselves do not say it; None: it has no picture."""

    def key_before(self, pts: int) -> Key:
        return self.keys[bisect_right(self.keys, pts, key=lambda key: key.pts) - 1]

    def frames_between(self, first: int, last: int) -> int:
        """Frames that are shown after the first time and up to the last; none when last is before first."""
        low, high = np.searchsorted(self.shown, [first, last], side="right")
        return max(0, int(high - low))

    def end_of(self, index: int) -> int:
        """When the frame is no longer shown."""
        return int(self.shown[index + 1] if index + 1 < len(self.shown) else self.shown[index] + self.last_duration)


def read_times(
    uri: str, container: av.container.InputContainer, stream: av.VideoStream, until_frame: int | None
) -> Times:
    """All of the file, or enough of it to know the frames before `until_frame` and when the next one comes."""
    return PacketReader(uri, container, stream).until(until_frame)


class PacketReader:
    """Reads a file's packets as far as it is asked to, and then on."""

    def __init__(self, uri: str, container: av.container.InputContainer, stream: av.VideoStream) -> None:
        self._uri, self._container, self._stream = uri, container, stream
        self._is_mp4 = container.format.name.startswith("mov")
        self._of_packets: list[int | None] | None = None
        self._left: Iterator[av.Packet[Any]] = container.demux()
        if not says_when_shown(container, stream):
            self._of_packets = []
            self._left = timed(unpacked(container.demux(stream), stream))
        self._shown: list[tuple[int, int]] = []
        self._keys: list[Key] = []
        self._packets, self._end_s, self._is_whole = 0, 0.0, False

    def until(self, frame: int | None) -> Times:
        while not self._is_whole and (frame is None or len(self._shown) <= frame + _REORDERED):
            self._next()
        keys = sorted(self._keys)
        shown = [each for each in sorted(self._shown) if keys and each[0] >= keys[0].pts]
        if not shown:
            raise MediaError("unreadable", f"{self._uri}: has no frame that can be decoded")
        pts = np.array([at for at, _ in shown], dtype=np.int64)
        last_duration = shown[-1][1] or _usual_interval(pts, self._stream)
        of_packets = None if self._of_packets is None else self._of_packets.copy()
        return Times(pts, keys, last_duration, self._stream.time_base or Fraction(1), of_packets)

    def _next(self) -> None:
        packet = next(self._left, None)
        if packet is None:
            return self._end()
        if packet.pts is not None and packet.time_base is not None:
            self._end_s = max(self._end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index != self._stream.index or (packet.pts is None and packet.dts is None):
            return  # of another stream, or the empty one that ends it
        self._packets += 1
        if packet.is_corrupt:
            if self._is_mp4:
                raise _cut_off(self._uri)
            raise MediaError("damaged", f"{self._uri}: packet {self._packets} is damaged")
        if packet.size == 0:
            return
        if self._of_packets is not None:
            self._of_packets.append(packet.pts)
            if packet.pts is None:
                return
        if packet.pts is None:
            raise MediaError("unreadable", f"{self._uri}: its frames have no times; copy the streams into an MP4")
        if packet.is_keyframe:
            self._keys.append(Key(packet.pts, packet.pts if packet.dts is None else packet.dts))
        if not packet.is_discard:
            self._shown.append((packet.pts, packet.duration or 0))

    def _end(self) -> None:
        self._is_whole = True
        # An edit list may leave out what is there; the index names what is left.
        lacks = self._is_mp4 and self._packets < len(self._stream.index_entries)
        if lacks or _lacks_its_end(self._container, self._end_s):
            raise _cut_off(self._uri)


def _lacks_its_end(container: av.container.InputContainer, end_s: float) -> bool:
    """Of Matroska only: its packets say nothing when the rest is missing, MP4 has an index, others make no claim."""
    claimed_s = (container.duration or 0) / 1e6
    return "matroska" in container.format.name and claimed_s - end_s > max(_MISSING_S, _MISSING_SHARE * claimed_s)


def _cut_off(uri: str) -> MediaError:
    return MediaError("truncated", f"{uri}: its end is missing; was it copied to its end?")


def _usual_interval(pts: npt.NDArray[np.int64], stream: av.VideoStream) -> int:
    if len(pts) > 1:
        return int(np.median(np.diff(pts)))
    return round(1 / (stream.average_rate * stream.time_base)) if stream.average_rate and stream.time_base else 0
