"""When pictures are shown, of files that say only when their packets are decoded: AVI, and what was made in its manner.

In which order pictures come out only a decoder knows. So the packets are decoded once more, and the packets' times are
given to the pictures in that order.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from typing import TypeAlias

import av
from av.bitstream import BitStreamFilterContext

_BEHIND = 64
"""So many packets later it is known whether a packet has a picture and which ones are shown before it: a decoder holds
back no more than 16."""
_SAYS_NOTHING = {"avi", "asf"}

Given: TypeAlias = "av.Packet[av.VideoStream]"


def says_when_shown(container: av.container.InputContainer, stream: av.VideoStream) -> bool:
    """What is stored in the order in which it is shown needs no more than the times that are there."""
    return container.format.name not in _SAYS_NOTHING or not stream.codec_context.codec.reorder


def unpacked(packets: Iterable[Given], stream: av.VideoStream) -> Iterator[Given]:
    """One picture in each packet: MPEG-4 in AVI may hold two in one, and nothing in the next. The last one is empty."""
    if stream.codec_context.codec.canonical_name != "mpeg4":
        yield from packets
        return
    unpacker = BitStreamFilterContext("mpeg4_unpack_bframes", stream)
    for packet in packets:
        if not packet.size:
            yield packet
            continue
        time_base = packet.time_base
        for each in unpacker.filter(packet):
            each.stream, each.time_base = stream, time_base
            yield each


def timed(packets: Iterable[Given]) -> Iterator[Given]:
    """The same packets of one stream, from its first to the empty one that ends it, with the time at which their
    pictures are shown; None where a packet has no picture. One that cannot be decoded keeps its place.
    """
    order, held = _Order(), deque[Given]()
    for packet in packets:
        if packet.size:
            held.append(packet)
        order.feed(packet)
        while held and order.is_settled(not packet.size):
            each = held.popleft()
            each.pts, each.dts = order.next_times()
            yield each
        if not packet.size:
            yield packet


def retimed(packets: Iterable[Given], times: Iterable[int | None]) -> Iterator[Given]:
    """The same packets with these times; the empty one that ends them needs none."""
    known = iter(times)
    for packet in packets:
        if packet.size:
            packet.pts = next(known, None)
        yield packet


class _Order:
    """Packets by their number, in the order in which their pictures come out of the decoder."""

    def __init__(self) -> None:
        self._dts: list[int | None] = []
        self._shown: list[int] = []
        """All that are decided, those without a picture where it would be."""
        self._silent: set[int] = set()
        self._lost: set[int] = set()
        self._decided, self._told = 0, 0

    def feed(self, packet: Given) -> None:
        number = len(self._dts)
        if packet.size:
            self._dts.append(packet.dts)
            packet.pts = packet.dts = number
        try:
            self._shown += [frame.pts for frame in packet.decode() if frame.pts is not None]
        except av.error.InvalidDataError:
            self._lost.add(number)
        self._decide(number + 1 - _BEHIND // 2 if packet.size else number)

    def is_settled(self, is_end: bool) -> bool:
        """What is to be told of the next packet will not change any more."""
        return is_end or len(self._dts) - self._told >= _BEHIND

    def next_times(self) -> tuple[int | None, int | None]:
        number = self._told
        self._told += 1
        if number in self._silent:
            return None, self._dts[number]
        return self._dts[self._place(number)], self._dts[number]

    def _decide(self, until: int) -> None:
        """A packet without a picture stands behind all that were decoded before it."""
        for number in range(self._decided, until):
            begin = max(0, number - _BEHIND)
            near = self._shown[begin:]
            if number in near:
                continue
            if number not in self._lost:
                self._silent.add(number)
            before = [at for at, each in enumerate(near, begin) if each < number]
            self._shown.insert(before[-1] + 1 if before else begin, number)
        self._decided = max(self._decided, until)

    def _place(self, number: int) -> int:
        return self._shown.index(number, max(0, number - _BEHIND))
