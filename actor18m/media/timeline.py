"""When each frame of a video is shown, by the packets that carry them: read through once, nothing decoded."""

from bisect import bisect_right
from dataclasses import dataclass
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

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
    shown: list[tuple[int, int]] = []
    keys: list[Key] = []
    is_mp4 = container.format.name.startswith("mov")
    packets, end_s, is_whole = 0, 0.0, True
    for packet in container.demux():
        if packet.pts is not None and packet.time_base is not None:
            end_s = max(end_s, float((packet.pts + (packet.duration or 0)) * packet.time_base))
        if packet.stream_index != stream.index or (packet.pts is None and packet.dts is None):
            continue  # of another stream, or the empty one that ends it
        packets += 1
        if packet.is_corrupt:
            raise _cut_off(uri) if is_mp4 else MediaError("damaged", f"{uri}: packet {packets} is damaged")
        if packet.size == 0:
            continue
        if packet.pts is None:
            raise MediaError("unreadable", f"{uri}: its frames have no times; copy the streams into an MP4")
        if packet.is_keyframe:
            keys.append(Key(packet.pts, packet.pts if packet.dts is None else packet.dts))
        if not packet.is_discard:
            shown.append((packet.pts, packet.duration or 0))
        if until_frame is not None and len(shown) > until_frame + _REORDERED:
            is_whole = False
            break
    # An edit list may leave out what is there; the index names what is left.
    if is_whole and ((is_mp4 and packets < len(stream.index_entries)) or _lacks_its_end(container, end_s)):
        raise _cut_off(uri)
    keys.sort()
    shown = [each for each in sorted(shown) if keys and each[0] >= keys[0].pts]
    if not shown:
        raise MediaError("unreadable", f"{uri}: has no frame that can be decoded")
    pts = np.array([at for at, _ in shown], dtype=np.int64)
    return Times(pts, keys, shown[-1][1] or _usual_interval(pts, stream), stream.time_base or Fraction(1))


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
