"""Rows of a small stage, as tests commit them."""

from typing import Any

import pyarrow as pa

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
