"""Relations between clips, as they were found: a cache, whose loss costs finding them again.

`relations/<name>/<digest of its settings>/seg-000003.<hash>.parquet` has the members of block 3 with what each of them
repeats, and for each lot the digest of all that it was found from.
"""

import json
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actor18m import keys
from actor18m.storage.block_cache import LOTS_PER_SEGMENT, Segments
from actor18m.storage.lease import Lease
from actor18m.storage.store import Store, StoreError

MEMBERS = pa.schema(
    [
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("clip", pa.string(), nullable=False),
        pa.field("signature", pa.binary()),
        pa.field("duration_s", pa.float32()),
    ]
)
OF = pa.field("of", pa.string())
"""The clip that a member repeats; null for one that stands."""
_DIGESTS = "lots"


class Relation:
    """Lots are asked for in order."""

    def __init__(self, store: Store, name: str, settings: Mapping[str, keys.Part]) -> None:
        self._store, self._folder = store, f"relations/{name}/{keys.digest(settings)[: keys.SHORT_DIGITS]}"
        self._segments = Segments(store, self._folder)
        self._at = -1
        self._block, self._digests = _nothing()
        self._taken: dict[int, dict[int, str]] = {}
        """Block -> the last lot that was taken from it -> its digest."""

    def kept(self, lot: int, digest: str) -> pa.Array | None:
        """What its members repeat, if that was found from the same."""
        block = lot // LOTS_PER_SEGMENT
        if block != self._at:
            self._at, (self._block, self._digests) = block, self._read(block, ["lot", "of"])
        if self._digests.get(lot) != digest:
            return None
        self._taken[block] = {lot: digest}
        begin, end = np.searchsorted(self._block["lot"].to_numpy(), [lot, lot + 1])
        return self._block["of"].chunk(0).slice(begin, end - begin)

    def taken(self) -> Iterator[pa.Table]:
        """The lots that were kept, with their members' signatures."""
        self._segments = Segments(self._store, self._folder)  # a build may have replaced some
        for block, last in self._taken.items():
            (lot,) = last
            table, digests = self._read(block)
            if digests.get(lot) != last[lot]:
                raise StoreError(
                    f"{self._store.url}/{self._folder} was replaced while it was read: a build is going on with other "
                    "rules. Run the same command again."
                )
            yield table.filter(pc.less_equal(table["lot"], lot))

    def keep(self, lease: Lease, members: pa.Table, digests: Mapping[int, str]) -> None:
        """All lots of a block."""
        for block in {lot // LOTS_PER_SEGMENT for lot in digests}:
            if self._read(block, ["lot"])[1] != digests:
                self._segments.write(lease, block, members, {_DIGESTS: json.dumps(digests)})

    def _read(self, block: int, columns: list[str] | None = None) -> tuple[pa.Table, dict[int, str]]:
        for path in self._segments.paths(block):
            if (read := self._segments.read(path, columns)) is not None:
                table, metadata = read
                digests = json.loads(metadata[_DIGESTS])
                return table.combine_chunks(), {int(lot): str(digest) for lot, digest in digests.items()}
        return _nothing()


def _nothing() -> tuple[pa.Table, dict[int, str]]:
    return pa.schema([*MEMBERS, OF]).empty_table(), {}
