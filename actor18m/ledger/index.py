"""The planning index: state and rule values of every row, in few files. A cache: losing it costs one scan.

`index/<stage>/<fingerprint>/seg-000002.<hash>.parquet` holds the lots of block 2 and names, for each lot, the set of
ledger files it was made from, with their sizes and times. A lot whose files are others now, or were written to, is
read from the ledger, which checks them.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.ledger import Ledger, LotFiles
from actor18m.storage.block_cache import LOTS_PER_SEGMENT, Segments
from actor18m.storage.lease import Lease

_KNOWN = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("input_digest", pa.string(), nullable=False),
        pa.field("state", pa.string(), nullable=False),
        pa.field("error_kind", pa.string()),
    ]
)
_VALUES, _LOTS = "values", "lots"
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
    return Index(ledger, values).refresh(lease)


class Index:
    """What planning has to know of one ledger's rows. Files are listed once."""

    def __init__(self, ledger: Ledger, values: Values = NO_VALUES, files: dict[int, LotFiles] | None = None) -> None:
        self._ledger, self._values = ledger, values
        self._files = ledger.files() if files is None else files
        self._segments = Segments(ledger.store, f"index/{ledger.stage}/{ledger.fingerprint}")

    def blocks(self) -> list[int]:
        """Those that have rows."""
        return sorted({lot // LOTS_PER_SEGMENT for lot in self._files})

    def read(self, lots: range) -> pa.Table:
        """Key, lot, input digest and state of every row, with the rule values, in order of lots: from the index where
        it is right, else from the ledger. The lots are of one block.
        """
        files = {lot: self._files[lot] for lot in lots if lot in self._files}
        tables, scanned = [], set(files)
        for path in self._segments.paths(lots.start // LOTS_PER_SEGMENT):
            table, there = self._read(path, {lot: files[lot] for lot in scanned})
            if there:
                tables.append(table)
                scanned -= there
        for some in _batched(sorted(scanned), _LOTS_AT_ONCE):
            read = [(lot, self._ledger.read_lot(files[lot], list(self._values.reads))) for lot in some]
            tables.append(known_of(read, self._values))
        if not tables:
            return _KNOWN.empty_table()
        merged = pa.concat_tables(tables, promote_options="default")
        return merged if len(tables) == 1 or len(scanned) == len(files) else merged.sort_by(_ORDER)

    def remembered(self) -> Iterator[pa.Table]:
        """Lots and keys of all rows that the index tells of, whether they are there or not."""
        for block in self._segments.blocks():
            for path in self._segments.paths(block):
                if (there := self._segments.read(path, ["lot", "key"])) is not None:
                    yield there[0]

    def lost(self, lots: range) -> frozenset[int]:
        """Those that had rows when the index was made, and of which the ledger has no file any more."""
        known = set[int]()
        for path in self._segments.paths(lots.start // LOTS_PER_SEGMENT):
            if (there := self._segments.read(path, [])) is not None:
                known |= {int(lot) for lot in json.loads(there[1][_LOTS])}
        return frozenset(known.intersection(lots) - self._files.keys())

    def refresh(self, lease: Lease) -> int:
        """Brings it up to date, also of blocks whose rows have gone; how many segments were written."""
        return sum(self.renew(lease, block) for block in sorted({*self.blocks(), *self._segments.blocks()}))

    def renew(self, lease: Lease, block: int) -> bool:
        """Writes the block's segment, if another one is there or none."""
        lots = range(block * LOTS_PER_SEGMENT, (block + 1) * LOTS_PER_SEGMENT)
        digests = {str(lot): self._files[lot].digest for lot in lots if lot in self._files}
        metadata = {_VALUES: self._values.name, _LOTS: json.dumps(digests, separators=(",", ":"))}
        paths = self._segments.paths(block)
        if len(paths) == 1 and (there := self._segments.read(paths[0], [])) is not None and there[1] == metadata:
            return False
        self._segments.write(lease, block, self.read(lots), metadata)
        return True

    def _read(self, path: str, files: dict[int, LotFiles]) -> tuple[pa.Table, set[int]]:
        """Rows of lots whose ledger files are those the segment was made from, and which lots these are."""
        is_plain = self._values is NO_VALUES
        there = self._segments.read(path, _KNOWN.names if is_plain else None)
        if there is None or not (is_plain or there[1][_VALUES] == self._values.name):
            return _KNOWN.empty_table(), set()
        table, lots = there[0], {int(lot): digest for lot, digest in json.loads(there[1][_LOTS]).items()}
        valid = {lot for lot, file in files.items() if lots.get(lot) == file.digest}
        if len(valid) < len(lots):
            table = table.filter(pc.is_in(table["lot"], pa.array(sorted(valid), pa.int32())))
        return table, valid


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


def _batched(lots: Iterable[int], size: int) -> Iterator[list[int]]:
    left = iter(lots)
    while batch := list(islice(left, size)):
        yield batch
