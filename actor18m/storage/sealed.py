"""Files whose names carry a digest of their bytes, `lot-17.g3.<digest>.parquet`: damage shows when they are read."""

import hashlib
import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import IO

from actor18m.storage.store import Store, StoreError, sha256_of

DIGEST = "[0-9a-f]{16}"
"""As it stands in a name."""
DIGITS = 16
_IN_NAME = re.compile(rf"\.({DIGEST})\.[a-z]+$")
_REMEMBERED = 1 << 16


class Damaged(StoreError):
    """A file's bytes are not those that its name says."""

    def __init__(self, store: Store, path: str, way_out: str) -> None:
        super().__init__(f"{store.url}/{path} is damaged: its bytes are not those its name says. {way_out}")
        self.path = path


def digest_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()[:DIGITS]


def digest_in(path: str) -> str | None:
    """What the bytes of a file with this name must be; None for a name without a digest."""
    match = _IN_NAME.search(path)
    return match.group(1) if match else None


def is_whole(path: str, content: bytes) -> bool:
    return digest_of(content) == digest_in(path)


def read(store: Store, path: str, way_out: str) -> bytes:
    """Its bytes, which are right. Raises FileNotFoundError like the store, and Damaged with the way out."""
    content = store.read(path)
    if not is_whole(path, content):
        raise Damaged(store, path, way_out)
    return content


@contextmanager
def opened(store: Store, path: str, way_out: str) -> Iterator[IO[bytes]]:
    """To read parts of a large file. The whole is read before: once in a process, unless it was written to since."""
    if not _is_whole(store, path, store.stamp(path)):
        _is_whole.cache_clear()  # it may be put back as it was
        raise Damaged(store, path, way_out)
    with store.open(path) as stream:
        yield stream


@lru_cache(maxsize=_REMEMBERED)
def _is_whole(store: Store, path: str, stamp: str) -> bool:
    with store.open(path) as stream:
        return sha256_of(stream).hex()[:DIGITS] == digest_in(path)
