"""Who is the same person in which clips: clips whose faces are close belong together, as far as most of them are.

A stage leaves one template of a clip's face among its restricted files. Clips that passed the rules up to a stage take
part, in order of registration (linkage.py). An identity is called by its earliest clip; when it turns out to be one
with an earlier identity, its name becomes an alias. So neither arrival nor parallelism changes it.

What was found is kept where the templates are, below `restricted/`: losing it costs finding it again. A lot's digest
covers its members and those of all lots before: where it is the one that was kept, so is the outcome. Who takes part is
told by rules, so that another bound, too, finds again what it concerns.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from hashlib import sha256
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actor18m import keys, stopping
from actor18m.ledger.attachments import files_of_row
from actor18m.ledger.ledger import Ledger, LotFiles
from actor18m.ledger.rows import BESIDE, about
from actor18m.relations.linkage import Linkage, Near, Same
from actor18m.stage import TEMPLATE
from actor18m.storage.block_cache import LOTS_PER_SEGMENT, Segments
from actor18m.storage.lease import Lease
from actor18m.storage.store import StoreError

MEMBERS = pa.schema([pa.field("lot", pa.int32()), pa.field("clip", pa.string()), pa.field("input_digest", pa.string())])
ALIASES = pa.schema([pa.field(name, pa.string(), nullable=False) for name in ("alias", "identity_id")])
_NEAR = pa.struct([("identity", pa.string()), ("clips", pa.int32()), ("nearest", pa.float64())])
_KEPT = pa.schema(
    [
        pa.field("lot", pa.int32()),
        pa.field("clip", pa.string()),
        pa.field("template", pa.binary()),
        pa.field("near", pa.list_(_NEAR)),
    ]
)
"""`near`: the identities that the clip was close to, by the clips that they were called by then."""
_LOTS = "lots"
_COMPARED_AT_ONCE = 4096
_JOINED_AT_ONCE = 512
"""Of clips that are compared before they are taken every close pair is noted, of others only their identities."""
_DUST = 1e-3
"""How far a product of matrices may be off: what it finds is computed again, pair by pair, the same on any machine."""

Templates = npt.NDArray[np.float32]


class Identities:
    """Give it what was surveyed of all lots in order, block by block; then ask."""

    def __init__(self, ledger: Ledger, files: dict[int, LotFiles], same: Same) -> None:
        settings = keys.digest(ledger.stage, ledger.fingerprint, same.within, same.share)[: keys.SHORT_DIGITS]
        self._ledger, self._files, self._same = ledger, files, same
        self._segments = Segments(ledger.store, f"restricted/identities/{settings}")
        self._digest = ""
        self._clips: list[str] = []
        self._number: dict[str, int] = {}
        self._linkage = Linkage(same.share)
        self._blocks: list[tuple[int, int]] = []
        """Block, and how many clips came before it."""
        self._new: tuple[int, pa.Table, dict[int, str]] | None = None
        """Of the block that was given last, if it is not kept so: its rows, and the digests of its lots."""

    def take(self, measured: Mapping[str, pa.Table]) -> None:
        """The judged rows of one block, by stage. Clips that passed so far take part, if they have a template."""
        self._new = None
        members = self._members(measured)
        if not members.num_rows:
            return
        block = int(members["lot"][0].as_py()) // LOTS_PER_SEGMENT
        first, digests = len(self._clips), self._digests(members)
        rows, before = self._read(block, ["lot", "clip", "near"])
        known = pa.array([lot for lot, digest in digests.items() if before.get(lot) == digest], pa.int32())
        rows = rows.filter(pc.is_in(rows["lot"], known))
        for clip, near in zip(rows["clip"].to_pylist(), rows["near"].to_pylist(), strict=True):
            self._join(clip, {self._number[each["identity"]]: Near(each["clips"], each["nearest"]) for each in near})
        if before != digests:
            here, _ = self._read(block)
            here = here.filter(pc.is_in(here["lot"], known))
            new = members.filter(pc.invert(pc.is_in(members["lot"], known)))
            found = self._searched(new, here, first) if new.num_rows else _KEPT.empty_table()
            self._new = block, pa.concat_tables([here, found]), digests
        self._blocks.append((block, first))

    def _members(self, measured: Mapping[str, pa.Table]) -> pa.Table:
        last = measured[self._same.after or self._same.stage]
        rows = measured[self._same.stage].sort_by("number")
        rows = rows.filter(pc.is_in(rows["number"], last["number"].filter(last["passed"])))
        return pa.table([rows[name] for name in ("lot", "key", "input_digest")], schema=MEMBERS)

    def keep(self, lease: Lease) -> None:
        """Writes what was found of the block that was given last, with which the next ones are compared."""
        if self._new is not None:
            block, rows, digests = self._new
            self._segments.write(lease, block, rows, {_LOTS: json.dumps(digests)})

    def of(self, clips: pa.Array | pa.ChunkedArray) -> pa.Array:
        """The identity of each, null for those that take no part."""
        numbers = [self._number.get(clip) for clip in clips.to_pylist()]
        return pa.array([None if n is None else self._clips[self._linkage.identity(n)] for n in numbers], pa.string())

    def aliases(self) -> pa.Table:
        """`alias`, a name that an identity had, and `identity_id`, what it is called since, in the order they arose."""
        alias = pa.array([self._clips[lost] for lost in self._linkage.lost], pa.string())
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
        close: list[dict[int, Near]] = [{} for _ in found]
        for (block, start), (_, end) in pairwise([*self._blocks, (-1, first)]):
            theirs = _stacked(self._read(block)[0]["template"].to_pylist())
            if len(theirs) != end - start:
                raise StoreError(
                    f"{self._ledger.store.url}/restricted/identities was changed while it was read: a build is going "
                    "on. Run the same command again."
                )
            self._compare(close, mine, theirs, start)
        self._compare(close, mine, _stacked(here["template"].to_pylist()), first)
        rows = []
        for top in range(0, len(found), _JOINED_AT_ONCE):
            end = min(top + _JOINED_AT_ONCE, len(found))
            self._compare(close[top:end], mine[top:end], mine[:end], begin)
            for at in range(top, end):
                lot, clip, template = found[at]
                before = {number: near for number, near in close[at].items() if number < begin + at}
                rows.append((lot, clip, template, self._join(clip, before)))
        columns = list(zip(*rows, strict=True)) or [()] * len(_KEPT)
        return pa.table([pa.array(each, field.type) for each, field in zip(columns, _KEPT, strict=True)], schema=_KEPT)

    def _compare(self, close: list[dict[int, Near]], mine: Templates, theirs: Templates, start: int) -> None:
        """Adds for each of mine which are close; `start` is the number of the first of theirs."""
        limit = self._same.within**2
        for top in range(0, len(mine), _COMPARED_AT_ONCE):
            for left in range(0, len(theirs), _COMPARED_AT_ONCE):
                stopping.check()
                some, others = mine[top : top + _COMPARED_AT_ONCE], theirs[left : left + _COMPARED_AT_ONCE]
                # pairs that may be close, and of these the ones that are
                squared = (some**2).sum(axis=1)[:, None] + (others**2).sum(axis=1)[None] - 2 * (some @ others.T)
                row, column = np.nonzero(squared <= limit + _DUST)
                apart = ((some[row].astype(np.float64) - others[column].astype(np.float64)) ** 2).sum(axis=1)
                row, column, apart = (each[apart <= limit] for each in (row, column, apart))
                # for each of mine and each identity how many there are, and the nearest
                theirs_here, which = np.unique(column, return_inverse=True)
                identity = np.array([self._identity_or_own(start + left + n) for n in theirs_here.tolist()], np.int64)
                order = np.lexsort((identity[which], row))
                row, of, apart = row[order], identity[which][order], apart[order]
                begins = np.flatnonzero((np.diff(row, prepend=-1) != 0) | (np.diff(of, prepend=-1) != 0))
                clips = np.diff(begins, append=len(row))
                nearest = np.minimum.reduceat(apart, begins) if len(begins) else apart
                told = (row[begins], of[begins], clips, nearest)
                for at, number, count, least in zip(*(each.tolist() for each in told), strict=True):
                    _add(close[top + at], number, Near(count, least))

    def _identity_or_own(self, number: int) -> int:
        """Of clips that were not taken yet, which identity they will be of is not known."""
        return self._linkage.identity(number) if number < len(self._linkage) else number

    def _join(self, clip: str, close: Mapping[int, Near]) -> list[dict[str, str | int | float]]:
        """Takes the next clip, which is close to these; the identities that they are of by now."""
        near: dict[int, Near] = {}
        for number, some in close.items():
            _add(near, self._linkage.identity(number), some)
        told = [{"identity": self._clips[each]} | asdict(some) for each, some in sorted(near.items())]
        self._number[clip] = len(self._clips)
        self._clips.append(clip)
        self._linkage.join(near)
        return told

    def _templates(self, members: pa.Table) -> Iterator[tuple[int, str, bytes]]:
        """Lot, clip and template of those that have one."""
        for lot in pc.unique(members["lot"]).to_pylist():
            stopping.check()
            rows = self._ledger.read_lot(self._files[lot], [], with_beside=True)
            beside = dict(zip(about(rows), rows[BESIDE["restricted"]].to_pylist(), strict=True))
            of_lot = members.filter(pc.equal(members["lot"], lot))
            for row in zip(of_lot["clip"].to_pylist(), of_lot["input_digest"].to_pylist(), strict=True):
                if (digest := beside[row]) is None:
                    continue
                shelf = self._ledger.shelf("restricted", lot, digest)
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


def _add(near: dict[int, Near], identity: int, some: Near) -> None:
    near[identity] = near[identity] + some if identity in near else some
