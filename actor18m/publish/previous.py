"""What is published already, and need not be made again."""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.errors import ActorError
from actor18m.publish.content import ENCODING, OF_VIDEOS, Family
from actor18m.publish.hashes import Hashes, Sound, checked, whole
from actor18m.publish.manifest import NAME, File, read_manifest
from actor18m.publish.mp4 import WRITER
from actor18m.publish.shard import Kept, Placed, Shard
from actor18m.publish.tables import part_name
from actor18m.publish.versions import latest, names

log = logging.getLogger(__name__)


class Previous:
    """The latest version."""

    def __init__(self, folder: Path, hashes: Hashes) -> None:
        self.folder = folder
        self._content = (folder / NAME).read_bytes()
        self._manifest = read_manifest(folder)
        self._is_sound = Sound(folder, self._manifest, hashes)
        self._paths = {recipe: path for path, recipe in self._manifest.recipes.items()}
        self._parts: dict[str, tuple[str, pa.Table]] = {}
        """By family, the part of its table that was read last."""

    def is_as(self, content: bytes) -> bool:
        """Has this manifest, and all that it names."""
        return self._content == content and all(map(self._is_sound, self._manifest.files))

    def has(self, path: str, file: File) -> bool:
        """The very file: damage is not linked on."""
        return self._manifest.files.get(path) == file and self._is_sound(path)

    def shard(self, family: Family, recipe: str, lots: range) -> Shard | None:
        path = self._paths.get(recipe)
        rows = self._rows(family, lots)
        if path is None or rows is None or not self._is_sound(path):
            return None
        samples = tuple(_placed(family, row) for row in rows if row["shard"] == path)
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
            for row in self._rows(OF_VIDEOS, lots) or ()
        }

    @property
    def samples(self) -> dict[str, int]:
        """How many each folder has, as far as tables that are whole tell."""
        counts: Counter[str] = Counter()
        for name in sorted(self._manifest.files):
            if name.startswith(("metadata/clips/", "metadata/references/")) and self._is_sound(name):
                shards = pq.read_table(self.folder / name, columns=["shard"])["shard"].drop_null()
                for each in pc.value_counts(shards).to_pylist():
                    counts[each["values"].partition("/")[0]] += each["counts"]
        return dict(counts)

    def _rows(self, family: Family, lots: range) -> Sequence[dict[str, Any]] | None:
        """Key and place of each sample of these lots; None when the table that tells them is damaged."""
        name = f"metadata/{family.table}/{part_name(family.part_prefix, lots.start)}"
        if family.name not in self._parts or self._parts[family.name][0] != name:
            if name not in self._manifest.files:
                return []
            if not self._is_sound(name):
                return None
            columns, path = [family.key, "lot", *family.where.names], self.folder / name
            if not set(columns) <= set(pq.read_schema(path).names):
                return []
            self._parts[family.name] = name, pq.read_table(path, columns=columns)
        table = self._parts[family.name][1]
        inside = pc.and_(pc.greater_equal(table["lot"], lots.start), pc.less(table["lot"], lots.stop))
        rows: list[dict[str, Any]] = table.filter(pc.and_(inside, pc.is_valid(table["shard"]))).to_pylist()
        return rows


def _placed(family: Family, row: Mapping[str, Any]) -> Placed:
    there = [member for member in family.members if row[f"{member}_offset"] is not None]
    places = {member: (row[f"{member}_offset"], row[f"{member}_size"]) for member in there}
    return Placed(row[family.key], places, row["sha256"], {name: row[name] for name in family.told})


def open_latest(root: Path, hashes: Hashes) -> Previous | None:
    version = latest(root)
    return Previous(root / version, hashes) if version is not None else None


def published_clips(root: Path) -> pa.Array | None:
    """Those whose videos the latest version has, as far as tables that are whole tell; None without a version."""
    version = latest(root)
    if version is None:
        return None
    parts = whole(root / version, OF_VIDEOS.table)
    tables = [pq.read_table(part, columns=[OF_VIDEOS.key, "shard"]) for part in parts]
    clips = [table.filter(pc.is_valid(table["shard"]))[OF_VIDEOS.key] for table in tables]
    return pa.chunked_array([chunk for each in clips for chunk in each.chunks], pa.string()).combine_chunks()


def samples_of(root: Path, clips: pa.Array, images: Collection[str]) -> dict[str, int]:
    """How many samples of these clips, and of these images, each folder of the latest version has, as far as tables
    that are whole tell.
    """
    version = latest(root)
    counts: Counter[str] = Counter()
    if version is None:
        return {}
    for part in whole(root / version, "clips") + whole(root / version, "references"):
        is_of_images = "key" in pq.read_schema(part).names
        rows = pq.read_table(part, columns=["clip", "shard", *(["key"] if is_of_images else [])])
        is_one = pc.is_in(rows["clip"], value_set=clips)
        if is_of_images:
            is_one = pc.or_(is_one, pc.is_in(rows["key"], value_set=pa.array(images, pa.string())))
        counts.update(shard.partition("/")[0] for shard in rows.filter(is_one)["shard"].drop_null().to_pylist())
    return dict(counts)


def older(root: Path, clip: str) -> Iterator[Kept]:
    """Where any version holds a clip's mp4, the newest first."""
    sql = (
        f"SELECT shard, mp4_offset, mp4_size, sha256, {ENCODING} FROM read_parquet($tables) "
        "WHERE clip = $clip AND shard IS NOT NULL"
    )
    for version in reversed(names(root)):
        try:
            if read_manifest(root / version).writer != WRITER:
                continue
            tables = checked(root / version, "clips")
        except ActorError as error:
            log.warning("%s", error)
            continue
        with duckdb.connect() as db:
            for shard, *place in db.execute(sql, {"tables": tables, "clip": clip}).fetchall():
                yield Kept(root / version / shard, *place)
