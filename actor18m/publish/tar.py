"""Tars whose bytes depend on names and contents alone: ustar, no times, no owners, one mode."""

import hashlib
import tarfile
from typing import IO

from actor18m.dataset.members import Member

_BLOCK = 512
_CHUNK = 1 << 20


class TarWriter:
    """Streams: memory stays flat. Hashes while it writes."""

    def __init__(self, out: IO[bytes]) -> None:
        self._out = out
        self._digest = hashlib.sha256()
        self.size = 0

    def add(self, name: str, content: IO[bytes], size: int) -> Member:
        header = tarfile.TarInfo(name)
        header.size = size
        header.mode = 0o644
        self._write(header.tobuf(tarfile.USTAR_FORMAT, "ascii", "strict"))
        offset, digest = self.size, hashlib.sha256()
        while chunk := content.read(_CHUNK):
            digest.update(chunk)
            self._write(chunk)
        if self.size - offset != size:
            raise ValueError(f"{name} has {self.size - offset} bytes, not {size}")
        self._pad(_BLOCK)
        return Member(offset, size, digest.hexdigest())

    def finish(self) -> str:
        """Writes the end; the digest of the whole."""
        self._write(bytes(2 * _BLOCK))
        self._pad(tarfile.RECORDSIZE)
        return self._digest.hexdigest()

    def _pad(self, to: int) -> None:
        self._write(bytes(-self.size % to))

    def _write(self, content: bytes) -> None:
        self._out.write(content)
        self._digest.update(content)
        self.size += len(content)
