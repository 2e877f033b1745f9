"""What the store knows, block by block: registered inputs beside the judged rows of every stage."""

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.catalog.catalog import Catalog
from actor18m.ledger.index import Index
from actor18m.ledger.ledger import LotFiles
from actor18m.ledger.rows import QUARANTINED
from actor18m.storage.block_cache import LOTS_PER_SEGMENT
from actor18m.storage.store import Store
from actor18m.survey import admission as entry
from actor18m.survey.catalog_gone import check_lots
from actor18m.survey.chain import Link
from actor18m.survey.seen import Seen
from actor18m.survey.survey import Settled, Surveyed, Surveyor

FOR_SURVEY = ("id", "lot")
FOR_WORK = ("id", "lot", "uri", "cut", "crop", "version")
_TO_ENTER = ("id", "lot", "parent")


@dataclass(frozen=True)
class Block:
    """Some lots."""

    lots: range
    inputs: pa.Table
    """With ENTRY."""
    known: Mapping[str, pa.Table]
    """stage -> judged rows, read each time they are asked for: those of all stages at once are too many to keep."""


@dataclass
class Record:
    """A store as one pipeline sees it."""

    store: Store
    seen: Seen
    surveyor: Surveyor
    splitter: Link | None = None
    """The stage by which inputs are split, if they are."""
    retry: Collection[str] = ()
    """Rows in these states count as missing."""
    dreaded: set[tuple[str, str]] = field(default_factory=set)
    """Stage and key of rows to retry that killed or hung a worker, as far as blocks were read."""

    def blocks(self, columns: Collection[str] = FOR_SURVEY) -> Iterator[Block]:
        """All lots in order."""
        measured = self.measured  # listed before the catalog: a build registers a lot before it measures it
        catalog = Catalog(self.store)
        every = catalog.lots()
        check_lots(self.store, measured, every)
        for start in range(0, every.stop, LOTS_PER_SEGMENT):
            lots = range(start, min(start + LOTS_PER_SEGMENT, every.stop))
            inputs = pa.concat_tables(list(catalog.read(lots, [*_TO_ENTER, *columns]))).combine_chunks()
            yield Block(lots, self._entered(lots, inputs), _Rows(self, lots))

    def surveyed(self, columns: Collection[str] = FOR_SURVEY) -> Iterator[tuple[Block, Surveyed]]:
        """Each block with what became of its inputs and what is missing. Once only: settling advances."""
        for block in self.blocks(columns):
            yield block, self.surveyor.follow(self.settled(block), block.known)

    def settled(self, block: Block) -> Settled:
        return self.surveyor.settle(block.inputs, block.known[self.surveyor.chain[0].name])

    @cached_property
    def links(self) -> dict[str, Link]:
        return {link.name: link for link in self.surveyor.stages.links}

    @cached_property
    def files(self) -> dict[str, dict[int, LotFiles]]:
        """stage -> lot -> where its rows are, listed once."""
        return {link.name: self.seen.files(link) for link in self._all}

    @property
    def measured(self) -> int:
        """The last lot of which there are rows; -1 when there are none."""
        return max((lot for files in self.files.values() for lot in files), default=-1)

    @cached_property
    def _indexes(self) -> dict[str, Index]:
        return {link.name: self.seen.index(link) for link in self._all}

    @property
    def _all(self) -> list[Link]:
        return [*self.surveyor.stages.links, *([self.splitter] if self.splitter else [])]

    def judged(self, link: Link, lots: range) -> pa.Table:
        """What is known of a stage's rows in some lots of one block."""
        return self.surveyor.judged(link, self._known(link, lots))

    def lost(self, link: Link, lots: range) -> frozenset[int]:
        """Of some lots of one block, those whose rows of a stage have gone from the ledger."""
        return self._indexes[link.name].lost(lots)

    def _entered(self, lots: range, inputs: pa.Table) -> pa.Table:
        if self.splitter is None:
            return entry.unsplit(inputs)
        return entry.split(inputs, self.splitter.name, self._known(self.splitter, lots))

    def _known(self, link: Link, lots: range) -> pa.Table:
        known = self._indexes[link.name].read(lots)
        rows = pa.concat_tables([link.empty, known], promote_options="default")
        if self.retry:
            is_again = pc.is_in(rows["state"], pa.array(sorted(self.retry)))
            again = rows.filter(pc.and_(is_again, pc.equal(rows["state"], QUARANTINED)))
            self.dreaded.update((link.name, key) for key in again["key"].to_pylist())
            rows = rows.filter(pc.invert(is_again))
        return rows


@dataclass(frozen=True)
class _Rows(Mapping[str, pa.Table]):
    record: Record
    lots: range

    def __getitem__(self, stage: str) -> pa.Table:
        return self.record.judged(self.record.links[stage], self.lots)

    def __iter__(self) -> Iterator[str]:
        return iter(self.record.links)

    def __len__(self) -> int:
        return len(self.record.links)
