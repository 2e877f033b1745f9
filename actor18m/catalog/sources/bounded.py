"""JSON that is read as a stream, refused where one clip would fill the memory: by its size, or by how it is nested."""

import re
from typing import IO

from actor18m.errors import ActorError
from actor18m.inputs import shown

_LARGEST_CLIP = 256 << 20
"""Bytes. Masks of a long clip are some MiB."""
_LONGEST_STRING = 16 << 20
_DEEPEST = 100
"""The parser keeps the path to each level, so that its memory grows with the square of the depth."""
_PIECE = 8192
"""Depth is looked at after so many bytes outside of strings: in between it cannot grow by more."""
_STRING = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


class Bounded:
    """A stream that raises when it is read too far for one clip."""

    def __init__(self, uri: str, stream: IO[bytes]) -> None:
        self._uri, self._stream = uri, stream
        self.rewind()

    def rewind(self) -> None:
        self._stream.seek(0)
        self._depth, self._open_string = 0, b""
        self.begin_clip()

    def begin_clip(self) -> None:
        self._left = _LARGEST_CLIP

    def read(self, size: int = -1) -> bytes:
        chunk = self._stream.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise self._too_much(f"a clip of more than {_LARGEST_CLIP >> 20} MiB")
        self._check_depth(chunk)
        return chunk

    def _check_depth(self, chunk: bytes) -> None:
        # Brackets in strings do not count; a string that goes on in the next chunk waits for it.
        outside = _STRING.sub(b"", self._open_string + chunk)
        quote = outside.find(b'"')
        outside, self._open_string = (outside, b"") if quote < 0 else (outside[:quote], outside[quote:])
        if len(self._open_string) > _LONGEST_STRING:
            raise self._too_much(f"a text of more than {_LONGEST_STRING >> 20} MiB")
        for start in range(0, len(outside), _PIECE):
            piece = outside[start : start + _PIECE]
            self._depth += piece.count(b"[") + piece.count(b"{") - piece.count(b"]") - piece.count(b"}")
            if self._depth > _DEEPEST:
                raise self._too_much(f"more than {_DEEPEST} lists or objects in each other")

    def _too_much(self, what: str) -> ActorError:
        return ActorError(f"{shown(self._uri)} holds {what}; is it damaged? Nothing was registered.")
