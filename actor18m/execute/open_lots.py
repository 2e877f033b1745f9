"""The lots that are under way, and what is known of their clips. Only clips of which something was learned are looked
at again: what one result costs depends neither on the size of its lot nor on how many clips are under way.
"""

import itertools
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog import LOT
from actor18m.execute.lots import Lot, lots_of
from actor18m.execute.moved import Moved
from actor18m.execute.rows_by_clip import Numbers, RowsByClip
from actor18m.ledger.ledger import LotFiles
from actor18m.ledger.rows import about
from actor18m.survey.chain import Link
from actor18m.survey.snapshot import FOR_WORK, Block, Record

LEAST, MOST, FOR_EACH_PLACE = 16, 256, 4
"""So many are under way: within the first two, as many as have four clips for each place that workers have. A lot ends
with its slowest image, which may have to be tried again, and only then another begins: with 16 of them, the makers of
1,024 GPUs were idle for more than half of the time, with 64 for a third (tests/bench/simulated.py). What is known of
the clips of each takes memory."""
_NAMES = ("key", "id")
"""Of a clip: its rows have one or the other."""
_ADOPTED = "_adopted"
_NOBODY = -1
_LATEST = 64
"""Among so many parts is one of which another call told just now."""


class OpenLots:
    """Lots begin in order, are settled in order, and end when nothing of them is missing or being measured."""

    def __init__(self, record: Record) -> None:
        self.moved = Moved(record)
        self._record = record
        self._first = record.surveyor.chain[0].name
        self._links = record.links
        self._lots: dict[int, Lot] = {}
        self._frontier: deque[Lot] = deque()
        """Lots that are not settled yet, in order."""
        self._arriving = self._to_come()
        self.all_came = False
        self._number_of: dict[str, int] = {}
        """Of each clip under way, by its key and by its input's id."""
        self._lot_of = np.full(1, _NOBODY)
        """By number, the lot of a clip; _NOBODY once that has ended."""
        self._numbered = 0
        self._stretch: dict[int, slice] = {}
        """Of each settled lot, the numbers of its clips."""
        self._clips: RowsByClip | None = None
        """Of settled lots, as the survey starts from them."""
        empty = {name: record.surveyor.judged(link, link.empty) for name, link in self._links.items()}
        self._rows = {name: RowsByClip(rows, self._is_open) for name, rows in empty.items()}
        self._learned: dict[str, list[tuple[Lot, pa.Table, bool]]] = defaultdict(list)
        """Stage -> rows that came back, or were there for a moved file (True), and are not judged yet."""
        self._touched: set[int] = set()
        """Numbers of clips of which something was learned."""

    def __bool__(self) -> bool:
        return bool(self._lots)

    def __getitem__(self, number: int) -> Lot:
        return self._lots[number]

    def __repr__(self) -> str:
        return f"lots {sorted(self._lots)}"

    def let_in(self, places: int) -> Lot | None:
        """The next lot, if there is one and room for it. `places`: for how many clips and images workers have room."""
        if self.all_came or len(self._lots) >= min(MOST, max(LEAST, -(-FOR_EACH_PLACE * places // LOT))):
            return None
        lot = next(self._arriving, None)
        if lot is None:
            self.all_came = True
            return None
        self._lots[lot.number] = lot
        if lot.settled is not None:
            self._follow_from_now_on(lot)
        return lot

    def unread(self, lot: Lot) -> pa.Table:
        """What is missing of the first stage."""
        return self._record.surveyor.unread(lot.inputs, lot.known[self._first])

    def settle(self) -> None:
        """The lots at the frontier whose inputs are read."""
        while self._frontier and self._frontier[0].number in self._lots and not self._frontier[0].under_way:
            lot = self._frontier.popleft()
            lot.settled = self._record.surveyor.settle(lot.inputs, lot.known[self._first])
            self.moved.remember(lot.settled)
            self._follow_from_now_on(lot)

    def learn(self, lot: Lot, link: Link, part: str, known: pa.Table, is_adopted: bool = False) -> None:
        """Rows that were committed to a lot."""
        files = self._record.files[link.name].get(lot.number, LotFiles(lot.number))
        if part not in files.parts[-_LATEST:]:  # of several calls in one commit
            self._record.files[link.name][lot.number] = replace(files, parts=(*files.parts, part))
        lot.parts.update(((link.name, key, digest), part) for key, digest in about(known))
        self._learned[link.name].append((lot, known, is_adopted))

    def judge(self) -> Iterator[tuple[str, pa.Table]]:
        """What was learned of a stage at once: a query costs about as much for one row as for a thousand. Gives what
        was measured, with verdicts.
        """
        learned, self._learned = self._learned, defaultdict(list)
        for stage, tables in learned.items():
            rows = pa.concat_tables([known for _, known, _ in tables], promote_options="default")
            adopted = [is_adopted for _, known, is_adopted in tables for _ in range(known.num_rows)]
            rows = rows.append_column(_ADOPTED, pa.array(adopted, pa.bool_()))
            judged = self._record.surveyor.judged(self._links[stage], rows)
            adopted_here = judged[_ADOPTED]
            judged = judged.drop_columns([_ADOPTED])
            self._keep(stage, judged)
            yield stage, judged.filter(pc.invert(adopted_here))

    def missing(self) -> Mapping[str, pa.Table]:
        """By stage, of the clips of which something was learned since this was asked last; nothing when there are
        none.
        """
        if not self._touched:
            return {}
        clips = np.array(sorted(self._touched), np.int64)
        self._touched.clear()
        assert self._clips is not None
        known = {stage: rows.of(clips) for stage, rows in self._rows.items()}
        return self._record.surveyor.missing(self._clips.of(clips), known)

    @property
    def is_touched(self) -> bool:
        """Is there anything to look at?"""
        return bool(self._touched or self._learned)

    def end(self) -> bool:
        """Lets go of lots of which nothing is under way. For when nothing is left to look at. True when there were
        some.
        """
        ended = [lot for lot in self._lots.values() if lot.settled is not None and not lot.under_way]
        for lot in ended:
            del self._lots[lot.number]
            assert lot.settled is not None
            for key in itertools.chain(*(lot.settled.clips[name].to_pylist() for name in _NAMES)):
                self._number_of.pop(key, None)  # a clip's may be its input's
            self._lot_of[self._stretch.pop(lot.number)] = _NOBODY
        return bool(ended)

    def _to_come(self) -> Iterator[Lot]:
        """Lots that have something missing, or may have; of those before the first lot whose inputs are not all read,
        only the ones that do.
        """
        for block in self._record.blocks(FOR_WORK):
            unread = self._record.surveyor.unread(block.inputs, block.known[self._first])
            if not self._frontier and not unread.num_rows:
                yield from self._settled_at_once(block)
                continue
            for lot in lots_of(block, block.lots):
                self._frontier.append(lot)
                yield lot

    def _settled_at_once(self, block: Block) -> Iterator[Lot]:
        settled = self._record.settled(block)
        self.moved.remember(settled)
        missing = self._record.surveyor.missing(settled.clips, block.known)
        numbers = sorted({lot for rows in missing.values() for lot in pc.unique(rows["lot"]).to_pylist()})
        for lot in lots_of(block, numbers):
            lot.settled = settled.of_lot(lot.number)
            yield lot

    def _follow_from_now_on(self, lot: Lot) -> None:
        """Its clips get their numbers, and are all to be looked at."""
        assert lot.settled is not None
        clips, begin = lot.settled.clips, self._numbered
        self._numbered += clips.num_rows
        if self._numbered > len(self._lot_of):  # twice as many: growing costs each clip a constant
            self._lot_of = np.concatenate([self._lot_of, np.full(self._numbered, _NOBODY)])
        self._stretch[lot.number] = slice(begin, self._numbered)
        self._lot_of[begin : self._numbered] = lot.number
        numbers = np.arange(begin, self._numbered)
        for name in _NAMES:
            self._number_of.update(zip(clips[name].to_pylist(), numbers.tolist(), strict=True))
        if self._clips is None:
            self._clips = RowsByClip(clips.slice(0, 0), self._is_open)
        self._clips.add(numbers, clips)
        for stage, rows in lot.known.items():
            self._add(stage, rows)
        lot.known = {}
        self._touched.update(numbers.tolist())

    def _keep(self, stage: str, judged: pa.Table) -> None:
        """What is known of clips; of inputs, until their lot is settled, of it."""
        if stage == self._first:
            for number in pc.unique(judged["lot"]).to_pylist():
                known = self._lots[number].known
                here = judged.filter(pc.equal(judged["lot"], number))
                known[stage] = pa.concat_tables([known[stage], here], promote_options="default")
        else:
            self._touched.update(self._add(stage, judged).tolist())

    def _add(self, stage: str, rows: pa.Table) -> Numbers:
        """Which clips they are of. Rows of clips that do not stand, or stand in another lot, tell nothing here."""
        found = [self._number_of.get(key.partition("-")[0], _NOBODY) for key in rows["key"].to_pylist()]
        numbers = np.array(found, np.int64)
        is_here = (numbers != _NOBODY) & (self._lot_of[numbers] == rows["lot"].to_numpy())
        if not is_here.all():
            numbers, rows = numbers[is_here], rows.filter(pa.array(is_here))
        self._rows[stage].add(numbers, rows)
        return numbers

    def _is_open(self, numbers: Numbers) -> npt.NDArray[np.bool_]:
        is_open: npt.NDArray[np.bool_] = self._lot_of[numbers] != _NOBODY
        return is_open
