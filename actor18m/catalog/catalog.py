"""The catalog: which inputs were registered, in which lots they are, and which version of each was seen last.

`catalog/batch-000003.<digest>.parquet` holds inputs that were new at registration 3, sorted by URI, in lots of 256 that
begin with a new lot; it never changes. `catalog/children-000004.<digest>.parquet` likewise holds clips that inputs were
split into, in order of their sources and of time. `catalog/presence-000005.<digest>.parquet` has a word on each known
input that look 5 found gone (superseded), back again or in another version; the latest word on an input holds
(presence.py). So does what `catalog/rights-000006.<digest>.parquet` says of licence and consent (rights.py). Nothing
else knows what they say: catalog_files.py sees to it that all are there, and right.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.catalog.catalog_files import BATCH, OF_RIGHTS, OF_SPLIT, PRESENCE, CatalogFiles, number_of
from actor18m.catalog.compare_on_disk import ROWS_AT_ONCE
from actor18m.catalog.presence import WORDS, PresenceWords
from actor18m.catalog.rights import Rights
from actor18m.inputs import RIGHTS
from actor18m.policy.words import read_words
from actor18m.storage.store import Store

LOT = 256
FIRST_LOT = "first_lot"

SCHEMA = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("cut", pa.list_(pa.int64())),
        pa.field("crop", pa.list_(pa.int64())),
        pa.field("licence", pa.string()),
        pa.field("consent", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("version", pa.string()),
    ]
)
"""Of inputs that were given."""
PARENT = pa.field("parent", pa.string())
CHILDREN = pa.schema([*SCHEMA, PARENT])
"""Of clips that others were split into."""
COLUMNS = (*SCHEMA.names, "parent")
"""What can be read; `parent` is null for what was given."""
REMOVED = pa.field("removed", pa.bool_(), nullable=False)
_ALWAYS = ("id", "lot", "version")


@dataclass(frozen=True)
class Catalog:
    store: Store

    def read(
        self, lots: range | None = None, columns: list[str] | None = None, kind: str | None = None
    ) -> Iterator[pa.Table]:
        """Rows in order of lots, at most 65,536 at once: the columns named, else all, with `lot`, `present`, `removed`,
        and the `version` seen last. Only what was given, or only what that was split into, with `kind`.
        """
        wanted = [name for name in COLUMNS if columns is None or name in columns or name in _ALWAYS]
        of = self._files.by_kind()
        words = PresenceWords(self._files, of[PRESENCE])
        removed = pa.array(sorted(read_words(self.store).removed), pa.string())
        rights = Rights(self._files, of[OF_RIGHTS] if {*RIGHTS} & {*wanted} else [])
        for path in sorted(of[BATCH] + of[OF_SPLIT], key=number_of) if kind is None else of[kind]:
            with self._files.opened(path) as stream, pq.ParquetFile(stream) as batch:
                first = _first_lot(batch)
                for group in range(batch.num_row_groups):
                    lots_here = range(first + group * (ROWS_AT_ONCE // LOT), first + _lots_of(batch, group))
                    if lots is not None and not (lots_here.start < lots.stop and lots.start < lots_here.stop):
                        continue
                    table = batch.read_row_group(group, columns=[*wanted, "parent"], use_threads=False)
                    if lots is not None:
                        inside = pc.and_(pc.greater_equal(table["lot"], lots.start), pc.less(table["lot"], lots.stop))
                        table = table.filter(inside)
                    table = rights.applied(table.replace_schema_metadata(None), lots_here)
                    table = _with_removed(words.applied(_with_parent(table), lots_here), removed)
                    yield table if "parent" in wanted else table.drop_columns(["parent"])

    def lots(self) -> range:
        """All that there are."""
        batches = self._files.of(BATCH, OF_SPLIT)
        if not batches:
            return range(0)
        with self._files.opened(batches[-1]) as stream, pq.ParquetFile(stream) as last:
            return range(_first_lot(last) + -(-last.metadata.num_rows // LOT))

    @property
    def _files(self) -> CatalogFiles:
        return CatalogFiles(self.store)


def _with_parent(table: pa.Table) -> pa.Table:
    """Files of what was given have no such column."""
    if "parent" in table.column_names:
        return table
    return table.append_column(PARENT, pa.nulls(table.num_rows, pa.string()))


def _with_removed(table: pa.Table, ids: pa.Array) -> pa.Table:
    """A source takes its clips along."""
    removed = pc.or_(pc.is_in(table["id"], ids), pc.is_in(table["parent"], ids))
    present = pc.and_not(table["present"], removed)
    at = table.column_names.index("present")
    return table.set_column(at, WORDS.field("present"), present).append_column(REMOVED, removed)


def _first_lot(batch: pq.ParquetFile) -> int:
    return int(batch.schema_arrow.metadata[FIRST_LOT.encode()])


def _lots_of(batch: pq.ParquetFile, group: int) -> int:
    """Lots in the batch up to and with this row group."""
    rows: int = group * ROWS_AT_ONCE + batch.metadata.row_group(group).num_rows
    return -(-rows // LOT)
