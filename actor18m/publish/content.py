"""What is handed to publish: rows of the tables and videos, lot by lot."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pyarrow as pa

from actor18m.beside import Shelf


@dataclass(frozen=True)
class Family:
    """Shards of one kind, and the table that tells where their samples are."""

    name: str
    folder: str
    table: str
    key: str
    """The table's column that names a sample."""
    suffixes: tuple[str, ...]
    """Of a sample's files."""
    members: tuple[str, ...]
    """What these are called in the table; `sha256` there is the first one's."""
    told: tuple[str, ...] = ()
    """What only making a sample tells of it, by column of the table."""

    @property
    def part_prefix(self) -> str:
        """Of the table's files: subsets share a table, and each has its own."""
        return "part" if self.table == "clips" else self.name

    @property
    def where(self) -> pa.Schema:
        """What publish adds to each row: where its sample is. Null: it, or that file of it, is not published."""
        places = [pa.field(f"{member}_{what}", pa.int64()) for member in self.members for what in ("offset", "size")]
        told = [pa.field(name, pa.string()) for name in ("sha256", *self.told)]
        return pa.schema([pa.field("shard", pa.string()), *places, *told])


ENCODING = "video_encoding"
"""Whether a video's pictures were "copied" as they were stored, or "encoded" anew."""
OF_VIDEOS = Family("videos", "videos", "clips", "clip", ("mp4", "json"), ("mp4", "json"), (ENCODING,))


def of_subset(name: str) -> Family:
    return Family(name, f"subset-{name}", "references", "key", ("webp", "mask.png", "json"), ("image", "mask", "json"))


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


Sample = Video | Reference


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
    videos: Sequence[Video]
    subsets: Mapping[str, Part] = field(default_factory=dict)
    """By name, with the same names in every block."""

    def part(self, family: Family) -> Part:
        return Part(self.videos, self.clips) if family == OF_VIDEOS else self.subsets[family.name]


_WHY = [
    pa.field("state", pa.string(), nullable=False),
    pa.field("stage", pa.string()),
    pa.field("rule", pa.string()),
    pa.field("value", pa.float64()),
    pa.field("bound", pa.float64()),
    pa.field("why", pa.string()),
]
"""What became of it, and where; `value` missed `bound`, and `why` says so in words."""
_RIGHTS = [pa.field("licence", pa.string()), pa.field("consent", pa.string())]

INPUTS = pa.schema(
    [
        pa.field("id", pa.string(), nullable=False),
        pa.field("uri", pa.string(), nullable=False),
        pa.field("cut", pa.list_(pa.int64())),
        pa.field("crop", pa.list_(pa.int64())),
        *_RIGHTS,
        pa.field("given", pa.string()),
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("parent", pa.string()),
        pa.field("clip", pa.string()),
        *_WHY,
        pa.field("duplicate_of", pa.string()),
        pa.field("error_kind", pa.string()),
    ]
)
"""One row for each input, whatever became of it; `parent` is the id of the input that was split into this one and
others; `given` holds what else its list said of it, as JSON. Each table has these columns at least; more may follow."""

CLIPS = pa.schema(
    [
        pa.field("clip", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        *_WHY,
        *_RIGHTS,
        pa.field("uris", pa.list_(pa.string())),
        pa.field("identity_id", pa.string()),
    ]
)
DECISIONS = pa.schema(
    [
        pa.field("clip", pa.string(), nullable=False),
        pa.field("stage", pa.string(), nullable=False),
        pa.field("rule", pa.string(), nullable=False),
        pa.field("value", pa.float64()),
        pa.field("text", pa.string()),
        pa.field("at_least", pa.float64()),
        pa.field("at_most", pa.float64()),
        pa.field("above", pa.float64()),
        pa.field("below", pa.float64()),
        pa.field("allowed", pa.list_(pa.string())),
        pa.field("margin", pa.float64()),
        pa.field("passed", pa.bool_(), nullable=False),
    ]
)
"""`value` is null where a text is compared, which stands in `text`. `margin` is how far the value lies within the
nearest of its bounds, and negative where it lies outside: near misses are `abs(margin) < 0.02`."""
REFERENCES = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("clip", pa.string(), nullable=False),
        pa.field("lot", pa.int32(), nullable=False),
        pa.field("subset", pa.string(), nullable=False),
        *_WHY,
        pa.field("uri", pa.string(), nullable=False),
        *_RIGHTS,
        pa.field("maker", pa.string(), nullable=False),
        pa.field("fingerprint", pa.string(), nullable=False),
    ]
)
"""`maker` and `fingerprint` say what made the image, or would have."""
LEAST = {"inputs": INPUTS, "clips": CLIPS, "decisions": DECISIONS, "references": REFERENCES}


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
