"""The catalog: which inputs were registered, and in which lots they are.

`catalog/batch-000003.parquet` holds inputs that were new at registration 3, sorted by URI, in lots of 256 that begin
with a new lot; it never changes. `catalog/presence-000004.parquet` says which known inputs registration 4 found gone
(superseded) or back again; the latest word on an input holds.
"""

import tempfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.errors import ActorError
from actor18m.inputs import Input
from actor18m.parquet import OPTIONS, from_bytes
from actor18m.store import Store
from actor18m.writer import Lease

LOT = 256
_ROWS_PER_GROUP = 256 * LOT
_FIRST_LOT = "first_lot"

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
    ]
)
_GIVEN = SCHEMA.remove(SCHEMA.get_field_index("lot"))
_PRESENCE = pa.schema([SCHEMA.field("id"), SCHEMA.field("lot"), pa.field("present", pa.bool_(), nullable=False)])
_KNOWN_SQL = "SELECT id, lot, present FROM read_parquet($known)"


@dataclass(frozen=True)
class Registration:
    """What one registration changed."""

    given: int
    """Rows, the same one twice counted twice."""
    added: int
    back: int
    gone: int
    lots: range
    """The new ones."""


@dataclass(frozen=True)
class Catalog:
    store: Store

    def register(
        self, lease: Lease, inputs: Iterable[Input], sync: bool = False, memory_limit: str = "256MB"
    ) -> Registration:
        """Adds what is not known yet; with `sync`, what was not given is gone. Memory stays bounded: rows are sorted
        and compared on disk, in the temporary folder.
        """
        with tempfile.TemporaryDirectory(prefix="actor18m-register-") as folder, duckdb.connect() as db:
            spool = Path(folder)
            db.execute(f"SET memory_limit = '{memory_limit}'")
            db.execute("SET temp_directory = ?", [str(spool)])
            db.execute("SET threads = 2")
            db.execute("SET enable_progress_bar = false")
            given = _spool(spool / "given.parquet", _GIVEN, _given_tables(inputs))
            if sync and not given:
                raise ActorError(
                    "no input was found, and --sync would supersede all that is registered. Is a disk not mounted? "
                    "Nothing was changed."
                )
            _spool(spool / "known.parquet", _PRESENCE, self.read(columns=["id"]))
            changed = self._change_presence(lease, db, spool, sync)
            added, lots = self._add(lease, db, spool)
        return Registration(given, added, changed[True], changed[False], lots)

    def read(self, lots: range | None = None, columns: list[str] | None = None) -> Iterator[pa.Table]:
        """Rows in order of lots, at most 65,536 at once: the columns named, else all, with `lot` and `present`."""
        wanted = [name for name in SCHEMA.names if columns is None or name in columns or name in ("id", "lot")]
        gone = self._gone()
        for path in self._files("batch"):
            with self.store.open(path) as stream, pq.ParquetFile(stream) as batch:
                first = _first_lot(batch)
                for group in range(batch.num_row_groups):
                    lots_here = range(first + group * (_ROWS_PER_GROUP // LOT), first + _lots_of(batch, group))
                    if lots is not None and not (lots_here.start < lots.stop and lots.start < lots_here.stop):
                        continue
                    table = batch.read_row_group(group, columns=wanted, use_threads=False)
                    if lots is not None:
                        inside = pc.and_(pc.greater_equal(table["lot"], lots.start), pc.less(table["lot"], lots.stop))
                        table = table.filter(inside)
                    present = pc.invert(pc.is_in(table["id"], gone))
                    yield table.replace_schema_metadata(None).append_column(_PRESENCE.field("present"), present)

    def lots(self) -> range:
        """All that there are."""
        batches = self._files("batch")
        if not batches:
            return range(0)
        with self.store.open(batches[-1]) as stream, pq.ParquetFile(stream) as last:
            return range(_first_lot(last) + -(-last.metadata.num_rows // LOT))

    def _add(self, lease: Lease, db: duckdb.DuckDBPyConnection, spool: Path) -> tuple[int, range]:
        first = self.lots().stop
        rows = db.sql(
            f"SELECT * FROM read_parquet($given) ANTI JOIN ({_KNOWN_SQL}) USING (id) ORDER BY uri, id, source",
            params={"given": str(spool / "given.parquet"), "known": str(spool / "known.parquet")},
        )
        batch = spool / "batch.parquet"
        schema = SCHEMA.with_metadata({_FIRST_LOT: str(first)})
        added = _spool(batch, schema, _in_lots(_once(_stream(rows)), first))
        if added:
            lease.create(f"catalog/batch-{self._next():06d}.parquet", batch)
        return added, range(first, first + -(-added // LOT))

    def _change_presence(self, lease: Lease, db: duckdb.DuckDBPyConnection, spool: Path, sync: bool) -> dict[bool, int]:
        is_given = "id IN (SELECT id FROM read_parquet($given))"
        is_back = f"(NOT present AND {is_given})"
        is_gone = f"(present AND NOT {is_given})" if sync else "false"
        rows = db.sql(
            f"SELECT id, lot, NOT present AS present FROM ({_KNOWN_SQL}) WHERE {is_back} OR {is_gone} ORDER BY lot, id",
            params={"given": str(spool / "given.parquet"), "known": str(spool / "known.parquet")},
        )
        record = spool / "presence.parquet"
        counts = {True: 0, False: 0}

        def counted() -> Iterator[pa.Table]:
            for table in _stream(rows):
                back = pc.sum(table["present"]).as_py() or 0
                counts[True] += back
                counts[False] += table.num_rows - back
                yield table

        if _spool(record, _PRESENCE, counted()):
            lease.create(f"catalog/presence-{self._next():06d}.parquet", record)
        return counts

    def _gone(self) -> pa.Array:
        """Ids whose latest word is that they are gone."""
        records = [from_bytes(self.store.read(path))[0] for path in self._files("presence")]
        if not records:
            return pa.array([], pa.string())
        numbered = [
            record.append_column("n", pa.array([number] * record.num_rows, pa.int32()))
            for number, record in enumerate(records)
        ]
        last = pa.concat_tables(numbered).group_by("id").aggregate([("n", "max")])
        words = pa.concat_tables(numbered).join(last, ["id", "n"], ["id", "n_max"], "inner")
        return pc.unique(words.filter(pc.invert(words["present"]))["id"])

    def _files(self, kind: str) -> list[str]:
        return [path for path in self.store.names("catalog") if path.startswith(f"catalog/{kind}-")]

    def _next(self) -> int:
        return max((int(path[-14:-8]) for path in self.store.names("catalog")), default=0) + 1


def _given_tables(inputs: Iterable[Input]) -> Iterator[pa.Table]:
    rows = iter(inputs)
    while chunk := list(islice(rows, _ROWS_PER_GROUP // 4)):
        columns = {
            "id": [row.id for row in chunk],
            "uri": [row.uri for row in chunk],
            "cut": [row.cut for row in chunk],
            "crop": [row.crop for row in chunk],
            "licence": [row.licence for row in chunk],
            "consent": [row.consent for row in chunk],
            "source": [row.source_json for row in chunk],
        }
        yield pa.table(columns, schema=_GIVEN)


def _spool(path: Path, schema: pa.Schema, tables: Iterable[pa.Table]) -> int:
    """Writes rows to a local file, in row groups of whole lots; how many they were."""
    total = 0
    with pq.ParquetWriter(path, schema, **OPTIONS) as writer:
        for table in _regrouped(tables, _ROWS_PER_GROUP):
            writer.write_table(table.select(schema.names).cast(schema), row_group_size=_ROWS_PER_GROUP)
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
    for batch in pa.RecordBatchReader.from_stream(rows.to_arrow_reader(_ROWS_PER_GROUP)):
        yield pa.Table.from_batches([batch])


def _once(tables: Iterable[pa.Table]) -> Iterator[pa.Table]:
    """Rows sorted so that the same id comes in a row; the first of each."""
    before = None
    for table in tables:
        if not table.num_rows:
            continue
        ids = table["id"].combine_chunks()
        previous = pa.concat_arrays([pa.array([before], ids.type), ids.slice(0, len(ids) - 1)])
        before = ids[-1].as_py()
        yield table.filter(pc.fill_null(pc.not_equal(ids, previous), True))


def _in_lots(tables: Iterable[pa.Table], first: int) -> Iterator[pa.Table]:
    done = 0
    for table in tables:
        lots = [first + row // LOT for row in range(done, done + table.num_rows)]
        done += table.num_rows
        yield table.append_column(SCHEMA.field("lot"), pa.array(lots, pa.int32()))


def _first_lot(batch: pq.ParquetFile) -> int:
    return int(batch.schema_arrow.metadata[_FIRST_LOT.encode()])


def _lots_of(batch: pq.ParquetFile, group: int) -> int:
    """Lots in the batch up to and with this row group."""
    rows: int = group * _ROWS_PER_GROUP + batch.metadata.row_group(group).num_rows
    return -(-rows // LOT)
