"""What is published already, and need not be made again."""

import logging
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import PurePosixPath
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.dataset.hashes import Hashes, trouble_with
from actor18m.dataset.manifest import File
from actor18m.dataset.root import Dataset
from actor18m.dataset.schemas import ENCODING, OF_VIDEOS, Family
from actor18m.dataset.version import Version
from actor18m.errors import ActorError
from actor18m.publish.made_from import and_made_from
from actor18m.publish.mp4 import WRITER
from actor18m.publish.shard import Placed, PublishedMp4, Shard
from actor18m.publish.tables import part_name

log = logging.getLogger(__name__)


class Previous:
    """The latest version."""

    def __init__(self, version: Version, hashes: Hashes) -> None:
        self.version = version
        self._hashes = hashes
        self._found: dict[str, bool] = {}
        """Of its files, whether they are what the manifest says."""
        self._paths = {recipe: path for path, recipe in version.manifest.recipes.items()}
        self._parts: dict[str, tuple[str, pa.Table]] = {}
        """By family, the part of its table that was read last."""

    def is_as(self, content: bytes) -> bool:
        """Has this manifest, and all that it names."""
        return self.version.content == content and all(map(self._is_sound, self.version.manifest.files))

    def has(self, path: str, file: File) -> bool:
        """The very file: damage is not linked on."""
        return self.version.manifest.files.get(path) == file and self._is_sound(path)

    def shard(self, family: Family, recipe: str, lots: range) -> Shard | None:
        path = self._paths.get(recipe)
        rows = self._rows(family, lots)
        if path is None or rows is None or not self._is_sound(path):
            return None
        samples = tuple(_placed(family, row) for row in rows if row["shard"] == path)
        file = self.version.manifest.files[path]
        return Shard(recipe, family.folder, PurePosixPath(path).name, file.size, file.sha256, samples)

    def videos(self, lots: range) -> dict[str, PublishedMp4]:
        """By clip; none when they were written as this version of actor18m would not write them."""
        if self.version.manifest.writer != WRITER:
            return {}
        return {
            row["clip"]: PublishedMp4(
                self.version.path(row["shard"]), row["mp4_offset"], row["mp4_size"], row["sha256"], row[ENCODING]
            )
            for row in self._rows(OF_VIDEOS, lots) or ()
        }

    @property
    def samples(self) -> dict[str, int]:
        """How many each folder has, as far as tables that are whole tell."""
        counts: Counter[str] = Counter()
        for name in sorted(self.version.manifest.files):
            if name.startswith(("metadata/clips/", "metadata/references/")) and self._is_sound(name):
                rows = self._read(name, ["shard"])
                shards = rows["shard"].drop_null() if rows is not None else pa.array([], pa.string())
                for each in pc.value_counts(shards).to_pylist():
                    counts[each["values"].partition("/")[0]] += each["counts"]
        return dict(counts)

    def _rows(self, family: Family, lots: range) -> Sequence[dict[str, Any]] | None:
        """Key and place of each sample of these lots; None when the table that tells them is damaged."""
        name = f"metadata/{family.table}/{part_name(family.part_prefix, lots.start)}"
        if family.name not in self._parts or self._parts[family.name][0] != name:
            if name not in self.version.manifest.files:
                return []
            if not self._is_sound(name):
                return None
            part = self._read(name, [family.key, "lot", *family.where.names])
            if part is None:
                return []
            self._parts[family.name] = name, part
        table = self._parts[family.name][1]
        inside = pc.and_(pc.greater_equal(table["lot"], lots.start), pc.less(table["lot"], lots.stop))
        rows: list[dict[str, Any]] = table.filter(pc.and_(inside, pc.is_valid(table["shard"]))).to_pylist()
        return rows

    def _read(self, name: str, columns: Sequence[str]) -> pa.Table | None:
        """Columns of a part of a table that is sound; None when it does not have them."""
        with self.version.dataset.place.open(self.version.path(name)) as part, pq.ParquetFile(part) as table:
            return table.read(columns) if {*columns} <= {*table.schema_arrow.names} else None

    def _is_sound(self, name: str) -> bool:
        """Whether a file is what the manifest says. What is not is told once, in the log."""
        if name not in self._found:
            trouble = trouble_with(self._hashes, self.version.path(name), self.version.manifest.files[name])
            if trouble:
                log.warning("%s %s; it is made again where it is needed", self.version.url_of(name), trouble)
            self._found[name] = not trouble
        return self._found[name]


def _placed(family: Family, row: Mapping[str, Any]) -> Placed:
    there = [member for member in family.members if row[f"{member}_offset"] is not None]
    places = {member: (row[f"{member}_offset"], row[f"{member}_size"]) for member in there}
    return Placed(row[family.key], places, row["sha256"], {name: row[name] for name in family.told})


def open_latest(dataset: Dataset, hashes: Hashes) -> Previous | None:
    version = Version.latest(dataset)
    return None if version is None else Previous(version, hashes)


def published_clips(dataset: Dataset) -> pa.Array | None:
    """Those whose videos the latest version has, as far as tables that are whole tell; None without a version."""
    version = Version.latest(dataset)
    if version is None:
        return None
    with version.whole(version.parts(OF_VIDEOS.table)) as parts:
        tables = [pq.read_table(part, columns=[OF_VIDEOS.key, "shard"]) for part in parts]
    clips = [table.filter(pc.is_valid(table["shard"]))[OF_VIDEOS.key] for table in tables]
    return pa.chunked_array([chunk for each in clips for chunk in each.chunks], pa.string()).combine_chunks()


def samples_of(dataset: Dataset, clips: pa.Array, images: Collection[str]) -> dict[str, int]:
    """How many samples of these clips, and of these images and those that are made from them, each folder of the latest
    version has, as far as tables that are whole tell.
    """
    version = Version.latest(dataset)
    counts: Counter[str] = Counter()
    if version is None or not (len(clips) or len(images)):
        return {}
    with version.whole(version.parts("clips") + version.parts("references")) as parts:
        keys = pa.array(sorted(and_made_from(images, parts)), pa.string())
        for part in parts:
            is_of_images = "key" in pq.read_schema(part).names
            rows = pq.read_table(part, columns=["clip", "shard", *(["key"] if is_of_images else [])])
            is_one = pc.is_in(rows["clip"], value_set=clips)
            if is_of_images:
                is_one = pc.or_(is_one, pc.is_in(rows["key"], value_set=keys))
            counts.update(shard.partition("/")[0] for shard in rows.filter(is_one)["shard"].drop_null().to_pylist())
    return dict(counts)


def older(dataset: Dataset, clip: str) -> Iterator[PublishedMp4]:
    """Where any version holds a clip's mp4, the newest first."""
    sql = (
        f"SELECT shard, mp4_offset, mp4_size, sha256, {ENCODING} FROM read_parquet($tables) "
        "WHERE clip = $clip AND shard IS NOT NULL"
    )
    for name in reversed(dataset.names()):
        version = Version(dataset, name)
        try:
            if version.manifest.writer != WRITER:
                continue
            with version.near(version.parts("clips")) as tables, duckdb.connect() as db:
                found = db.execute(sql, {"tables": [*map(str, tables)], "clip": clip}).fetchall()
        except ActorError as error:
            log.warning("%s", error)
            continue
        for shard, *place in found:
            yield PublishedMp4(version.path(shard), *place)
