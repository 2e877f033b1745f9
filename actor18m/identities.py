"""Who is the same person in which clips: clips whose faces are close belong together, and so do theirs.

A stage leaves one template of a clip's face among its restricted files. Clips are taken in order of registration: one
that is close to clips before it joins them, and makes them one when they were several. An identity is called by its
earliest clip; the others' names become aliases. So neither arrival nor parallelism changes it.

What was found is kept where the templates are, below `restricted/`: losing it costs finding it again. A lot's digest
covers its members and those of all lots before: where it is the one that was kept, so is the outcome.
"""

import json
from collections.abc import Iterator, Sequence
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actor18m import keys, stopping
from actor18m.beside import files_of_row
from actor18m.ledger import Ledger, LotFiles
from actor18m.rows import about
from actor18m.segments import LOTS_PER_SEGMENT, Segments
from actor18m.store import StoreError
from actor18m.survey import Surveyed
from actor18m.writer import Lease

TEMPLATE = "template"
"""The restricted file: float32, all of one length, close for one person by Euclidean distance."""
MEMBERS = pa.schema([pa.field("lot", pa.int32()), pa.field("clip", pa.string()), pa.field("input_digest", pa.string())])
ALIASES = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("alias", "identity_id")])
_KEPT = pa.schema(
    [
        pa.field("lot", pa.int32()),
        pa.field("clip", pa.string()),
        pa.field("template", pa.binary()),
        pa.field("joins", pa.list_(pa.string())),
    ]
)
"""`joins`: the identities that the clip was close to, by the clips that they were called by then."""
_LOTS = "lots"
_COMPARED_AT_ONCE = 4096
_DUST = 1e-3
"""How far a product of matrices may be off: what it finds is computed again, pair by pair, the same on any machine."""

Templates = npt.NDArray[np.float32]


class Identities:
    """Give it what was surveyed of all lots in order, block by block; then ask."""

    def __init__(self, ledger: Ledger, files: dict[int, LotFiles], within: float) -> None:
        settings = keys.digest(ledger.stage, ledger.fingerprint, within)[: keys.SHORT_DIGITS]
        self._ledger, self._files, self._within = ledger, files, within
        self._segments = Segments(ledger.store, f"restricted/identities/{settings}")
        self._digest = ""
        self._clips: list[str] = []
        self._number: dict[str, int] = {}
        self._parents: list[int] = []
        self._lost: list[int] = []
        """Clips that an identity was called by, until it joined an earlier one."""
        self._blocks: list[tuple[int, int]] = []
        """Block, and how many clips came before it."""
        self._new: tuple[int, pa.Table, dict[int, str]] | None = None
        """Of the block that was given last, if it is not kept so: its rows, and the digests of its lots."""

    def take(self, surveyed: Surveyed) -> None:
        """One block. Clips that stand and that the stage has measured take part, if they have a template."""
        self._new = None
        rows = surveyed.measured[self._ledger.stage].sort_by("number")
        members = pa.table([rows[name] for name in ("lot", "key", "input_digest")], schema=MEMBERS)
        if not members.num_rows:
            return
        block = int(members["lot"][0].as_py()) // LOTS_PER_SEGMENT
        first, digests = len(self._clips), self._digests(members)
        rows, before = self._read(block, ["lot", "clip", "joins"])
        known = pa.array([lot for lot, digest in digests.items() if before.get(lot) == digest], pa.int32())
        rows = rows.filter(pc.is_in(rows["lot"], known))
        for clip, joins in zip(rows["clip"].to_pylist(), rows["joins"].to_pylist(), strict=True):
            self._join(clip, [self._number[each] for each in joins])
        if before != digests:
            here, _ = self._read(block)
            here = here.filter(pc.is_in(here["lot"], known))
            new = members.filter(pc.invert(pc.is_in(members["lot"], known)))
            found = self._searched(new, here, first) if new.num_rows else _KEPT.empty_table()
            self._new = block, pa.concat_tables([here, found]), digests
        self._blocks.append((block, first))

    def keep(self, lease: Lease) -> None:
        """Writes what was found of the block that was given last, with which the next ones are compared."""
        if self._new is not None:
            block, rows, digests = self._new
            self._segments.write(lease, block, rows, {_LOTS: json.dumps(digests)})

    def of(self, clips: pa.Array | pa.ChunkedArray) -> pa.Array:
        """The identity of each, null for those without a template."""
        numbers = [self._number.get(clip) for clip in clips.to_pylist()]
        return pa.array([None if n is None else self._clips[self._root(n)] for n in numbers], pa.string())

    def aliases(self) -> pa.Table:
        """`alias`, a name that an identity had, and `identity_id`, what it is called since, in the order they arose."""
        alias = pa.array([self._clips[lost] for lost in self._lost], pa.string())
        return pa.table([alias, self.of(alias)], schema=ALIASES)

    def _digests(self, members: pa.Table) -> dict[int, str]:
        """By lot."""
        found: dict[int, str] = {}
        for lot, some in groupby(
            zip(*(members[name].to_pylist() for name in MEMBERS.names), strict=True), lambda m: m[0]
        ):
            told = json.dumps([self._digest, list(some)])
            found[lot] = self._digest = sha256(told.encode()).hexdigest()[: keys.SHORT_DIGITS]
        return found

    def _searched(self, members: pa.Table, here: pa.Table, first: int) -> pa.Table:
        """Compared with all clips before, in earlier blocks and `here` in this one, and with each other."""
        found = list(self._templates(members))
        mine, begin = _stacked([template for _, _, template in found]), len(self._clips)
        close: list[set[int]] = [set() for _ in found]
        for (block, start), (_, end) in pairwise([*self._blocks, (-1, first)]):
            theirs = _stacked(self._read(block)[0]["template"].to_pylist())
            if len(theirs) != end - start:
                raise StoreError(
                    f"{self._ledger.store.url}/restricted/identities was changed while it was read: a build is going "
                    "on. Run the same command again."
                )
            self._compare(close, mine, theirs, start)
        self._compare(close, mine, _stacked(here["template"].to_pylist()), first)
        self._compare(close, mine, mine, begin)
        rows = [
            (lot, clip, template, self._join(clip, [number for number in close[at] if number < begin + at]))
            for at, (lot, clip, template) in enumerate(found)
        ]
        columns = list(zip(*rows, strict=True)) or [()] * len(_KEPT)
        return pa.table([pa.array(each, field.type) for each, field in zip(columns, _KEPT, strict=True)], schema=_KEPT)

    def _compare(self, close: list[set[int]], mine: Templates, theirs: Templates, start: int) -> None:
        """Notes for each of mine the numbers of those that are close; `start` is the number of the first of theirs."""
        limit = self._within**2
        for top in range(0, len(mine), _COMPARED_AT_ONCE):
            for left in range(0, len(theirs), _COMPARED_AT_ONCE):
                stopping.check()
                some, others = mine[top : top + _COMPARED_AT_ONCE], theirs[left : left + _COMPARED_AT_ONCE]
                squared = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * (some @ others.T)
                row, column = np.nonzero(squared <= limit + _DUST)
                apart = some[row].astype(np.float64) - others[column].astype(np.float64)
                is_close = (apart**2).sum(axis=1) <= limit
                for at, number in zip(row[is_close].tolist(), column[is_close].tolist(), strict=True):
                    close[top + at].add(self._root_or_own(start + left + number))

    def _root_or_own(self, number: int) -> int:
        """One clip of an identity is as good as all of them."""
        return self._root(number) if number < len(self._parents) else number

    def _join(self, clip: str, close: Sequence[int]) -> list[str]:
        """Takes the next clip, which is close to these; the identities that they were of."""
        number = len(self._clips)
        self._number[clip] = number
        self._clips.append(clip)
        roots = sorted({self._root(other) for other in close})
        self._parents.append(roots[0] if roots else number)
        for lost in roots[1:]:
            self._parents[lost] = roots[0]
            self._lost.append(lost)
        return [self._clips[root] for root in roots]

    def _root(self, number: int) -> int:
        while (parent := self._parents[number]) != number:
            self._parents[number] = self._parents[parent]
            number = parent
        return number

    def _templates(self, members: pa.Table) -> Iterator[tuple[int, str, bytes]]:
        """Lot, clip and template of those that have one."""
        for lot in pc.unique(members["lot"]).to_pylist():
            stopping.check()
            rows = self._ledger.read_lot(self._files[lot], [], with_part=True)
            parts = dict(zip(about(rows), rows["part"].to_pylist(), strict=True))
            of_lot = members.filter(pc.equal(members["lot"], lot))
            for row in zip(of_lot["clip"].to_pylist(), of_lot["input_digest"].to_pylist(), strict=True):
                shelf = self._ledger.shelf("restricted", lot, parts[row])
                if (template := files_of_row(shelf, *row).get(TEMPLATE)) is not None:
                    yield lot, row[0], template

    def _read(self, block: int, columns: list[str] | None = None) -> tuple[pa.Table, dict[int, str]]:
        """Rows of a block, and the digests of its lots."""
        if self._new is not None and block == self._new[0]:
            return self._new[1:]
        for path in self._segments.paths(block):
            if (read := self._segments.read(path, columns)) is not None:
                digests: dict[str, Any] = json.loads(read[1][_LOTS])
                return read[0], {int(lot): str(digest) for lot, digest in digests.items()}
        return _KEPT.empty_table(), {}


def _stacked(templates: Sequence[bytes]) -> Templates:
    """float32[N, D]."""
    if not templates:
        return np.zeros((0, 0), np.float32)
    return np.frombuffer(b"".join(templates), np.float32).reshape(len(templates), -1)
