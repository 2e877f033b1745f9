"""H.264 and HEVC without what is not the picture: streams in the form of units behind start codes (Annex B).

Of the messages (SEI) those stay that a decoder needs to give the same pictures, and those that say by numbers alone how
bright and in which colours they are meant to be.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass


class CannotClean(Exception):
    """Without what would be taken out a decoder would give other pictures."""


@dataclass(frozen=True)
class Syntax:
    """Of a codec's units, which are told apart by their types."""

    tag: str
    """In MP4, where the parameters stand in the header alone."""
    shift: int
    mask: int
    header: int
    """Bytes before a unit's content."""
    parameters: frozenset[int]
    messages: frozenset[int]
    pictures: frozenset[int]
    """And what says that a picture or a sequence begins or ends."""

    def type_of(self, unit: bytes) -> int:
        return unit[0] >> self.shift & self.mask


_H264 = Syntax(
    tag="avc1",
    shift=0,
    mask=31,
    header=1,
    parameters=frozenset([7, 8, 13]),
    messages=frozenset([6]),
    pictures=frozenset([*range(1, 6), 9, 10, 11]),
)
_HEVC = Syntax(
    tag="hvc1",
    shift=1,
    mask=63,
    header=2,
    parameters=frozenset([32, 33, 34]),
    messages=frozenset([39, 40]),
    pictures=frozenset([*range(10), *range(16, 24), 35, 36, 37]),
)
SYNTAXES = {"h264": _H264, "hevc": _HEVC}
_RECOVERY_POINT, _FILM_GRAIN = 6, 19
_MASTERING_DISPLAY, _LIGHT_LEVEL, _TRANSFER = 137, 144, 147
_KEPT = {_RECOVERY_POINT, _FILM_GRAIN, _MASTERING_DISPLAY, _LIGHT_LEVEL, _TRANSFER}
_UNREGISTERED = 5
_X264 = re.compile(rb"x264 - core (\d+)")
_ERRONEOUS, _ERRONEOUS_444 = 34, 151
"""Builds of x264 before these made errors that decoders repeat when a message tells the build."""
_AMBIGUOUS = re.compile(rb"\0\0(?=[\x00-\x03])")
"""What would be taken for a start."""
_START = b"\0\0\0\1"


class Messages:
    """Takes them out, packet by packet."""

    def __init__(self, syntax: Syntax, header: bytes, is_444: bool) -> None:
        self.syntax = syntax
        self._oldest = _ERRONEOUS_444 if is_444 else _ERRONEOUS
        self._parameters = [unit for unit in _units(header) if syntax.type_of(unit) in syntax.parameters]
        self.header = _joined(self._parameters)
        if not self.header:
            raise CannotClean("it has no header")

    def cleaned(self, content: bytes) -> bytes:
        """Parameters that the header has need not be repeated, and others could not be told apart from them."""
        kept = []
        for unit in _units(content):
            kind = self.syntax.type_of(unit)
            if kind in self.syntax.pictures:
                kept.append(unit)
            elif kind in self.syntax.messages:
                kept += self._few_messages(unit)
            elif kind in self.syntax.parameters and unit not in self._parameters:
                raise CannotClean("its parameters change on the way")
        return _joined(kept)

    def _few_messages(self, unit: bytes) -> Iterator[bytes]:
        """The same unit with the messages that stay, if there are any."""
        kept = b""
        for kind, message in _messages(unit[self.syntax.header :].replace(b"\0\0\3", b"\0\0")):
            if kind == _UNREGISTERED and (build := _X264.search(message)) and int(build[1]) < self._oldest:
                raise CannotClean("a message says which errors to repeat")
            if kind in _KEPT:
                kept += message
        if kept:
            yield unit[: self.syntax.header] + _AMBIGUOUS.sub(lambda _: b"\0\0\3", kept + b"\x80")


def _units(content: bytes) -> list[bytes]:
    """A unit does not end in a zero."""
    return [unit for each in content.split(b"\0\0\1") if (unit := each.rstrip(b"\0"))]


def _joined(units: list[bytes]) -> bytes:
    return b"".join(_START + unit for unit in units)


def _messages(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Each one's type, and all of it; what is cut short is none."""
    at = 0
    while at + 2 < len(payload):
        begin = at
        kind, at = _number(payload, at)
        size, at = _number(payload, at)
        if at + size > len(payload):
            return
        at += size
        yield kind, payload[begin:at]


def _number(payload: bytes, at: int) -> tuple[int, int]:
    """Bytes that are added up, to the first below 255; and where it ends."""
    end = at
    while end < len(payload) - 1 and payload[end] == 255:
        end += 1
    return sum(payload[at : end + 1]), end + 1
