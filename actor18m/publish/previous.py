"""What is published already, and need not be made again."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.publish.content import ENCODING, OF_VIDEOS, Family
from actor18m.publish.manifest import NAME, File, read_manifest
from actor18m.publish.mp4 import WRITER
from actor18m.publish.shard import Kept, Placed, Shard
from actor18m.publish.tables import part_name
from actor18m.publish.versions import latest, names


class Previous:
    """The latest version."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._content = (folder / NAME).read_bytes()
        self._manifest = read_manifest(folder)
        self._paths = {recipe: path for path, recipe in self._manifest.recipes.items()}
        self._parts: dict[str, tuple[Path, pa.Table]] = {}
        """By family, the part of its table that was read last."""

    def is_as(self, content: bytes) -> bool:
        """Has this manifest, and all that it names."""
        return self._content == content and all(map(self._has, self._manifest.files))

    def has(self, path: str, file: File) -> bool:
        return self._manifest.files.get(path) == file and self._has(path)

    def shard(self, family: Family, recipe: str, lots: range) -> Shard | None:
        path = self._paths.get(recipe)
        if path is None or not self._has(path):
            return None
        samples = tuple(_placed(family, row) for row in self._rows(family, lots) if row["shard"] == path)
        file = self._manifest.files[path]
        return Shard(recipe, family.folder, Path(path).name, file.size, file.sha256, samples)

    def videos(self, lots: range) -> dict[str, Kept]:
        """By clip; none when they were written as this version of actor18m would not write them."""
        if self._manifest.writer != WRITER:
            return {}
        return {
            row["clip"]: Kept(
                self.folder / row["shard"], row["mp4_offset"], row["mp4_size"], row["sha256"], row[ENCODING]
            )
            for row in self._rows(OF_VIDEOS, lots)
        }

    @property
    def samples(self) -> dict[str, int]:
        """How many each folder has."""
        counts: Counter[str] = Counter()
        for table in ("clips", "references"):
            for part in sorted((self.folder / "metadata" / table).glob("*.parquet")):
                shards = pq.read_table(part, columns=["shard"])["shard"].drop_null()
                for each in pc.value_counts(shards).to_pylist():
                    counts[each["values"].partition("/")[0]] += each["counts"]
        return dict(counts)

    def _has(self, path: str) -> bool:
        """A file that was cut short or is gone is not used again."""
        file = self.folder / path
        return file.is_file() and file.stat().st_size == self._manifest.files[path].size

    def _rows(self, family: Family, lots: range) -> Sequence[dict[str, Any]]:
        """Key and place of each sample of these lots."""
        path = self.folder / "metadata" / family.table / part_name(family.part_prefix, lots.start)
        if family.name not in self._parts or self._parts[family.name][0] != path:
            columns = [family.key, "lot", *family.where.names]
            if not path.is_file() or not set(columns) <= set(pq.read_schema(path).names):
                return []
            self._parts[family.name] = path, pq.read_table(path, columns=columns)
        table = self._parts[family.name][1]
        inside = pc.and_(pc.greater_equal(table["lot"], lots.start), pc.less(table["lot"], lots.stop))
        rows: list[dict[str, Any]] = table.filter(pc.and_(inside, pc.is_valid(table["shard"]))).to_pylist()
        return rows


def _placed(family: Family, row: Mapping[str, Any]) -> Placed:
    places = {member: (row[f"{member}_offset"], row[f"{member}_size"]) for member in family.members}
    return Placed(row[family.key], places, row["sha256"], {name: row[name] for name in family.told})


def open_latest(root: Path) -> Previous | None:
    version = latest(root)
    return Previous(root / version) if version is not None else None


def published_clips(root: Path) -> pa.Array | None:
    """Those whose videos the latest version has; None where there is no version."""
    version = latest(root)
    if version is None:
        return None
    parts = sorted((root / version / "metadata" / OF_VIDEOS.table).glob("*.parquet"))
    tables = [pq.read_table(part, columns=[OF_VIDEOS.key, "shard"]) for part in parts]
    clips = [table.filter(pc.is_valid(table["shard"]))[OF_VIDEOS.key] for table in tables]
    return pa.chunked_array([chunk for each in clips for chunk in each.chunks], pa.string()).combine_chunks()


def older(root: Path, clip: str) -> Iterator[Kept]:
    """Where any version holds a clip's mp4, the newest first."""
    sql = (
        f"SELECT shard, mp4_offset, mp4_size, sha256, {ENCODING} FROM read_parquet($tables) "
        "WHERE clip = $clip AND shard IS NOT NULL"
    )
    for version in reversed(names(root)):
        if read_manifest(root / version).writer != WRITER:
            continue
        tables = str(root / version / "metadata" / "clips" / "*.parquet")
        with duckdb.connect() as db:
            for shard, *place in db.execute(sql, {"tables": tables, "clip": clip}).fetchall():
                yield Kept(root / version / shard, *place)
