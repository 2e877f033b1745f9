"""The words on known inputs: whether each is present, and in which version it was seen last.

Of the files `catalog/presence-*`, sorted by lot, only what concerns the lots at hand is in memory: a copied disk can
change every version at once, and more than once.
"""

from dataclasses import dataclass

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.catalog.catalog_files import CatalogFiles

WORDS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("present", pa.bool_(), nullable=False),
        pa.field("version", pa.string()),
    ]
)


class PresenceWords:
    """Read in order of lots."""

    def __init__(self, files: CatalogFiles, paths: list[str]) -> None:
        self._records = [OfLots.of(files, path) for path in paths]

    def applied(self, rows: pa.Table, lots: range) -> pa.Table:
        """Rows of the catalog that lie in these lots, with what was said last: `version` replaced, `present` added."""
        present = pa.chunked_array([pa.array([True] * rows.num_rows, pa.bool_())])
        version = rows["version"]
        ids = rows["id"].combine_chunks()
        for record in self._records:
            said = record.within(lots)
            if said.num_rows:
                at = pc.index_in(ids, said["id"].combine_chunks())
                is_said = pc.is_valid(at)
                present = pc.if_else(is_said, pc.take(said["present"].combine_chunks(), at), present)
                version = pc.if_else(is_said, pc.take(said["version"].combine_chunks(), at), version)
        column = rows.column_names.index("version")
        return rows.set_column(column, WORDS.field("version"), version).append_column(WORDS.field("present"), present)


@dataclass
class OfLots:
    """One file, sorted by lot, of which the last part that was read stays in memory; most files have one part."""

    files: CatalogFiles
    path: str
    parts: list[range]
    """The lots of each row group."""
    number: int
    held: pa.Table

    @classmethod
    def of(cls, files: CatalogFiles, path: str) -> "OfLots":
        with files.opened(path) as stream, pq.ParquetFile(stream) as file:
            column = file.schema_arrow.get_field_index("lot")
            parts = []
            for group in range(file.num_row_groups):
                lots = file.metadata.row_group(group).column(column).statistics
                parts.append(range(lots.min, lots.max + 1))
            return cls(files, path, parts, 0, file.read_row_group(0, use_threads=False))

    def within(self, lots: range) -> pa.Table:
        """The words on inputs in these lots."""
        found = []
        for number, part in enumerate(self.parts):
            if part.start < lots.stop and lots.start < part.stop:
                table = self._part(number)
                inside = pc.and_(pc.greater_equal(table["lot"], lots.start), pc.less(table["lot"], lots.stop))
                found.append(table.filter(inside))
        return pa.concat_tables(found) if found else self.held.slice(0, 0)

    def _part(self, number: int) -> pa.Table:
        if number != self.number:
            with self.files.opened(self.path) as stream, pq.ParquetFile(stream) as file:
                self.held = file.read_row_group(number, use_threads=False)
            self.number = number
        return self.held
