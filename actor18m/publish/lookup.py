"""Where the latest version of a dataset has a clip, and which of some clips it still has."""

from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.dataset.root import Dataset, DatasetError
from actor18m.dataset.version import Version
from actor18m.policy.words import is_image

_VIDEO = "SELECT shard, mp4_offset, mp4_size FROM read_parquet($tables) WHERE clip = $key AND shard IS NOT NULL"
_IMAGES = (
    "SELECT shard, count(*) AS images FROM read_parquet($tables) WHERE clip = $key AND shard IS NOT NULL "
    "GROUP BY shard ORDER BY shard"
)


_IMAGE = "SELECT shard, image_offset, image_size FROM read_parquet($tables) WHERE key = $key AND shard IS NOT NULL"


def places(dataset: str, key: str) -> list[dict[str, Any]]:
    """Of a clip, the shards that hold its video and its images; of an image, the one that holds it. Nothing where it is
    not published or there is no dataset.
    """
    try:
        version = Version.latest(Dataset.at(dataset))
    except DatasetError:
        return []
    if version is None:
        return []
    found: list[dict[str, Any]] = []
    questions = (("references", _IMAGE),) if is_image(key) else (("clips", _VIDEO), ("references", _IMAGES))
    with duckdb.connect() as db:
        for name, sql in questions:
            if parts := version.parts(name):
                with version.near(parts) as tables:
                    asked = db.execute(sql, {"tables": [*map(str, tables)], "key": key})
                    rows = asked.fetchall()
                columns = [column[0] for column in asked.description or ()]
                found += [{"version": version.name, **dict(zip(columns, row, strict=True))} for row in rows]
    return found


def still_published(dataset: Dataset, clips: frozenset[str]) -> int:
    """How many of these clips have their videos in the latest version."""
    version = Version.latest(dataset) if clips else None
    if version is None:
        return 0
    published = version.table("clips", ["clip", "shard"])
    is_one = pc.is_in(published["clip"], pa.array(sorted(clips), pa.string()))
    return int(pc.sum(pc.and_(is_one, pc.is_valid(published["shard"]))).as_py() or 0)
