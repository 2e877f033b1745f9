"""The planning index: state and rule values of every row, in few files. A cache: losing it costs one scan.

`index/<stage>/<fingerprint>/seg-000002.<hash>.parquet` holds the lots of block 2 and names, for each lot, the set of
ledger files it was made from. A lot whose files are another set now is read from the ledger.
"""

import json
from collections.abc import Callable, Collection, Container, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger import Ledger, LotFiles, part_of
from actor18m.parquet import from_bytes, to_bytes
from actor18m.writer import Lease

LOTS_PER_SEGMENT = 1024

_KNOWN = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("input_digest", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("error_kind", pa.string()),
    ]
)
_LOTS_AT_ONCE = 64


@dataclass(frozen=True)
class Values:
    """What rules compare, computed from a stage's rows: `of` gives one row for each, without key. The name tells one
    set of rule values from another: a digest of their expressions.
    """

    name: str
    reads: tuple[str, ...]
    of: Callable[[pa.Table], pa.Table]


NO_VALUES = Values("", (), lambda rows: rows.select([]))


def refresh(lease: Lease, ledger: Ledger, values: Values = NO_VALUES) -> int:
    """Brings the index up to date; how many segments were written."""
    written = 0
    old = _Segments(ledger)
    for block, files in _by_block(ledger.files()):
        if old.is_fresh(block, files, values):
            continue
        table = _read_block(ledger, old, block, files, values)
        metadata = {
            "values": values.name,
            "lots": json.dumps({str(lot): file.digest for lot, file in files.items()}, separators=(",", ":")),
        }
        content = to_bytes(table, metadata)
        path = f"{old.folder}/seg-{block:06d}.{part_of(content)}.parquet"
        if path in old.paths(block):
            lease.delete(path)  # damaged, else it were fresh; or one of two
        lease.create(path, content)
        for stale in old.paths(block):
            if stale != path:
                lease.delete(stale)
        written += 1
    return written


def known(ledger: Ledger, values: Values = NO_VALUES, lots: Container[int] | None = None) -> Iterator[pa.Table]:
    """Key, lot, input digest and state of every row, with the rule values, in order of lots, block by block."""
    segments = _Segments(ledger)
    for block, files in _by_block(ledger.files(lots)):
        yield _read_block(ledger, segments, block, files, values)


def missing(ledger: Ledger, wanted: Iterable[pa.Table], retry: Collection[str] = ()) -> Iterator[pa.Table]:
    """Those of the wanted rows (key, lot, input_digest) of which nothing is known, in the order given. Rows in a state
    to `retry` count as unknown. Tables that come in order of lots are answered with each block read once.
    """
    segments = _Segments(ledger)
    blocks = dict(_by_block(ledger.files()))
    at, have = -1, pa.array([], pa.string())
    for table in wanted:
        block_of = pc.divide(table["lot"], LOTS_PER_SEGMENT)
        for block in sorted(pc.unique(block_of).to_pylist()):
            if block != at:
                rows = _read_block(ledger, segments, block, blocks.get(block, {}), NO_VALUES)
                if retry:
                    rows = rows.filter(pc.invert(pc.is_in(rows["state"], pa.array(sorted(retry)))))
                at, have = block, _about(rows)
            here = table.filter(pc.equal(block_of, block))
            found = here.filter(pc.invert(pc.is_in(_about(here), have)))
            if found.num_rows:
                yield found


class _Segments:
    """The segments of one ledger, listed once."""

    def __init__(self, ledger: Ledger) -> None:
        self.store = ledger.store
        self.folder = f"index/{ledger.stage}/{ledger.fingerprint}"
        self._paths: dict[int, list[str]] = {}
        for path in self.store.names(self.folder):
            number = path.rpartition("/")[2].removeprefix("seg-").split(".")[0]
            if number.isdigit():
                self._paths.setdefault(int(number), []).append(path)

    def paths(self, block: int) -> list[str]:
        return self._paths.get(block, [])

    def is_fresh(self, block: int, files: dict[int, LotFiles], values: Values) -> bool:
        paths = self.paths(block)
        if len(paths) != 1:
            return False
        read = self._read(paths[0], [])
        return read is not None and read[1] == values.name and read[2] == _digests(files)

    def rows(self, block: int, files: dict[int, LotFiles], values: Values) -> Iterator[tuple[pa.Table, set[int]]]:
        """Rows of lots whose ledger files are those the segment was made from, and which lots these are."""
        columns = None if values is not NO_VALUES else _KNOWN.names
        left = _digests(files)
        for path in self.paths(block):
            read = self._read(path, columns)
            if read is None or (values is not NO_VALUES and read[1] != values.name):
                continue
            table, _, lots = read
            valid = {lot for lot, digest in lots.items() if left.get(lot) == digest}
            if len(valid) < len(lots):
                table = table.filter(pc.is_in(table["lot"], pa.array(sorted(valid), pa.int32())))
            for lot in valid:
                del left[lot]
            yield table, valid

    def _read(self, path: str, columns: list[str] | None) -> tuple[pa.Table, str, dict[int, str]] | None:
        """None when it has gone or is damaged: it is a cache."""
        try:
            content = self.store.read(path)
            if part_of(content) != path.split(".")[-2]:
                return None
            table, metadata = from_bytes(content, columns)
            lots = json.loads(metadata["lots"])
            return table, metadata["values"], {int(lot): str(digest) for lot, digest in lots.items()}
        except (FileNotFoundError, pa.ArrowException, KeyError, ValueError):
            return None


def _read_block(
    ledger: Ledger, segments: _Segments, block: int, files: dict[int, LotFiles], values: Values
) -> pa.Table:
    """From the index where it is right, else from the ledger; in order of lots."""
    tables, scanned = [], set(files)
    for table, lots in segments.rows(block, files, values):
        tables.append(table)
        scanned -= lots
    for some in _batched(sorted(scanned), _LOTS_AT_ONCE):
        read = [(lot, ledger.read_lot(files[lot], list(values.reads))) for lot in some]
        tables.append(known_of(read, values))
    if not tables:
        return _KNOWN.empty_table()
    merged = pa.concat_tables(tables, promote_options="default")
    return merged if len(tables) == 1 or len(scanned) == len(files) else merged.sort_by(_ORDER)


def known_of(lots: Sequence[tuple[int, pa.Table]], values: Values = NO_VALUES) -> pa.Table:
    """What planning has to know of rows of the ledger, given by lot."""
    rows = pa.concat_tables([table for _, table in lots], promote_options="default")
    numbers = pa.array([lot for lot, table in lots for _ in range(table.num_rows)], pa.int32())
    found = rows.select(["key", "input_digest", "state", "error_kind"]).add_column(1, "lot", numbers)
    computed = values.of(rows)
    for name in computed.column_names:
        found = found.append_column(name, computed[name])
    return found


_ORDER = [("lot", "ascending"), ("key", "ascending"), ("input_digest", "ascending")]


def _by_block(files: dict[int, LotFiles]) -> Iterator[tuple[int, dict[int, LotFiles]]]:
    blocks: dict[int, dict[int, LotFiles]] = {}
    for lot, file in files.items():
        blocks.setdefault(lot // LOTS_PER_SEGMENT, {})[lot] = file
    yield from sorted(blocks.items())


def _batched(lots: Iterable[int], size: int) -> Iterator[list[int]]:
    left = iter(lots)
    while batch := list(islice(left, size)):
        yield batch


def _digests(files: dict[int, LotFiles]) -> dict[int, str]:
    return {lot: file.digest for lot, file in files.items()}


def _about(rows: pa.Table) -> pa.ChunkedArray:
    return pc.binary_join_element_wise(rows["key"], rows["input_digest"], rows["lot"].cast(pa.string()), "/")
