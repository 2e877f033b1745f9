"""Who comes to the first stage of the chain: inputs that are there, unless they are split, and then their clips."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.ledger.rows import OK

PENDING, SPLIT, SUPERSEDED, REMOVED = "pending", "split", "superseded", "removed"
NO_FILE = "none"
"""Stands for the version of a file that was not there."""

ENTRY = pa.schema(
    [
        pa.field("entry_state", pa.string()),
        pa.field("entry_stage", pa.string()),
        pa.field("entry_value", pa.string()),
        pa.field("entry_error_kind", pa.string()),
    ]
)
"""Columns of inputs that come no further than to here, and why; null for the others."""


def unsplit(inputs: pa.Table) -> pa.Table:
    """With ENTRY, where nothing is split: clips that inputs were split into once are no more."""
    is_clip = pc.and_(inputs["present"], pc.is_null(inputs["parent"]))
    state = pc.if_else(is_clip, None, _gone(inputs))
    nothing = pa.nulls(inputs.num_rows, pa.string())
    return _with(inputs, [state, nothing, nothing, nothing])


def split(inputs: pa.Table, stage: str, known: pa.Table) -> pa.Table:
    """With ENTRY, where `known` is what is known of the stage that splits."""
    digests = pc.fill_null(inputs["version"], NO_FILE)
    rows = found(known, inputs["id"], digests)
    is_source = pc.and_(inputs["present"], pc.is_null(inputs["parent"]))
    is_ok = pc.equal(rows["state"], OK)
    cut = pc.if_else(pc.is_valid(rows["_clips"]), pa.scalar(SPLIT), None)
    of_source = pc.if_else(pc.fill_null(is_ok, False), cut, pc.fill_null(rows["state"], PENDING))
    state = pc.if_else(is_source, of_source, pc.if_else(inputs["present"], None, _gone(inputs)))
    stops = pc.and_(is_source, pc.is_valid(state))
    told = [
        pc.if_else(stops, pa.scalar(stage), None),
        pc.if_else(stops, rows["_clips"].cast(pa.string()), None),
        pc.if_else(stops, rows["error_kind"], None),
    ]
    return _with(inputs, [state, *told])


def _gone(inputs: pa.Table) -> pa.ChunkedArray:
    return pc.if_else(inputs["removed"], pa.scalar(REMOVED), pa.scalar(SUPERSEDED))


def found(known: pa.Table, keys: pa.ChunkedArray, digests: pa.ChunkedArray) -> pa.Table:
    """For each key and digest its row, nulls where there is none."""
    at = pc.index_in(keys, value_set=known["key"])
    # most keys have one row, which has the digest: only where it has not, one looks among all rows of the key
    is_its_own = pc.fill_null(pc.equal(known["input_digest"].take(at), digests), False)
    is_other = pc.and_not(pc.is_valid(at), is_its_own)
    if pc.any(is_other, min_count=0).as_py():
        others = pc.index_in(joined([keys, digests], "/"), value_set=joined([known["key"], known["input_digest"]], "/"))
        at = pc.if_else(is_other, others, at)
    return known.take(at)


def where(table: pa.Table, mask: pa.Array | pa.ChunkedArray) -> pa.Table:
    """Its rows where the mask is true. Where all are, or none, nothing is copied, and mostly that is so."""
    count = pc.sum(mask).as_py() or 0
    if count == table.num_rows:
        return table
    return table.filter(mask) if count else table.slice(0, 0)


def joined(columns: Sequence[pa.ChunkedArray], by: str = "-") -> pa.ChunkedArray:
    return columns[0] if len(columns) == 1 else pc.binary_join_element_wise(*columns, by)


def _with(inputs: pa.Table, columns: Sequence[pa.ChunkedArray | pa.Array]) -> pa.Table:
    for field, column in zip(ENTRY, columns, strict=True):
        inputs = inputs.append_column(field, column.cast(pa.string()))
    return inputs
