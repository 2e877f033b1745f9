"""A dataset in a folder: versions are folders, unchanged files hard links in them, `latest` and tags symbolic links.

A version is built in `.building` and renamed when it is whole; the rename is what publishes it. Then `latest` is
switched, and whoever comes after a death in between switches it.
"""

import fcntl
import logging
import os
import shutil
import tempfile
import time
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from errno import EACCES, EAGAIN
from pathlib import Path
from typing import IO

from actor18m.dataset import manifest
from actor18m.dataset.hashes import Hashes
from actor18m.dataset.manifest import File, describe
from actor18m.dataset.root import LATEST, Dataset, DatasetError
from actor18m.dataset.version import Version
from actor18m.publish.shard import Shard
from actor18m.publish.target import PART, Writer, remember
from actor18m.storage.causes import lacks_a_right
from actor18m.storage.disk import NO_HARD_LINKS, Disk, sync_folder

LOCK = ".lock"
BUILDING = ".building"
REMOVING = ".removing-"
ASIDE = ".new"
"""Ends the name of a file beside the versions that is about to take the place of another."""
_IS_LOCKED = (EACCES, EAGAIN)
_LOOK_EVERY_S = 0.2

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class OnDisk:
    root: Path
    shards: str = manifest.IN_VERSION

    @property
    def dataset(self) -> Dataset:
        return Dataset(str(self.root), Disk(self.root))

    @property
    def made(self) -> Path:
        """Where shards are made, and kept until they are in a version."""
        return self.root / BUILDING / "made"

    def check_usable(self) -> None:
        above = self.root
        while not above.exists() and above != above.parent:
            above = above.parent
        try:
            self._refuse_foreign()
            with tempfile.TemporaryDirectory(dir=above, prefix=".actor18m-"):
                return
        except OSError as error:
            raise DatasetError(
                f"the dataset {self.root} cannot be written: {error.strerror}. Name another place with --dataset"
                f"{', or give this user the right to write there' if lacks_a_right(error) else ''}."
            ) from error

    def is_there(self) -> bool:
        return self.root.is_dir()

    def left_behind(self, kept: Collection[str]) -> list[str]:
        return [BUILDING] if (self.root / BUILDING).exists() else []

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(dir=self.made, prefix=PART) as folder:
            yield Path(folder)

    def keep(self, tar: Path, shard: Shard) -> None:
        """A record beside it that is there stands for a whole tar: its name is the shard's recipe."""
        sync_file(tar)
        tar.rename(self.made / shard.name)
        record = tar.with_name("record")
        write(record, shard.to_bytes())
        record.rename(self.made / f"{shard.recipe}.json")

    @contextmanager
    def held(self, patience_s: float = 0) -> Iterator[Writer]:
        with self.dataset.trouble():
            self.root.mkdir(parents=True, exist_ok=True)
            self._refuse_foreign()
            lock = (self.root / LOCK).open("ab")
        with lock:
            try:
                _lock(lock, patience_s)
            except OSError as error:
                if error.errno in _IS_LOCKED:
                    raise DatasetError(
                        f"another process writes to the dataset {self.root}. Wait until it is done, or stop it, and "
                        "run the same command again."
                    ) from error
                raise DatasetError(
                    f"cannot lock {self.root / LOCK}: {error}. The file system must support locks."
                ) from error
            with self.dataset.trouble():
                self._settle()
                yield DiskWriter(self)

    def _settle(self) -> None:
        """A version that is whole becomes the latest, removals are completed."""
        for path in self.root.glob(f"{REMOVING}*"):
            shutil.rmtree(path)
        known = self.dataset.names()
        if known and self.dataset.latest() != known[-1]:
            switch(self.dataset, known[-1])

    def _refuse_foreign(self) -> None:
        if self.root.is_dir() and not (self.root / LOCK).exists() and any(self.root.iterdir()):
            raise DatasetError(
                f"{self.root} is not empty and is no dataset. Name an empty or new folder with --dataset."
            )


@dataclass(frozen=True)
class DiskWriter:
    target: OnDisk

    @property
    def _root(self) -> Path:
        return self.target.root

    @property
    def _folder(self) -> Path:
        """Of the version that is built."""
        return self._root / BUILDING / "version"

    def check(self) -> None:
        """The lock lasts as long as this process."""

    def hashes(self) -> Hashes:
        return Hashes(self.target.dataset.place)

    def put(self, name: str, content: bytes) -> None:
        aside = self._root / f"{name}{ASIDE}"
        aside.write_bytes(content)
        aside.replace(self._root / name)
        sync_folder(self._root)

    def left_over(self) -> Mapping[str, Shard]:
        found = {}
        for record in self.target.made.glob("*.json"):
            try:
                shard = Shard.from_bytes(record.read_bytes())
                is_whole = describe(self.target.made / shard.name) == File(shard.size, shard.sha256)
            except (FileNotFoundError, ValueError, KeyError, TypeError):
                is_whole = False
            if is_whole:
                found[shard.recipe] = shard
            else:
                log.warning("%s is damaged; its shard is made again", record)
        return found

    def begin(self, folders: Iterable[str]) -> Path:
        """Of what a killed publish left, only shards are of use."""
        shutil.rmtree(self._folder, ignore_errors=True)
        self.target.made.mkdir(parents=True, exist_ok=True)
        for part in self.target.made.glob(f"{PART}*"):
            shutil.rmtree(part)
        for folder in folders:
            (self._folder / folder).mkdir(parents=True)
        return self._folder

    def take(self, shard: Shard) -> None:
        link(self.target.made / shard.name, self._folder / shard.path)

    def share(self, version: Version, name: str) -> None:
        target = self._folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.unlink(missing_ok=True)
        link(self._root / version.path(name), target)

    def commit(self, content: bytes, check: Callable[[], None]) -> Version:
        """Versions share files, so nobody should write into one."""
        path = self._folder / manifest.NAME
        if not path.exists():
            write(path, content)
        for each in [self._folder, *self._folder.rglob("*")]:
            if each.is_dir():
                sync_folder(each)
            else:
                each.chmod(each.stat().st_mode & ~0o222)
        check()
        known = self.target.dataset.names()
        number = int(known[-1]) + 1 if known else 1
        while (self._root / f"{number:06d}").exists():  # a folder that is no version of ours stays as it is
            number += 1
        name = f"{number:06d}"
        self._folder.rename(self._root / name)
        sync_folder(self._root)
        switch(self.target.dataset, name)
        return Version(self.target.dataset, name)

    def clear(self) -> None:
        shutil.rmtree(self._root / BUILDING, ignore_errors=True)

    def point(self, name: str, version: str) -> None:
        there = self._root / name
        if there.exists() and not there.is_symlink():
            raise DatasetError(f"{there} is there already, and is no tag. Take another name.")
        self.target.dataset.place.point(name, version)

    def unpoint(self, name: str) -> None:
        (self._root / name).unlink()
        sync_folder(self._root)

    def remove(self, names: Sequence[str]) -> None:
        """Files that a kept version shares stay, and are known to be what they were: they have a link less."""
        place, hashes = self.target.dataset.place, self.hashes()
        kept = (path for name in self.target.dataset.names() if name not in names for path in place.names(name))
        known = hashes.known_of(kept)
        for name in names:
            # Under its own name, a version is there whole or not at all.
            removed = (self._root / name).rename(self._root / f"{REMOVING}{name.removeprefix('.')}")
            sync_folder(self._root)
            shutil.rmtree(removed)
        for path, sha256 in known.items():
            hashes.note(path, sha256)
        remember(self, hashes)


def switch(dataset: Dataset, version: str) -> None:
    """`latest` leads to this version from now on."""
    link = Path(dataset.url) / LATEST
    if link.is_dir() and not link.is_symlink():
        raise DatasetError(f"{link} is a folder and should be a link to a version: move it away, and run this again.")
    dataset.place.point(LATEST, version)


def link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in NO_HARD_LINKS:
            raise
        shutil.copyfile(source, target)
        sync_file(target)


def write(path: Path, content: bytes) -> None:
    """A file that survives this machine."""
    path.write_bytes(content)
    sync_file(path)


def sync_file(path: Path) -> None:
    """Survives this machine from here on."""
    with path.open("rb") as content:
        os.fsync(content.fileno())


def _lock(lock: IO[bytes], patience_s: float) -> None:
    end = time.monotonic() + patience_s
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in _IS_LOCKED or time.monotonic() >= end:
                raise
        time.sleep(_LOOK_EVERY_S)
