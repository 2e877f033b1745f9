"""Rows that are given beside those that are known: sorted and compared on disk, so that memory stays bounded."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Self

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.storage.parquet import OPTIONS

ROWS_AT_ONCE = 65_536

_LOOK_SQL = """
SELECT * FROM (
    SELECT
        known.id,
        known.lot,
        given.id IS NOT NULL OR (known.present AND NOT $sync) AS present,
        coalesce(given.version, known.version) AS version,
        given.id IS NOT NULL AND NOT known.present AND NOT known.removed AS back,
        given.id IS NULL AND known.present AND $sync AS gone,
        given.version IS NOT NULL AND given.version IS DISTINCT FROM known.version AS changed,
        given.id IS NOT NULL AND given.version IS NULL AND known.version IS NOT NULL AS vanished
    FROM read_parquet($known) AS known LEFT JOIN read_parquet($given) AS given USING (id)
)
WHERE back OR gone OR changed OR vanished
ORDER BY lot, id, version NULLS LAST
"""

_REMOVED_SQL = """
SELECT DISTINCT given.uri FROM read_parquet($given) AS given JOIN read_parquet($known) AS known USING (id)
WHERE known.removed ORDER BY given.uri
"""
_RIGHTS_SQL = """
SELECT id, bool_or(states_licence) AS states_licence, bool_or(states_consent) AS states_consent,
    first(licence ORDER BY licence IS NULL DESC, weight DESC, licence) FILTER (states_licence) AS licence,
    string_agg(DISTINCT consent, '; ' ORDER BY consent) AS consent
FROM read_parquet($given) GROUP BY id
"""
_CORRECTED_SQL = f"""
WITH said AS ({_RIGHTS_SQL}), known AS (SELECT * FROM read_parquet($known)),
corrected AS (
    SELECT known.id, known.lot,
        CASE WHEN states_licence THEN said.licence ELSE known.licence END AS licence,
        CASE WHEN states_consent THEN said.consent ELSE known.consent END AS consent
    FROM known JOIN said USING (id)
    WHERE (states_licence AND said.licence IS DISTINCT FROM known.licence)
        OR (states_consent AND said.consent IS DISTINCT FROM known.consent)
)
SELECT * FROM corrected
UNION ALL
SELECT known.id, known.lot, corrected.licence, corrected.consent
FROM known JOIN corrected ON known.parent = corrected.id
ORDER BY lot, id
"""
_OTHERWISE_SQL = """
SELECT given.uri, given.licence, given.consent, known.licence AS registered_licence,
    known.consent AS registered_consent
FROM read_parquet($given) AS given
JOIN (
    SELECT id, licence, consent FROM read_parquet($known)
    UNION ALL SELECT id, licence, consent FROM read_parquet($new)
) AS known USING (id)
WHERE (given.licence IS NOT NULL AND given.licence IS DISTINCT FROM known.licence)
    OR (given.consent IS NOT NULL AND given.consent IS DISTINCT FROM known.consent)
ORDER BY given.uri
"""


class Comparison:
    """Of rows that are given with those that are known, on disk."""

    def __init__(self, memory_limit: str) -> None:
        self._held = ExitStack()
        self._memory_limit = memory_limit

    def __enter__(self) -> Self:
        self.folder = Path(self._held.enter_context(tempfile.TemporaryDirectory(prefix="actor18m-register-")))
        self.given, self.known = self.folder / "given.parquet", self.folder / "known.parquet"
        self.batch = self.folder / "batch.parquet"
        self._db = self._held.enter_context(duckdb.connect())
        self._db.execute(f"SET memory_limit = '{self._memory_limit}'")
        self._db.execute("SET temp_directory = ?", [str(self.folder)])
        self._db.execute("SET threads = 2")
        self._db.execute("SET enable_progress_bar = false")
        return self

    def __exit__(self, *error: object) -> None:
        self._held.close()

    def words(self, sync: bool) -> Iterator[pa.Table]:
        """What is to be said of those that are known, in order of lots."""
        return once(_stream(self._db.sql(_LOOK_SQL, params={**self._files, "sync": sync})))

    def unknown(self, order: str) -> Iterator[pa.Table]:
        return _stream(
            self._db.sql(
                "SELECT * FROM read_parquet($given) ANTI JOIN (SELECT id FROM read_parquet($known)) USING (id) "
                f"ORDER BY {order}",
                params=self._files,
            )
        )

    def removed(self) -> Iterator[pa.Table]:
        """`uri` of rows that are given, though a person removed them."""
        return _stream(self._db.sql(_REMOVED_SQL, params=self._files))

    def corrected(self) -> Iterator[pa.Table]:
        """What holds of licence and consent where another one is given than is known: id, lot, licence, consent; also
        of the clips that such an input was split into.
        """
        return _stream(self._db.sql(_CORRECTED_SQL, params=self._files))

    def otherwise(self, new: Path) -> Iterator[pa.Table]:
        """Rows that are given with another licence or consent than is known, or than stands in the `new` batch."""
        return _stream(self._db.sql(_OTHERWISE_SQL, params={**self._files, "new": str(new)}))

    @property
    def _files(self) -> dict[str, str]:
        return {"given": str(self.given), "known": str(self.known)}


def spool(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Writes rows to a local file, in row groups of whole lots; how many they were."""
    total = 0
    with pq.ParquetWriter(path, schema, **OPTIONS) as writer:
        for table in _regrouped(tables, ROWS_AT_ONCE):
            writer.write_table(table.select(schema.names).cast(schema), row_group_size=ROWS_AT_ONCE)
            total += table.num_rows
    return total


def _regrouped(tables: Iterable[pa.Table], size: int) -> Iterator[pa.Table]:
    """The same rows in tables of one size; the last may be smaller."""
    held: list[pa.Table] = []
    rows = 0
    for table in tables:
        held.append(table)
        rows += table.num_rows
        while rows >= size:
            merged = pa.concat_tables(held)
            yield merged.slice(0, size)
            held, rows = [merged.slice(size)], rows - size
    if rows:
        yield pa.concat_tables(held)


def _stream(rows: duckdb.DuckDBPyRelation) -> Iterator[pa.Table]:
    for batch in pa.RecordBatchReader.from_stream(rows.to_arrow_reader(ROWS_AT_ONCE)):
        yield pa.Table.from_batches([batch])


def once(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Rows sorted so that the same id comes in a row; the first of each."""
    before = None
    for table in tables:
        if not table.num_rows:
            continue
        ids = table["id"].combine_chunks()
        previous = pa.concat_arrays([pa.array([before], ids.type), ids.slice(0, len(ids) - 1)])
        before = ids[-1].as_py()
        yield table.filter(pc.fill_null(pc.not_equal(ids, previous), True))
