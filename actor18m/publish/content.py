"""What is handed to publish: rows of the tables and videos, lot by lot."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pyarrow as pa


@dataclass(frozen=True)
class Video:
    """An accepted clip. Its file is `<clip>.mp4`, its facts are `<clip>.json`."""

    clip: str
    uri: str
    cut: tuple[int, int] | None
    """First frame, and the one after the last."""
    crop: tuple[int, int, int, int] | None
    """x0, x1, y0, y1 in pixels of the upright picture."""
    facts: Mapping[str, object]
    """Scalars and lists of scalars, none of them null: the same keys and types for every clip."""


@dataclass(frozen=True)
class Block:
    """A range of lots: the rows of the tables, and the clips whose videos are published, sorted by key."""

    lots: range
    inputs: pa.Table
    clips: pa.Table
    decisions: pa.Table
    videos: Sequence[Video]


_WHY = [
    pa.field("state", pa.string(), nullable=False),
    pa.field("stage", pa.string()),
    pa.field("rule", pa.string()),
    pa.field("value", pa.string()),
    pa.field("bound", pa.string()),
]
_RIGHTS = [pa.field("licence", pa.string()), pa.field("consent", pa.string())]

INPUTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("cut", pa.list_(pa.int64())),
        pa.field("crop", pa.list_(pa.int64())),
        *_RIGHTS,
        pa.field("source", pa.string()),
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("parent", pa.string()),
        pa.field("clip", pa.string()),
        *_WHY,
        pa.field("duplicate_of", pa.string()),
        pa.field("error_kind", pa.string()),
    ]
)
"""One row for each input, whatever became of it; `parent` is the id of the input that was split into this one and
others. Each table has these columns at least; more may follow."""

CLIPS = pa.schema(
    [
        pa.field("clip", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        *_WHY,
        *_RIGHTS,
        pa.field("sources", pa.list_(pa.string())),
    ]
)
DECISIONS = pa.schema(
    [
        pa.field("clip", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("value", pa.string()),
        pa.field("number", pa.float64()),
        pa.field("bound", pa.string()),
        pa.field("passed", pa.bool_(), nullable=False),
    ]
)
WHERE = pa.schema(
    [
        pa.field("shard", pa.string()),
        pa.field("mp4_offset", pa.int64()),
        pa.field("mp4_size", pa.int64()),
        pa.field("json_offset", pa.int64()),
        pa.field("json_size", pa.int64()),
        pa.field("sha256", pa.string()),
    ]
)
"""What publish adds to each row of clips: where its sample is, and the digest of its mp4. Null: no video published."""


def shape(facts: Mapping[str, object]) -> dict[str, str]:
    """The type of each fact. Readers infer a field's type from the first samples, so it must not change."""
    return {name: _kind(name, value) for name, value in sorted(facts.items())}


def _kind(name: str, value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"fact {name} is {value}, which JSON cannot hold")
    if isinstance(value, bool | int | float | str):
        return type(value).__name__
    if isinstance(value, list | tuple):
        kinds = {_kind(name, each) for each in value}
        if len(kinds) > 1:
            raise ValueError(f"fact {name} is a list of {' and '.join(sorted(kinds))}")
        return "list"
    raise ValueError(f"fact {name} is {value!r}; facts are numbers, text, true, false, or lists of one of them")
