"""Files beside the rows: images, which are too large for a row, and what is too private to be near a dataset.

A commit's files are `images/<stage>/<fingerprint>/lot-000017.<digest>.parquet`, one row a file, named by a digest of
its bytes: a row that holds knows it for ever, and so where its files are and what they must be. What is restricted
lies likewise below `restricted/`, which nothing publishes from.
"""

from bisect import bisect_left
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import IO, Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.storage import sealed
from actor18m.storage.parquet import to_bytes
from actor18m.storage.store import Store, StoreError

Kind = Literal["images", "restricted"]
_FILES_PER_GROUP = 16
KINDS: tuple[Kind, ...] = ("images", "restricted")
FILES = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("input_digest", pa.string(), nullable=False),
        pa.field("name", pa.string(), nullable=False),
        pa.field("content", pa.binary(), nullable=False),
    ]
)

RowName = tuple[str, str]
"""Its key and input digest."""


@dataclass(frozen=True)
class Shelf:
    """Where the files of one commit are."""

    store: Store
    kind: Kind
    stage: str
    fingerprint: str
    lot: int
    digest: str

    @property
    def path(self) -> str:
        return f"{self.kind}/{self.stage}/{self.fingerprint}/lot-{self.lot:06d}.{self.digest}.parquet"


def as_bytes(files: pa.Table) -> bytes:
    """Sorted, in small groups: a row's files can be read without the others."""
    return to_bytes(files.sort_by([(name, "ascending") for name in FILES.names[:3]]), rows_per_group=_FILES_PER_GROUP)


def read_files(shelf: Shelf) -> pa.Table:
    with _opened(shelf) as file:
        return pq.read_table(file, use_threads=False)


def files_of_row(shelf: Shelf, key: str, input_digest: str) -> Mapping[str, bytes]:
    """By name; none when the row brought none."""
    return files_of_rows(shelf, [(key, input_digest)])[key, input_digest]


def files_of_rows(shelf: Shelf, rows: Collection[RowName]) -> Mapping[RowName, Mapping[str, bytes]]:
    """Likewise of each of these rows. A group is read once for all that are in it: most of what one file takes is to
    find it, and to read those beside it."""
    found: dict[RowName, dict[str, bytes]] = {row: {} for row in rows}
    keys = sorted({key for key, _ in rows})
    wanted = pa.array(keys, pa.string())
    with _opened(shelf) as opened, pq.ParquetFile(opened) as file:
        for number in range(file.metadata.num_row_groups):
            if not _may_have(file.metadata.row_group(number), keys):
                continue
            group = file.read_row_group(number, use_threads=False)
            group = group.filter(pc.is_in(group["key"], value_set=wanted))
            told = (group[column].to_pylist() for column in FILES.names)
            for key, input_digest, name, content in zip(*told, strict=True):
                if (key, input_digest) in found:
                    found[key, input_digest][name] = content
    return found


def _may_have(group: pq.RowGroupMetaData, keys: Sequence[str]) -> bool:
    """Whether one of these keys, which are sorted, may be in it: it is sorted by key, too."""
    bounds = group.column(0).statistics
    at = bisect_left(keys, bounds.min)
    return at < len(keys) and keys[at] <= bounds.max


@contextmanager
def _opened(shelf: Shelf) -> Iterator[IO[bytes]]:
    """What it is only the ledger's rows tell, so they must go with it."""
    rows = f"ledger/{shelf.stage}/{shelf.fingerprint}/lot-{shelf.lot:06d}.*"
    way_out = (
        f"Put a copy of it back; or delete it together with {rows}: stage {shelf.stage} then measures the clips of lot "
        f"{shelf.lot} again. `actor18m verify {shelf.store.url}` says how many, and looks for more."
    )
    try:
        with sealed.opened(shelf.store, shelf.path, way_out) as file:
            yield file
    except FileNotFoundError as error:
        raise StoreError(f"{shelf.store.url}/{shelf.path} has gone from the store. {way_out}") from error
