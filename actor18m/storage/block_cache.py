"""Caches of a store: one file for each block of lots, named by its content, so that damage shows and is no loss."""

import logging
import re
from collections.abc import Mapping

import pyarrow as pa

from actor18m.storage.lease import Lease
from actor18m.storage.parquet import from_bytes, to_bytes
from actor18m.storage.sealed import DIGEST, digest_of, is_whole
from actor18m.storage.store import Store

LOTS_PER_SEGMENT = 256
"""65,536 clips: what is known of so many, and of ten images of each, is held at once."""
_FILE = re.compile(rf"seg-(\d{{6,}})\.{DIGEST}\.parquet")

log = logging.getLogger(__name__)


class Segments:
    """`<folder>/seg-000002.<hash>.parquet` holds block 2. They are listed once."""

    def __init__(self, store: Store, folder: str) -> None:
        self._store, self._folder = store, folder
        self._paths: dict[int, list[str]] = {}
        for path in store.names(folder):
            if match := _FILE.fullmatch(path, len(folder) + 1):
                self._paths.setdefault(int(match.group(1)), []).append(path)

    def blocks(self) -> list[int]:
        return sorted(self._paths)

    def paths(self, block: int) -> list[str]:
        """One, but for a moment while it is replaced."""
        return self._paths.get(block, [])

    def read(self, path: str, columns: list[str] | None = None) -> tuple[pa.Table, dict[str, str]] | None:
        """With its metadata. None when it has gone or is damaged."""
        try:
            content = self._store.read(path)
        except FileNotFoundError:
            return None
        if is_whole(path, content):
            return from_bytes(content, columns)
        log.warning("%s/%s is damaged; it is a cache, and made again", self._store.url, path)
        return None

    def write(self, lease: Lease, block: int, table: pa.Table, metadata: Mapping[str, str]) -> None:
        """In the place of what there was."""
        content, old = to_bytes(table, metadata), self.paths(block)
        path = f"{self._folder}/seg-{block:06d}.{digest_of(content)}.parquet"
        if path in old:
            lease.delete(path)  # damaged, else nobody would write it again; or one of two
        lease.create(path, content)
        for stale in old:
            if stale != path:
                lease.delete(stale)
        self._paths[block] = [path]
