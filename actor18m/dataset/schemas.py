"""What a version consists of: its families of shards, and the columns that its tables have at least."""

from collections.abc import Iterable
from dataclasses import dataclass

import pyarrow as pa

SUBSET = "subset-"


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
    return Family(name, f"{SUBSET}{name}", "references", "key", ("webp", "mask.png", "json"), ("image", "mask", "json"))


def families_in(folders: Iterable[str]) -> list[Family]:
    """Those whose shards are in these folders of a version; videos are always one."""
    subsets = sorted(name.removeprefix(SUBSET) for name in {*folders} if name.startswith(SUBSET))
    return [OF_VIDEOS, *map(of_subset, subsets)]


def is_of_shards(folder: str) -> bool:
    """Has a folder of this name the shards of a family?"""
    return folder == OF_VIDEOS.folder or folder.startswith(SUBSET)


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
        pa.field("source_caption", pa.string()),
        pa.field("without_images", pa.list_(pa.struct([("subset", pa.string()), ("why", pa.string())]))),
    ]
)
"""`source_caption` is what the clip's list said of it in a column `caption`; `without_images` names the subsets that
would take it in and have no images of it, since a stage of theirs failed, say."""
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
        pa.field("source_key", pa.string()),
        pa.field("candidate", pa.int32()),
    ]
)
"""`maker` and `fingerprint` say what made the image, or would have; `source_key` from which image, and `candidate` at
which attempt. `attempts`, which follows, has the maker's numbers and prompt of each attempt."""
LEAST = {"inputs": INPUTS, "clips": CLIPS, "decisions": DECISIONS, "references": REFERENCES}
