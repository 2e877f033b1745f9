"""Every file of a dataset's versions against their manifests, and every sample of a shard against the tables."""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from actor18m.dataset import hashes, manifest
from actor18m.dataset.hashes import sha256_of
from actor18m.dataset.manifest import BESIDE_VERSIONS, File, Manifest, OtherLayout
from actor18m.dataset.members import Member, members
from actor18m.dataset.root import LATEST, Dataset, is_version
from actor18m.dataset.schemas import Family, is_of_shards
from actor18m.dataset.version import Version
from actor18m.errors import ActorError
from actor18m.publish import heard, on_disk, on_objects
from actor18m.verify.finding import DELETE_IT, FOREIGN, Finding, Kind

Row = Mapping[str, Any]
_OURS = (
    *(on_disk.LOCK, on_disk.BUILDING, hashes.NAME, heard.NAME),
    *(f"{name}{on_disk.ASIDE}" for name in (hashes.NAME, heard.NAME)),
    *(on_objects.MARK, on_objects.WRITERS),
)
_NEXT_VERSION = "Put a copy of it back; or build again: the next version has it right, where its source is still there."
_OLD_VERSION = "Put a copy of it back, or remove the version (`actor18m gc`): later ones do without it."


def verify_dataset(
    dataset: str, latest_only: bool = False, looked_at: Callable[[int], None] = lambda count: None
) -> Iterator[Finding]:
    """Reads all of it, each file once however many versions share it, and changes nothing."""
    yield from _Look(Dataset.at(dataset), looked_at).findings(latest_only)


class _Look:
    def __init__(self, dataset: Dataset, looked_at: Callable[[int], None]) -> None:
        self._dataset, self._looked_at, self._count = dataset, looked_at, 0
        self._place = dataset.place
        self._files: dict[str, File] = {}
        """By what tells a file from others, whatever its names are."""
        self._agreeing: set[str] = set()
        """Digests of shards with their rows of the table that were found to say the same."""
        self._shared: set[str] = set()
        """Paths of shards beside the versions that some version has."""

    def findings(self, latest_only: bool) -> Iterator[Finding]:
        known = self._dataset.names()
        yield from self._of_root(known)
        for name in reversed(known[-1:] if latest_only else known):
            yield from self._of_version(Version(self._dataset, name), name == known[-1])
        if not latest_only:
            yield from self._of_shared()

    def _of_root(self, known: list[str]) -> Iterator[Finding]:
        tags = self._dataset.tags()
        for name, is_folder in sorted(self._place.entries("")):
            if is_folder and not any(True for _ in self._place.names(name)):
                continue  # drivers of object stores may remember a folder whose objects have gone
            if name in tags and tags[name] not in known:
                yield self._finding("missing", name, f"names {tags[name]}, which is no version", "Delete it.")
            elif is_folder and is_version(name) and self._dataset.is_given_up(name):
                for path in sorted(self._place.names(name)):
                    if path != f"{name}/{manifest.NAME}":
                        yield self._finding("foreign", path, "is of a build that died", "`actor18m gc` removes it.")
            elif is_folder and is_version(name) and name not in known:
                yield self._finding("missing", f"{name}/{manifest.NAME}", "is missing", "Put a copy of it back.")
            elif name not in (*known, *tags, *_OURS, LATEST) and not (is_folder and self._has_shards(name)):
                yield self._finding("foreign", name, FOREIGN, DELETE_IT)
        way_out = "Put a copy of it back; or, if the store has all that was said, build with --allow-lost-words."
        try:
            if heard.read_heard(self._dataset) is None and known:
                yield self._finding("missing", heard.NAME, "is missing: it tells who was denied", way_out)
        except ActorError:
            yield self._finding("damaged", heard.NAME, "does not tell which words it was built with", way_out)
        if known and self._dataset.latest() != known[-1]:
            wrong = f"is not {known[-1]}, which is the newest version"
            yield self._finding("missing", LATEST, wrong, "The next build, or `gc`, switches it.")

    def _of_version(self, version: Version, is_latest: bool) -> Iterator[Finding]:
        way_out = _NEXT_VERSION if is_latest else _OLD_VERSION
        at = version.path(manifest.NAME)
        try:
            content = version.manifest
        except OtherLayout as error:
            yield self._finding("foreign", at, str(error), "")
            return
        except ActorError as error:
            yield self._finding("damaged", at, f"is missing or damaged: {error}", "Put a copy of it back.")
            return
        if content.shards == BESIDE_VERSIONS:
            self._shared.update(map(version.path, content.recipes))
        damaged = set()
        for name, file in content.files.items():
            found = self._file(version.path(name))
            if found is None:
                damaged.add(name)
                yield self._finding("missing", version.path(name), "is missing", way_out)
                continue
            if found != file:
                damaged.add(name)
                wrong = (
                    f"is damaged: it has {found.size} bytes with SHA-256 {found.sha256[:16]}…, its manifest says "
                    f"{file.size} and "
                )
                yield self._finding("damaged", version.path(name), f"{wrong}{file.sha256[:16]}…", way_out)
        ours = {at, *map(version.path, content.files)}
        for path in sorted(self._place.names(version.name)):
            if path not in ours:
                yield self._finding("foreign", path, FOREIGN, DELETE_IT)
        yield from self._of_tables(version, content, damaged, way_out)

    def _of_shared(self) -> Iterator[Finding]:
        """Shards beside the versions that none of them has."""
        folders = [name for name, is_folder in self._place.entries("") if is_folder and self._has_shards(name)]
        for path in sorted(path for folder in folders for path in self._place.names(folder)):
            if path not in self._shared:
                yield self._finding("foreign", path, "is in no version", "`actor18m gc` removes it.")

    def _of_tables(self, version: Version, content: Manifest, damaged: set[str], way_out: str) -> Iterator[Finding]:
        """Where both are whole, a shard has what the table tells of it."""
        for family in version.families:
            parts = [name for name in version.parts(family.table, f"{family.part_prefix}-") if name not in damaged]
            told = set[str]()
            with version.near(parts) as tables:
                for shard, rows in _placed(family, tables):
                    told.add(shard)
                    if shard not in content.files:
                        wrong = f"is named by the table {family.table}, and the manifest has no such file"
                        yield self._finding("missing", version.path(shard), wrong, way_out)
                    elif shard not in damaged:
                        yield from self._of_shard(family, version.path(shard), rows, way_out)
            for shard in sorted(content.recipes):
                if shard.startswith(f"{family.folder}/") and shard not in told and not damaged:
                    wrong = f"is told of by no row of the table {family.table}"
                    yield self._finding("missing", version.path(shard), wrong, way_out)

    def _of_shard(self, family: Family, path: str, rows: list[Row], way_out: str) -> Iterator[Finding]:
        same = hashlib.sha256(f"{self._file(path)} {rows}".encode()).hexdigest()
        if same in self._agreeing:
            return
        with self._place.near(path) as shard:
            there = dict(members(shard))
        wanted = {name: member for row in rows for name, member in _members(family, row)}
        troubles = [f"has no {name}" for name in sorted(wanted.keys() - there.keys())]
        troubles += [f"has {name}, of which the table tells nothing" for name in sorted(there.keys() - wanted.keys())]
        for name in sorted(wanted.keys() & there.keys()):
            told, found = wanted[name], there[name]
            if (told.offset, told.size) != (found.offset, found.size):
                troubles.append(f"has {name} at {found.offset}, {found.size} bytes; the table says otherwise")
            elif told.sha256 and told.sha256 != found.sha256:
                troubles.append(f"has other bytes in {name} than the table's SHA-256 says")
        for trouble in troubles:
            yield self._finding("damaged", path, trouble, way_out)
        if not troubles:
            self._agreeing.add(same)

    def _file(self, path: str) -> File | None:
        """As it is; None when it is not there."""
        try:
            stamp = self._place.stamp(path)
            key = stamp if self._place.links else f"{path} {stamp}"
            if key not in self._files:
                self._count += 1
                self._looked_at(self._count)
                with self._place.open(path) as content:
                    digest = sha256_of(content)
                    self._files[key] = File(content.tell(), digest)
            return self._files[key]
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return None

    def _has_shards(self, folder: str) -> bool:
        return is_of_shards(folder) and self._place.exists(on_objects.MARK)

    def _finding(self, kind: Kind, path: str, wrong: str, way_out: str) -> Finding:
        return Finding(kind, f"{self._dataset.url}/{path}", wrong, way_out)


def _placed(family: Family, tables: Sequence[Path]) -> Iterator[tuple[str, list[Row]]]:
    """Shard by shard, the rows with its samples."""
    if not tables:
        return
    with duckdb.connect() as db:
        found = db.execute(
            "SELECT * FROM read_parquet($tables) WHERE shard IS NOT NULL ORDER BY shard",
            {"tables": list(map(str, tables))},
        )
        names = [column[0] for column in found.description or ()]
        wanted = [name for name in names if name in (family.key, *family.where.names, "mask_sha256")]

        def rows() -> Iterator[Row]:
            while some := found.fetchmany(1024):
                for row in some:
                    told = dict(zip(names, row, strict=True))
                    yield {name: told[name] for name in wanted}

        for shard, of_shard in groupby(rows(), key=lambda row: str(row["shard"])):
            yield shard, list(of_shard)


def _members(family: Family, row: Row) -> Iterator[tuple[str, Member]]:
    """By its name in the shard, what the table tells of each file; without a digest where it has none."""
    for number, (suffix, member) in enumerate(zip(family.suffixes, family.members, strict=True)):
        if row[f"{member}_offset"] is None:
            continue
        sha256 = row["sha256"] if number == 0 else row.get(f"{member}_sha256") or ""
        place = row[f"{member}_offset"], row[f"{member}_size"]
        yield f"{row[family.key]}.{suffix}", Member(*place, sha256)
