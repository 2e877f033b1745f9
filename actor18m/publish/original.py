"""The file of a clip, read so that what is published is made of the very bytes that were measured.

A whole file is copied aside and hashed in one reading, and what is published is made from the copy, into which nobody
writes. A window of a long film is not worth a copy of it: the open file is hashed and stays open for further windows of
it, and its version is asked before and after each of them is read.
"""

import hashlib
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Self, cast

from actor18m import keys
from actor18m.media.source import FileSeen, MediaError, opened, version_of_open
from actor18m.publish.content import AcceptedClip

_CHUNK = 1 << 20
_HELD = 16
"""Files that stay open: a shard's windows come in the order of their keys, from one film and another."""


class Unusable(Exception):
    """The source is not what was measured, or cannot be had."""

    def __init__(self, kind: str, cause: str) -> None:
        super().__init__(cause)
        self.kind = kind
        """One word to count by."""
        self.cause = cause
        """The end of a sentence."""


@dataclass(frozen=True)
class _Held:
    handle: ExitStack
    stream: IO[bytes]
    seen: FileSeen
    sha256: str


class Originals:
    """Of the clips of one shard. `aside` is a folder for copies."""

    def __init__(self, aside: Path) -> None:
        self._copy = aside / "original"
        self._held: OrderedDict[str, _Held] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        while self._held:
            self._held.popitem()[1].handle.close()

    @contextmanager
    def open(self, video: AcceptedClip, uri: str) -> Iterator[IO[bytes]]:
        """Raises Unusable, at the end at the latest, when what was read was not the clip's file."""
        is_whole = video.cut is None and video.crop is None
        with self._copied(video, uri) if is_whole else self._windowed(video, uri) as stream:
            yield stream

    @contextmanager
    def _copied(self, video: AcceptedClip, uri: str) -> Iterator[IO[bytes]]:
        try:
            with _opened(uri) as (source, seen), self._copy.open("wb") as out:
                _check_size(video, seen)
                digest = hashlib.sha256()
                while chunk := source.read(_CHUNK):
                    digest.update(chunk)
                    out.write(chunk)
            _check(video, digest.hexdigest())
            with self._copy.open("rb") as copy:
                yield copy
        finally:
            self._copy.unlink(missing_ok=True)

    @contextmanager
    def _windowed(self, video: AcceptedClip, uri: str) -> Iterator[IO[bytes]]:
        try:
            held = self._hold(video, uri)
            _check(video, held.sha256)
            held.stream.seek(0)
            yield held.stream
            _check_same(uri, held)
        except BaseException:
            self._drop(uri)
            raise

    def _hold(self, video: AcceptedClip, uri: str) -> _Held:
        """Hashed once, as long as it stays as it was."""
        if uri in self._held:
            self._held.move_to_end(uri)
            _check_same(uri, self._held[uri])
            return self._held[uri]
        with ExitStack() as handle:
            stream, seen = handle.enter_context(_opened(uri))
            _check_size(video, seen)
            digest = hashlib.sha256()
            while chunk := stream.read(_CHUNK):
                digest.update(chunk)
            self._held[uri] = _Held(handle.pop_all(), stream, seen, digest.hexdigest())
        if len(self._held) > _HELD:
            self._drop(next(iter(self._held)))
        _check_same(uri, self._held[uri])
        return self._held[uri]

    def _drop(self, uri: str) -> None:
        if held := self._held.pop(uri, None):
            held.handle.close()


class _Read:
    """A source's stream. What goes wrong in it says nothing of where it is written to."""

    def __init__(self, stream: IO[bytes]) -> None:
        self._stream = stream
        self.error: Unusable | None = None

    def read(self, size: int = -1) -> bytes:
        try:
            return self._stream.read(size)
        except Exception as error:
            self.error = Unusable("unreadable", f"cannot be read ({error})")
            raise self.error from error

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _opened(uri: str) -> Iterator[tuple[IO[bytes], FileSeen]]:
    with ExitStack() as stack:
        try:
            stream, seen = stack.enter_context(opened(uri))
        except MediaError as error:
            cause = "is gone" if error.kind == "missing_file" else f"cannot be read ({error.kind})"
            raise Unusable(error.kind, cause) from error
        except Exception as error:
            raise Unusable("unreadable", f"cannot be read ({error})") from error
        read = _Read(stream)
        yield cast(IO[bytes], read), seen
        if read.error is not None:  # which a decoder took for the end of the file
            raise read.error


def _check_size(video: AcceptedClip, seen: FileSeen) -> None:
    """Before a file that is another one by far is read to its end."""
    size = video.facts.get("bytes")
    if isinstance(size, int) and size != seen.size:
        raise _changed()


def _check(video: AcceptedClip, sha256: str) -> None:
    if keys.clip_key(sha256, video.cut, video.crop) != video.clip:
        raise _changed()


def _check_same(uri: str, held: _Held) -> None:
    try:
        now = version_of_open(uri, held.stream)
    except Exception as error:
        raise Unusable("unreadable", f"cannot be read ({error})") from error
    if now != held.seen.version:
        raise Unusable("changed", "was changed while it was read")


def _changed() -> Unusable:
    return Unusable("changed", "was changed since it was measured")
