"""What is handed to publish: rows of the tables and videos, lot by lot."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa

from actor18m.dataset.schemas import OF_VIDEOS, Family
from actor18m.ledger.attachments import Shelf

UNKNOWN = "unknown"


@dataclass(frozen=True)
class AcceptedClip:
    """An accepted clip. Its file is `<clip>.mp4`, its facts are `<clip>.json`."""

    clip: str
    uri: str
    cut: tuple[int, int] | None
    """First frame, and the one after the last."""
    crop: tuple[int, int, int, int] | None
    """x0, x1, y0, y1 in pixels of the upright picture."""
    facts: Mapping[str, object]
    """Scalars, lists, and records of them, none of them null: the same keys and types for every clip."""
    copies: tuple[str, ...] = ()
    """URIs of further files with the same content."""

    @property
    def key(self) -> str:
        return self.clip


@dataclass(frozen=True)
class Reference:
    """An image of a clip's person and the person's mask: `<key>.webp`, `<key>.mask.png`, and facts in `<key>.json`."""

    key: str
    shelf: Shelf
    """Where its files are, called by their suffix there."""
    row: tuple[str, str]
    """Key and input digest of the row that they are beside."""
    digests: Mapping[str, str]
    """By suffix, `webp` and `mask.png`: the SHA-256 that its row tells of each. There may be no mask."""
    facts: Mapping[str, object]

    @property
    def clip(self) -> str:
        return self.key.partition("-")[0]


Sample = AcceptedClip | Reference


@dataclass(frozen=True)
class Part:
    """Of a family: the samples that are published, sorted by key, and the rows of its table."""

    samples: Sequence[Sample]
    rows: pa.Table


@dataclass(frozen=True)
class Block:
    """A range of lots: the rows of the tables, and the clips whose videos are published, sorted by key."""

    lots: range
    inputs: pa.Table
    clips: pa.Table
    decisions: pa.Table
    videos: Sequence[AcceptedClip]
    subsets: Mapping[str, Part] = field(default_factory=dict)
    """By name, with the same names in every block."""
    tells: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By subset, columns of its rows that say yes or no, and what yes means."""

    def part(self, family: Family) -> Part:
        return Part(self.videos, self.clips) if family == OF_VIDEOS else self.subsets[family.name]


def shape(facts: Mapping[str, object]) -> dict[str, str]:
    """The type of each fact. Readers infer a field's type from the first samples, so it must not change."""
    return {name: _kind(name, value) for name, value in sorted(facts.items())}


def _kind(name: str, value: object) -> str:
    if isinstance(value, float) and not math.isfinite(value):
        raise ValueError(f"fact {name} is {value}, which JSON cannot hold")
    if isinstance(value, bool | int | float | str):
        return type(value).__name__
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{inner}: {_kind(name, each)}' for inner, each in sorted(value.items()))}}}"
    if isinstance(value, list | tuple):
        kinds = {_kind(name, each) for each in value}
        if len(kinds) > 1:
            raise ValueError(f"fact {name} is a list of {' and '.join(sorted(kinds))}")
        return "list"
    raise ValueError(f"fact {name} is {value!r}; facts are numbers, text, true, false, or lists and records of them")


def without_nulls(told: Mapping[str, Any], fields: Sequence[pa.Field]) -> dict[str, Any]:
    """For a sample's JSON, in which readers expect the same fields of the same types each time: where nothing is known
    stand 0, false or no text, and `unknown` has the names of these fields."""
    unknown = [field.name for field in fields if told.get(field.name) is None]
    known = {field.name: _nothing(field.type) if field.name in unknown else told[field.name] for field in fields}
    return known | {UNKNOWN: " ".join(unknown)}


def _nothing(kind: pa.DataType) -> object:
    if pa.types.is_floating(kind):
        return 0.0
    if pa.types.is_integer(kind):
        return 0
    if pa.types.is_boolean(kind):
        return False
    return [] if pa.types.is_list(kind) else ""
