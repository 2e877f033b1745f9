"""Parquet whose bytes depend on the rows alone: one row group if not asked otherwise, pinned options, no times."""

from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

OPTIONS = {
    "version": "2.6",
    "data_page_version": "1.0",
    "compression": "zstd",
    "compression_level": 3,
    "use_dictionary": True,
    "write_statistics": True,
}
"""pyarrow's defaults may change; these do not. Another pyarrow may still write other bytes, so a build keeps to one."""


def to_bytes(table: pa.Table, metadata: Mapping[str, str] | None = None, rows_per_group: int | None = None) -> bytes:
    """The same for equal tables, however their memory is cut into chunks and slices."""
    plain = [pa.field(field.name, _plain(field.type), field.nullable) for field in table.schema]
    table = table.cast(pa.schema(plain)).combine_chunks().replace_schema_metadata(dict(metadata) if metadata else None)
    sink = pa.BufferOutputStream()
    with pq.ParquetWriter(sink, table.schema, **OPTIONS) as writer:
        writer.write_table(table, row_group_size=rows_per_group or max(1, table.num_rows))
    content: bytes = sink.getvalue().to_pybytes()
    return content


def from_bytes(content: bytes, columns: list[str] | None = None) -> tuple[pa.Table, dict[str, str]]:
    """The table, of it only the columns it has of those named, and its metadata."""
    with pq.ParquetFile(pa.BufferReader(content)) as file:
        raw = file.schema_arrow.metadata or {}
        table = file.read(columns=columns, use_threads=False).replace_schema_metadata(None)
    return table, {key.decode(): value.decode() for key, value in raw.items()}


def _plain(kind: pa.DataType) -> pa.DataType:
    """Two equal columns may have different dictionaries."""
    return kind.value_type if pa.types.is_dictionary(kind) else kind
