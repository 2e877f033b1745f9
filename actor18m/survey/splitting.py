"""Sources and their clips: the stage that looks at a source, what planning keeps of its rows, and the clips they name.

A source is an input that was given; its clips are inputs too, in lots of their own, each with the source as its parent.
Sources have a chain of their own, of one stage.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m import keys
from actor18m.catalog import cuts
from actor18m.catalog.catalog import CHILDREN, COLUMNS
from actor18m.catalog.cuts import Cut, Cutting
from actor18m.config.pipeline import Pipeline
from actor18m.errors import ActorError
from actor18m.ledger.index import Values
from actor18m.ledger.rows import OK, about
from actor18m.survey.admission import NO_FILE, PENDING, SPLIT
from actor18m.survey.chain import Kept, Link, first_link
from actor18m.survey.snapshot import Record


@dataclass(frozen=True)
class _Counted:
    """Adds `_clips` to what is kept of a row: into how many clips it is cut, null where it is left whole."""

    kept: Kept
    cutting: Cutting

    def __call__(self, rows: pa.Table) -> pa.Table:
        counts = []
        for number in range(rows.num_rows):
            clips = clips_of(rows, number, self.cutting)
            counts.append(None if clips is None else len(clips))
        return self.kept(rows).append_column("_clips", pa.array(counts, pa.int32()))


def clips_of(rows: pa.Table, number: int, cutting: Cutting) -> list[Cut] | None:
    """Of one row; None where it is left whole, or has no measurements. One at a time: an hour has many seconds."""
    if rows["state"][number].as_py() != OK:
        return None
    (row,) = rows.select(list(cuts.READS)).slice(number, 1).to_pylist()
    return cutting(row)


def splitter_of(pipeline: Pipeline) -> Link | None:
    """None where nothing is split."""
    step = pipeline.split.now
    if step is None:
        return None
    columns = step.stage_class.writes.columns
    if missing := sorted({*cuts.READS}.difference(columns.names)):
        raise ActorError(
            f"pipeline {pipeline.name}: {step.name} splits, so it must write {', '.join(missing)}, as stages.split does"
        )
    if step.name in pipeline.stage_names:
        raise ActorError(f"pipeline {pipeline.name}: a stage has the name of the one that splits, {step.name}")
    link = first_link(pipeline, step)
    kept = link.values
    assert isinstance(kept.of, Kept)
    name = keys.digest(kept.name, repr(step.cutting))[: keys.SHORT_DIGITS]
    reads = tuple(sorted({*kept.reads, *cuts.READS}))
    return replace(link, values=Values(name, reads, _Counted(kept.of, step.cutting)))


class Children:
    """The clips of all sources that are split, as tables for the catalog: in the order of their sources there, and of
    time. May be iterated again.
    """

    def __init__(self, record: Record, splitter: Link) -> None:
        self.waiting: list[str] = []
        """Ids of sources that are not split yet, as far as was iterated."""
        self._record, self._splitter = record, splitter
        assert isinstance(splitter.values.of, _Counted)
        self._cutting = splitter.values.of.cutting

    def __iter__(self) -> Iterator[pa.Table]:
        self.waiting.clear()
        for block in self._record.blocks(COLUMNS):
            inputs = block.inputs
            waits = pc.and_(pc.equal(inputs["entry_state"], PENDING), pc.is_null(inputs["parent"]))
            self.waiting += inputs["id"].filter(pc.fill_null(waits, False)).to_pylist()
            sources = inputs.filter(pc.fill_null(pc.equal(inputs["entry_state"], SPLIT), False))
            for lot in pc.unique(sources["lot"]).to_pylist():
                yield from self._of_lot(lot, sources.filter(pc.equal(sources["lot"], lot)))

    def _of_lot(self, lot: int, sources: pa.Table) -> Iterator[pa.Table]:
        ledger, files = self._splitter.ledger(self._record.store), self._record.files[self._splitter.name][lot]
        rows = ledger.read_lot(files, list(cuts.READS))
        at = {each: number for number, each in enumerate(about(rows))}
        for source in sources.to_pylist():
            clips = clips_of(rows, at[source["id"], source["version"] or NO_FILE], self._cutting) or []
            yield _inputs(source, clips)


def _inputs(source: Mapping[str, Any], clips: Sequence[Cut]) -> pa.Table:
    """As the catalog takes them: what holds of the source holds of its clips."""
    found = [cuts.within(source["cut"], clip) for clip in clips]
    own = {
        "id": [keys.child_id(source["id"], cut) for cut in found],
        "cut": found,
        "parent": [source["id"]] * len(found),
    }
    columns = {name: own.get(name, [source.get(name)] * len(found)) for name in CHILDREN.names if name != "lot"}
    schema = pa.schema([field for field in CHILDREN if field.name != "lot"])
    return pa.table(columns, schema=schema)
