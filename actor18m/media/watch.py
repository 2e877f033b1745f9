"""Which version of each file a call may read, and what was met of one instead.

While a call of a stage is watched, whoever opens a file through actor18m.media opens the version that was registered,
or is told that it is another one or away. What was met is remembered, too: whatever a stage makes of the error, even a
row, was not measured of the file that its clip is named after. The watch is the process's and not the thread's, since a
stage may decode in threads of its own; a worker makes one call at a time. A stage that waits has many in flight: each
has its own watch, which goes with the context of its coroutine, and with asyncio.to_thread.
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from typing import IO, Any

from actor18m.errors import ActorError
from actor18m.inputs import shown


class SourceTrouble(ActorError):
    """A source is away, may not be read, or is another file than was registered: its place is at fault, no clip is."""


class Watch:
    """Of one call; knows the version of each file, None where there was none."""

    def __init__(self, versions: Mapping[str, str | None]) -> None:
        self.troubles: dict[str, SourceTrouble] = {}
        """By URI, what the latest attempt met."""
        self._versions = versions

    def begin(self, uris: Iterable[str]) -> None:
        """Another attempt at what was measured of these: what former ones met is past."""
        for uri in uris:
            self.troubles.pop(uri, None)

    def expects(self, uri: str) -> bool:
        """Whether there must be a file."""
        return self._versions.get(uri) is not None

    def met(self, uri: str, version: str | None, why: str = "") -> None:
        """Raises, and remembers, when this is not what was registered."""
        if uri in self._versions and (trouble := not_as_registered(uri, self._versions[uri], version, why)):
            self.troubles[uri] = trouble
            raise trouble

    def left(self, uri: str, before: str, after: str | None) -> None:
        """Remembers when a file that was read became another one meanwhile. Raises nothing: what was read may be held
        by somebody who reads other clips by now.
        """
        if uri in self._versions and (trouble := not_as_registered(uri, before, after)):
            self.troubles[uri] = trouble

    def stumbled(self, uri: str, error: Exception) -> None:
        """Remembers an error of the place while it was read."""
        self.troubles[uri] = SourceTrouble(
            f"{shown(uri)} could not be read to its end ({type(error).__name__}: {error}); nothing was measured of it"
        )


NOTHING = Watch({})
_current = NOTHING
_of_coroutine: ContextVar[Watch | None] = ContextVar("_of_coroutine", default=None)


def current() -> Watch:
    return _of_coroutine.get() or _current


def watch_coroutine(versions: Mapping[str, str | None]) -> Watch:
    """From now on in the context of the coroutine that calls this, and in no other."""
    watch = Watch(versions)
    _of_coroutine.set(watch)
    return watch


@contextmanager
def watched(versions: Mapping[str, str | None]) -> Iterator[Watch]:
    """By URI. What is not named is not watched."""
    global _current
    before, _current = _current, Watch(versions)
    try:
        yield _current
    finally:
        _current = before


def not_as_registered(uri: str, version: str | None, now: str | None, why: str = "") -> SourceTrouble | None:
    """What to say of a file that is another one than was registered, and what to do about it; None when it is not."""
    if version == now:
        return None
    if now is None:
        return SourceTrouble(
            f"{shown(uri)} {why or 'is away, or may not be read'}, and it was there when it was registered; nothing "
            "was measured of it. Bring it back, or leave it out for good: build with --sync and all other inputs"
        )
    if version is None:
        return SourceTrouble(f"{shown(uri)} was not there when it was registered, and is now; the next build reads it")
    return SourceTrouble(
        f"{shown(uri)} was changed or replaced after it was registered; nothing was measured of it. The next build "
        "takes it for what it is then"
    )


class Followed:
    """A stream whose errors are remembered before they are raised: decoders may take one for the end of the file."""

    def __init__(self, stream: IO[bytes], uri: str) -> None:
        self._stream, self._uri = stream, uri

    def read(self, size: int = -1) -> bytes:
        with _remembered(self._uri):
            return self._stream.read(size)

    def seek(self, offset: int, whence: int = 0) -> int:
        with _remembered(self._uri):
            return self._stream.seek(offset, whence)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


@contextmanager
def _remembered(uri: str) -> Iterator[None]:
    try:
        yield
    except Exception as error:
        current().stumbled(uri, error)
        raise
