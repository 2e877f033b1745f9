"""Where the latest version of a dataset has a clip, and which of some clips it still has."""

from pathlib import Path
from typing import Any

import duckdb

from actor18m.publish.hashes import checked
from actor18m.publish.versions import LATEST, DatasetError, folder, latest

_VIDEO = "SELECT shard, mp4_offset, mp4_size FROM read_parquet($tables) WHERE clip = $clip AND shard IS NOT NULL"
_IMAGES = (
    "SELECT shard, count(*) AS images FROM read_parquet($tables) WHERE clip = $clip AND shard IS NOT NULL "
    "GROUP BY shard ORDER BY shard"
)


def places(dataset: str, clip: str) -> list[dict[str, Any]]:
    """The shards that hold its video and its images; nothing where it is not published or there is no dataset."""
    try:
        root = folder(dataset)
    except DatasetError:
        return []
    version = latest(root) if root.is_dir() else None
    if version is None:
        return []
    found: list[dict[str, Any]] = []
    with duckdb.connect() as db:
        for name, sql in (("clips", _VIDEO), ("references", _IMAGES)):
            files = root / version / "metadata" / name
            if files.is_dir():
                asked = db.execute(sql, {"tables": checked(root / version, name), "clip": clip})
                columns = [column[0] for column in asked.description or ()]
                found += [{"version": version, **dict(zip(columns, row, strict=True))} for row in asked.fetchall()]
    return found


def still_published(dataset: Path, clips: frozenset[str]) -> int:
    """How many of these clips have their videos in the latest version."""
    tables = str(dataset / LATEST / "metadata" / "clips" / "*.parquet")
    if not clips or not (dataset / LATEST).is_dir():
        return 0
    sql = "SELECT count(*) FROM read_parquet($tables) WHERE shard IS NOT NULL AND list_contains($clips, clip)"
    with duckdb.connect() as db:
        row = db.execute(sql, {"tables": tables, "clips": sorted(clips)}).fetchone()
    return int(row[0]) if row else 0
