"""A dataset's versions as people keep them: listed, called by a tag, and brought back.

A tag is a symbolic link beside `latest`: `dataset/paper-v1` is a version for whoever reads, and `gc` keeps it.
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.errors import WrongUsage
from actor18m.place import sync_folder
from actor18m.publish import versions
from actor18m.publish.hashes import Hashes, checked, linked, trouble_with
from actor18m.publish.manifest import NAME, read_manifest
from actor18m.publish.versions import DatasetError

_TAG = re.compile(r"[a-z][a-z0-9._-]{0,63}")


@dataclass(frozen=True)
class Listed:
    """A version, and what is in it."""

    version: str
    is_latest: bool
    tags: tuple[str, ...]
    made: str
    """When its manifest was written: files may have been copied since."""
    videos: int
    references: int
    shards: int
    bytes: int


def listed(dataset: str | Path) -> list[Listed]:
    """From the oldest version on."""
    root = versions.folder(dataset)
    latest, tags = versions.latest(root), versions.tags(root)
    return [_looked_at(root / name, name == latest, tags) for name in versions.names(root)]


def tag(dataset: str | Path, version: str, name: str) -> str:
    """Calls a version by a name, which may have been another's; the version that it is now."""
    if not _TAG.fullmatch(name) or name == versions.LATEST:
        raise WrongUsage(
            f"{name!r} cannot be a tag: write lower-case letters, digits, `.`, `_` and `-`, beginning with a letter"
        )
    root = versions.folder(dataset)
    with versions.held(root):
        folder = versions.named(root, version)
        there = root / name
        if there.exists() and not there.is_symlink():
            raise DatasetError(f"{there} is there already, and is no tag. Take another name.")
        versions.point(there, folder.name)
    return folder.name


def untag(dataset: str | Path, name: str) -> str:
    """Takes a tag away; the version stays, and `gc` may remove it from now on."""
    root = versions.folder(dataset)
    with versions.held(root):
        known = versions.tags(root)
        if name not in known:
            raise WrongUsage(f"{root} has no tag {name}; it has {', '.join(known) or 'none'}")
        (root / name).unlink()
        sync_folder(root)
    return known[name]


def restore(dataset: str | Path, version: str) -> str:
    """Makes the next version of an older one's files, which it shares; its name. Those in between stay."""
    root = versions.folder(dataset)
    with versions.held(root):
        versions.settle(root)
        folder = versions.named(root, version)
        if folder.name == versions.latest(root):
            raise WrongUsage(f"{folder.name} is the latest version of {root} already")
        building = root / versions.BUILDING / "restored"
        versions.clear(building)
        files, hashes = read_manifest(folder).files, Hashes(root)
        for name, file in files.items():
            if trouble := trouble_with(folder / name, file, hashes):
                raise DatasetError(f"{folder / name} {trouble}: {version} cannot be brought back without a copy of it.")
        for name in [*files, NAME]:
            (building / name).parent.mkdir(parents=True, exist_ok=True)
            versions.link(folder / name, building / name)
        for each in [building, *(path for path in building.rglob("*") if path.is_dir())]:
            sync_folder(each)
        restored = versions.add(root, building)
        linked(hashes, root / restored, files)
        hashes.save()
    return restored


def _looked_at(folder: Path, is_latest: bool, tags: dict[str, str]) -> Listed:
    files = read_manifest(folder).files
    made = datetime.fromtimestamp((folder / NAME).stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M UTC")
    return Listed(
        version=folder.name,
        is_latest=is_latest,
        tags=tuple(sorted(name for name, version in tags.items() if version == folder.name)),
        made=made,
        videos=_published(folder, "clips"),
        references=_published(folder, "references"),
        shards=sum(name.endswith(".tar") for name in files),
        bytes=sum(file.size for file in files.values()),
    )


def _published(folder: Path, table: str) -> int:
    """Rows that have a place in a shard."""
    parts = checked(folder, table)
    return sum(pc.count(pq.read_table(part, columns=["shard"])["shard"]).as_py() for part in parts)
