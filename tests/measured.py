"""Rows of a small stage, as tests commit them."""

from typing import Any

import pyarrow as pa

from actor18m.ledger.index import NO_VALUES, Index, Values
from actor18m.ledger.ledger import Ledger
from actor18m.storage.block_cache import LOTS_PER_SEGMENT

SCHEMA = pa.schema(
    [
        *((name, pa.string()) for name in ("key", "input_digest", "state", "error_kind", "error")),
        ("similarity", pa.float32()),
        ("boxes", pa.list_(pa.int32())),
    ]
)

Row = dict[str, Any]


def measured(key: str | None, similarity: float, digest: str = "d") -> Row:
    return {"key": key, "input_digest": digest, "state": "ok", "similarity": similarity, "boxes": [1, 2]}


def failed(key: str, state: str = "failed", digest: str = "d", error: str = "it broke") -> Row:
    return {"key": key, "input_digest": digest, "state": state, "error_kind": "Broken", "error": error}


def rows(*given: Row) -> pa.Table:
    return pa.Table.from_pylist(list(given), schema=SCHEMA)


def known(ledger: Ledger, values: Values = NO_VALUES) -> pa.Table:
    """What planning knows of all rows."""
    index = Index(ledger, values)
    blocks = (range(block * LOTS_PER_SEGMENT, (block + 1) * LOTS_PER_SEGMENT) for block in {0, *index.blocks()})
    return pa.concat_tables([index.read(lots) for lots in blocks], promote_options="default")
