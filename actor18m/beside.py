"""Files beside the rows: images, which are too large for a row, and what is too private to be near a dataset.

A commit's files are `images/<stage>/<fingerprint>/lot-000017.<part>.parquet`, one row a file, where the part is the
commit's: a row that holds knows its part for ever, and so where its files are. What is restricted lies likewise below
`restricted/`, which nothing publishes from.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Literal

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.parquet import from_bytes, to_bytes
from actor18m.stage import Failure, Row
from actor18m.store import Store

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


@dataclass(frozen=True)
class Shelf:
    """Where the files of one commit are."""

    store: Store
    kind: Kind
    stage: str
    fingerprint: str
    lot: int
    part: str

    @property
    def path(self) -> str:
        return f"{self.kind}/{self.stage}/{self.fingerprint}/lot-{self.lot:06d}.{self.part}.parquet"


def files_of(outcomes: Iterable[Row | Failure], input_digests: Mapping[str, str]) -> dict[Kind, pa.Table]:
    """By kind, the files that rows brought along; a kind without any is left out."""
    rows = [row for row in outcomes if isinstance(row, Row)]
    brought: dict[Kind, list[Mapping[str, bytes]]] = {
        "images": [row.images for row in rows],
        "restricted": [row.restricted for row in rows],
    }
    found: dict[Kind, pa.Table] = {}
    for kind, files in brought.items():
        if any(files):
            found[kind] = pa.Table.from_pylist(
                [
                    {"key": row.key, "input_digest": input_digests[row.key], "name": name, "content": content}
                    for row, of_row in zip(rows, files, strict=True)
                    for name, content in of_row.items()
                ],
                schema=FILES,
            )
    return found


def as_bytes(files: pa.Table) -> bytes:
    """Sorted, in small groups: a row's files can be read without the others."""
    return to_bytes(files.sort_by([(name, "ascending") for name in FILES.names[:3]]), rows_per_group=_FILES_PER_GROUP)


def read_files(shelf: Shelf) -> pa.Table:
    """No rows when the commit had no files of this kind."""
    try:
        return from_bytes(shelf.store.read(shelf.path))[0]
    except FileNotFoundError:
        return FILES.empty_table()


def files_of_row(shelf: Shelf, key: str, input_digest: str) -> Mapping[str, bytes]:
    """By name; none when the row brought none."""
    try:
        return _read_files_of_row(shelf, key, input_digest)
    except FileNotFoundError:
        return {}


@lru_cache(maxsize=2)
def _read_files_of_row(shelf: Shelf, key: str, input_digest: str) -> Mapping[str, bytes]:
    is_of_row = (pc.field("key") == key) & (pc.field("input_digest") == input_digest)
    with shelf.store.open(shelf.path) as file:
        rows = pq.read_table(file, columns=["name", "content"], filters=is_of_row, use_threads=False)
    return dict(zip(rows["name"].to_pylist(), rows["content"].to_pylist(), strict=True))
