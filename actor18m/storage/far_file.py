"""A file that lies elsewhere, read as if it were here: each read goes through remote.py."""

import io
from collections.abc import Mapping
from typing import IO, Any, cast

from actor18m.errors import ActorError
from actor18m.inputs import local_path, shown
from actor18m.storage import remote

_BLOCK = 4 << 20
_BUFFER = 1 << 20


def open_far(uri: str) -> tuple[IO[bytes], dict[str, Any]]:
    """To be read from anywhere in it, and what its place tells of it. Raises FileNotFoundError when there is none."""
    info = info_of(uri)
    return open_told(uri, info), info


def info_of(uri: str) -> dict[str, Any]:
    """What its place tells of a file, now."""
    fs, path = remote.at(uri)
    info: dict[str, Any] = remote.asked(uri, "look at", lambda: fs.info(path))
    return info


def open_told(uri: str, info: Mapping[str, Any]) -> IO[bytes]:
    """A file of which that was told."""
    fs, path = remote.at(uri)
    size = info.get("size")
    if not isinstance(size, int):  # a web server that does not tell; then it cannot be read in parts either
        return cast(IO[bytes], remote.asked(uri, "read", lambda: fs.open(path, "rb")))
    return io.BufferedReader(_Far(uri, fs, path, size), _BUFFER)


def open_uri(uri: str) -> IO[bytes]:
    """To be read from its beginning, wherever it lies."""
    path = local_path(uri)
    try:
        return open_far(uri)[0] if path is None else path.open("rb")
    except ActorError:
        raise
    except OSError as error:
        raise ActorError(f"cannot read {shown(uri)}: {error.strerror or error}") from error


class _Far(io.RawIOBase):
    """A read that failed is tried again on the file opened anew."""

    def __init__(self, uri: str, fs: Any, path: str, size: int) -> None:
        self._uri, self._fs, self._path, self._size = uri, fs, path, size
        self._at = 0
        self._file: Any = None

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: Any) -> int:
        wanted = min(len(buffer), self._size - self._at)
        if wanted <= 0:
            return 0
        start = self._at
        content = remote.asked(self._uri, "read", lambda: self._read(start, wanted))
        buffer[: len(content)] = content
        self._at += len(content)
        return len(content)

    def close(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        super().close()

    def _read(self, start: int, wanted: int) -> bytes:
        # Taken out while it is read: an attempt that was left behind must not share it with the next one.
        file, self._file = self._file, None
        if file is None:
            file = self._fs.open(self._path, "rb", block_size=_BLOCK)
        file.seek(start)
        content: bytes = file.read(wanted)
        if not content:
            raise ConnectionError(f"its answer ended early, at byte {start} of {self._size}")
        self._file = file
        return content
