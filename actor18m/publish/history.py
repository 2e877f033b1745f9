"""A dataset's versions as people keep them: listed, called by a tag, brought back, and removed when they are old.

A tag leads to a version, as `latest` does: `dataset/paper-v1` is one for whoever reads, and `gc` keeps it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import pyarrow.compute as pc
import pyarrow.parquet as pq

from actor18m.dataset.hashes import trouble_with
from actor18m.dataset.manifest import NAME
from actor18m.dataset.root import Dataset, DatasetError, is_tag
from actor18m.dataset.version import Version
from actor18m.errors import WrongUsage
from actor18m.publish.target import remember
from actor18m.publish.targets import target_of


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
    found = Dataset.at(dataset)
    latest, tags = found.latest(), found.tags()
    return [_looked_at(Version(found, name), name == latest, tags) for name in found.names()]


def tag(dataset: str | Path, version: str, name: str) -> str:
    """Calls a version by a name, which may have been another's; the version that it is now."""
    if not is_tag(name):
        raise WrongUsage(
            f"{name!r} cannot be a tag: write lower-case letters, digits, `.`, `_` and `-`, beginning with a letter"
        )
    target = target_of(dataset)
    with target.held() as writer:
        found = Version.named(target.dataset, version)
        writer.point(name, found.name)
    return found.name


def untag(dataset: str | Path, name: str) -> str:
    """Takes a tag away; the version stays, and `gc` may remove it from now on."""
    target = target_of(dataset)
    with target.held() as writer:
        known = target.dataset.tags()
        if name not in known:
            raise WrongUsage(f"{target.dataset.url} has no tag {name}; it has {', '.join(known) or 'none'}")
        writer.unpoint(name)
    return known[name]


def restore(dataset: str | Path, version: str) -> str:
    """Makes the next version of an older one's files, which it shares; its name. Those in between stay."""
    target = target_of(dataset)
    with target.held() as writer:
        found = Version.named(target.dataset, version)
        if found.name == target.dataset.latest():
            raise WrongUsage(f"{found.name} is the latest version of {target.dataset.url} already")
        files, hashes = found.manifest.files, writer.hashes()
        for name, file in files.items():
            if trouble := trouble_with(hashes, found.path(name), file):
                raise DatasetError(
                    f"{found.url_of(name)} {trouble}: {version} cannot be brought back without a copy of it."
                )
        writer.begin(())
        for name in [*files, NAME]:
            writer.share(found, name)
        restored = writer.commit(found.content, writer.check)
        for name, file in files.items():
            hashes.note(restored.path(name), file.sha256)
        remember(writer, hashes)
    return restored.name


def gc(dataset: str | Path, keep: int, dry_run: bool = False) -> list[str]:
    """Removes all but the newest `keep` versions and those that have a tag, and what a killed publish left; the names
    of what is removed. Files that a kept version shares stay.
    """
    target = target_of(dataset)
    if keep < 1:
        raise DatasetError(f"gc keeps at least 1 version, not {keep}")
    if not target.is_there():
        raise DatasetError(f"there is no dataset at {target.dataset.url}")

    def superfluous() -> list[str]:
        known = target.dataset.names()
        named = {target.dataset.latest(), *target.dataset.tags().values()}
        old = [name for name in known[:-keep] if name not in named]
        return old + target.left_behind([name for name in known if name not in old])

    if dry_run:
        return superfluous()
    with target.held() as writer:
        gone = superfluous()
        writer.remove(gone)
    return gone


def _looked_at(version: Version, is_latest: bool, tags: dict[str, str]) -> Listed:
    files = version.manifest.files
    made = version.dataset.place.modified(version.path(NAME))
    return Listed(
        version=version.name,
        is_latest=is_latest,
        tags=tuple(sorted(name for name, number in tags.items() if number == version.name)),
        made=datetime.fromtimestamp(made, UTC).strftime("%Y-%m-%d %H:%M UTC"),
        videos=_published(version, "clips"),
        references=_published(version, "references"),
        shards=len(version.manifest.recipes),
        bytes=sum(file.size for file in files.values()),
    )


def _published(version: Version, table: str) -> int:
    """Rows that have a place in a shard."""
    with version.near(version.parts(table)) as parts:
        return sum(pc.count(pq.read_table(part, columns=["shard"])["shard"]).as_py() for part in parts)
