"""Every file of a dataset's versions against their manifests, and every sample of a shard against the tables."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from itertools import groupby
from pathlib import Path
from typing import Any

import duckdb

from actor18m import stopping
from actor18m.errors import ActorError
from actor18m.publish import hashes, heard, manifest, versions
from actor18m.publish.content import OF_VIDEOS, Family, of_subset
from actor18m.publish.manifest import Manifest, OtherLayout, read_manifest
from actor18m.publish.scan import members
from actor18m.publish.tar import Member
from actor18m.verify.finding import DELETE_IT, FOREIGN, Finding, Kind

Row = Mapping[str, Any]
_CHUNK = 1 << 20
_OURS = (".lock", hashes.NAME, hashes.ASIDE, heard.NAME, heard.ASIDE, versions.BUILDING)
_SUFFIXES = {"mp4": "mp4", "image": "webp", "mask": "mask.png", "json": "json"}
"""Of a family's members, in the shards."""
_NEXT_VERSION = "Put a copy of it back; or build again: the next version has it right, where its source is still there."
_OLD_VERSION = "Put a copy of it back, or remove the version (`actor18m gc`): later ones do without it."


def verify_dataset(
    dataset: str, latest_only: bool = False, looked_at: Callable[[int], None] = lambda count: None
) -> Iterator[Finding]:
    """Reads all of it, each file once however many versions share it, and changes nothing."""
    yield from _Look(versions.folder(dataset), looked_at).findings(latest_only)


class _Look:
    def __init__(self, root: Path, looked_at: Callable[[int], None]) -> None:
        self._root, self._looked_at, self._count = root, looked_at, 0
        self._sha256: dict[tuple[int, int], str] = {}
        """By device and inode."""
        self._agreeing: set[str] = set()
        """Digests of shards with their rows of the table that were found to say the same."""

    def findings(self, latest_only: bool) -> Iterator[Finding]:
        known = versions.names(self._root)
        yield from self._of_root(known)
        for name in reversed(known[-1:] if latest_only else known):
            yield from self._of_version(self._root / name, name == known[-1])

    def _of_root(self, known: list[str]) -> Iterator[Finding]:
        tags = versions.tags(self._root)
        for path in sorted(self._root.iterdir()):
            if path.is_symlink() and path.name in tags and tags[path.name] not in known:
                yield _finding("missing", path, f"names {tags[path.name]}, which is no version", "Delete it.")
            elif path.is_dir() and versions.is_name(path.name) and path.name not in known:
                yield _finding("missing", path / manifest.NAME, "is missing", "Put a copy of it back.")
            elif path.name not in (*known, *tags, *_OURS, versions.LATEST):
                yield _finding("foreign", path, FOREIGN, DELETE_IT)
        try:
            heard.read_heard(self._root)
        except ActorError:
            way_out = "Put a copy of it back; or, if the store has all that was said, build with --allow-lost-words."
            yield _finding("damaged", self._root / heard.NAME, "does not tell which words it was built with", way_out)
        if known and versions.latest(self._root) != known[-1]:
            wrong = f"is not {known[-1]}, which is the newest version"
            yield _finding("missing", self._root / versions.LATEST, wrong, "The next build, or `gc`, switches it.")

    def _of_version(self, folder: Path, is_latest: bool) -> Iterator[Finding]:
        way_out = _NEXT_VERSION if is_latest else _OLD_VERSION
        try:
            content = read_manifest(folder)
        except OtherLayout as error:
            yield _finding("foreign", folder / manifest.NAME, str(error), "")
            return
        except ActorError as error:
            wrong = f"is missing or damaged: {error}"
            yield _finding("damaged", folder / manifest.NAME, wrong, "Put a copy of it back.")
            return
        damaged = set()
        for name, file in content.files.items():
            path = folder / name
            if not path.is_file():
                damaged.add(name)
                yield _finding("missing", path, "is missing", way_out)
                continue
            size, sha256 = path.stat().st_size, self._hashed(path)
            if (size, sha256) != (file.size, file.sha256):
                damaged.add(name)
                wrong = (
                    f"is damaged: it has {size} bytes with SHA-256 {sha256[:16]}…, its manifest says {file.size} and "
                )
                yield _finding("damaged", path, f"{wrong}{file.sha256[:16]}…", way_out)
        for path in sorted(folder.rglob("*")):
            name = path.relative_to(folder).as_posix()
            if not path.is_dir() and name not in content.files and name != manifest.NAME:
                yield _finding("foreign", path, FOREIGN, DELETE_IT)
        yield from self._of_tables(folder, content, damaged, way_out)

    def _of_tables(self, folder: Path, content: Manifest, damaged: set[str], way_out: str) -> Iterator[Finding]:
        """Where both are whole, a shard has what the table tells of it."""
        folders = {name.partition("/")[0] for name in content.recipes}
        subsets = sorted(name.removeprefix("subset-") for name in folders if name.startswith("subset-"))
        for family in (OF_VIDEOS, *map(of_subset, subsets)):
            prefix = f"metadata/{family.table}/{family.part_prefix}-"
            tables = [name for name in content.files if name.startswith(prefix) and name not in damaged]
            told = set[str]()
            for shard, rows in _placed(family, [folder / name for name in tables]):
                told.add(shard)
                if shard not in content.files:
                    wrong = f"is named by the table {family.table}, and the manifest has no such file"
                    yield _finding("missing", folder / shard, wrong, way_out)
                elif shard not in damaged:
                    yield from self._of_shard(family, folder / shard, rows, way_out)
            for shard in sorted(content.recipes):
                if shard.startswith(f"{family.folder}/") and shard not in told and not damaged:
                    wrong = f"is told of by no row of the table {family.table}"
                    yield _finding("missing", folder / shard, wrong, way_out)

    def _of_shard(self, family: Family, path: Path, rows: list[Row], way_out: str) -> Iterator[Finding]:
        same = hashlib.sha256(f"{self._hashed(path)} {rows}".encode()).hexdigest()
        if same in self._agreeing:
            return
        there = dict(members(path))
        wanted = {name: member for row in rows for name, member in _members(family, row)}
        troubles = [f"has no {name}" for name in sorted(wanted.keys() - there.keys())]
        troubles += [f"has {name}, of which the table tells nothing" for name in sorted(there.keys() - wanted.keys())]
        for name in sorted(wanted.keys() & there.keys()):
            table, shard = wanted[name], there[name]
            if (table.offset, table.size) != (shard.offset, shard.size):
                troubles.append(f"has {name} at {shard.offset}, {shard.size} bytes; the table says otherwise")
            elif table.sha256 and table.sha256 != shard.sha256:
                troubles.append(f"has other bytes in {name} than the table's SHA-256 says")
        for trouble in troubles:
            yield _finding("damaged", path, trouble, way_out)
        if not troubles:
            self._agreeing.add(same)

    def _hashed(self, path: Path) -> str:
        status = path.stat()
        inode = status.st_dev, status.st_ino
        if inode not in self._sha256:
            self._count += 1
            self._looked_at(self._count)
            digest = hashlib.sha256()
            with path.open("rb") as content:
                while chunk := content.read(_CHUNK):
                    stopping.check()
                    digest.update(chunk)
            self._sha256[inode] = digest.hexdigest()
        return self._sha256[inode]


def _placed(family: Family, tables: list[Path]) -> Iterator[tuple[str, list[Row]]]:
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


def _finding(kind: Kind, path: Path, wrong: str, way_out: str) -> Finding:
    return Finding(kind, str(path), wrong, way_out)
