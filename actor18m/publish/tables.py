"""The Parquet tables: files of 1,024 lots each, row groups of 65,536 rows, the same bytes for the same rows."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from actor18m.storage.parquet import OPTIONS

LOTS_PER_PART = 1024
_ROWS_PER_GROUP = 65_536


def part_name(prefix: str, lot: int) -> str:
    """The file that holds the rows of a lot."""
    return f"{prefix}-{lot // LOTS_PER_PART:06d}.parquet"


class TableWriter:
    """Takes rows in order of lots and streams them to disk: at most one row group is in memory."""

    def __init__(self, folder: Path, least: pa.Schema, prefix: str = "part") -> None:
        """`least`: the columns that the table has whatever comes, and before all others. Writers whose prefixes differ
        may share a folder, and so a table.
        """
        self._folder = folder
        self._prefix = prefix
        self._least = least
        self._schema: pa.Schema | None = None
        self._part: _Part | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def add(self, lot: int, rows: pa.Table) -> None:
        if self._schema is None:
            self._schema = _whole(self._least, rows.schema)
        if missing := [name for name in self._schema.names if name not in rows.column_names]:
            raise ValueError(f"rows of {self._folder.name} lack {', '.join(missing)}")
        name = part_name(self._prefix, lot)
        if self._part is None or self._part.path.name != name:
            self._end_part()
            self._part = _Part(self._folder / name, self._schema)
        self._part.add(rows.select(self._schema.names).cast(self._schema))

    def close(self) -> list[Path]:
        """The files, of which there is one even when there was no row: readers find the columns."""
        if self._schema is None:
            self._part = _Part(self._folder / part_name(self._prefix, 0), self._least)
        self._end_part()
        return sorted(self._folder.glob(f"{self._prefix}-*"))

    def _end_part(self) -> None:
        if self._part is not None:
            self._part.close()


class _Part:
    def __init__(self, path: Path, schema: pa.Schema) -> None:
        self.path = path
        self._out = path.open("xb")
        self._writer = pq.ParquetWriter(self._out, schema, **OPTIONS)
        self._held: list[pa.Table] = []
        self._rows = 0

    def add(self, rows: pa.Table) -> None:
        self._held.append(rows)
        self._rows += rows.num_rows
        if self._rows >= _ROWS_PER_GROUP:
            whole = self._rows - self._rows % _ROWS_PER_GROUP
            held = pa.concat_tables(self._held)
            self._write(held.slice(0, whole))
            self._held, self._rows = [held.slice(whole)], self._rows - whole

    def close(self) -> None:
        if self._rows:
            self._write(pa.concat_tables(self._held))
        self._writer.close()
        self._out.flush()
        os.fsync(self._out.fileno())
        self._out.close()

    def _write(self, rows: pa.Table) -> None:
        self._writer.write_table(rows.combine_chunks(), row_group_size=_ROWS_PER_GROUP)


def _whole(least: pa.Schema, given: pa.Schema) -> pa.Schema:
    """Plain columns: equal ones may have different dictionaries."""
    more = [field for field in given if field.name not in least.names]
    plain = [pa.field(field.name, _plain(field.type), field.nullable) for field in more]
    return pa.schema([*least, *plain])


def _plain(kind: pa.DataType) -> pa.DataType:
    return kind.value_type if pa.types.is_dictionary(kind) else kind
