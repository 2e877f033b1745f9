"""Who has the right to change a dataset in an object store writes a version there (on_objects.py has the layout).

A folder that is being written, or removed, is named in `.building` before anything in it changes, and its manifest
comes last and goes first: so whoever comes after a death knows which folders are no versions.
"""

import json
import logging
import shutil
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import cast

from actor18m.dataset import manifest
from actor18m.dataset.hashes import Hashes
from actor18m.dataset.root import LATEST, Dataset, DatasetError, is_version
from actor18m.dataset.version import Version
from actor18m.publish.shard import Shard
from actor18m.storage.lease import Lease
from actor18m.storage.objects import Objects
from actor18m.storage.place import put_once

BUILDING = ".building"
MADE = f"{BUILDING}/made"

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class ObjectsWriter:
    dataset: Dataset
    lease: Lease
    folder: Path
    """Of this machine."""
    following: int
    """The number of the version that is built."""
    _listed: dict[str, dict[str, str]] = field(default_factory=dict)
    """Stamps by folder, since it was written to."""

    @property
    def _place(self) -> Objects:
        return cast(Objects, self.dataset.place)

    @property
    def _version(self) -> Path:
        return self.folder / "version"

    def check(self) -> None:
        self.lease.check_epoch()

    def hashes(self) -> Hashes:
        return Hashes(self._place, self._stamp)

    def put(self, name: str, content: bytes) -> None:
        with self.dataset.trouble(), self._alone():
            self._place.overwrite(name, content, self.check)

    def left_over(self) -> Mapping[str, Shard]:
        found = {}
        for path in self._place.names(MADE):
            try:
                record = json.loads(self._place.read(path))
                shard = Shard.from_bytes(record["shard"].encode())
                is_whole = bool(record["stamp"] == self._stamp(shard.path))
            except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError):
                is_whole = False
            if is_whole:
                found[shard.recipe] = shard
            else:
                log.warning("%s/%s is damaged; its shard is made again", self.dataset.url, path)
        return found

    def begin(self, folders: Iterable[str]) -> Path:
        """The folders are of shards, which are there already."""
        self._listed.clear()
        shutil.rmtree(self._version, ignore_errors=True)
        self._version.mkdir()
        return self._version

    def take(self, shard: Shard) -> None:
        """It lies where versions find it."""

    def share(self, version: Version, name: str) -> None:
        """Shards are shared as they are; of the rest each version has its own."""
        target = self._version / name
        if name != manifest.NAME and version.manifest.where(name) == name and not target.exists():
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(version.read(name))

    def commit(self, content: bytes, check: Callable[[], None]) -> Version:
        number = f"{self.following:06d}"
        self._place.replace(f"{BUILDING}/{number}", b"", "")
        self.check()  # now, since who takes over from here on sees that this number is taken
        for path in sorted(path for path in self._version.rglob("*") if path.is_file()):
            self._place.replace(f"{number}/{path.relative_to(self._version).as_posix()}", path, "")
        self._look_for_shards(content)
        check()
        self.check()
        with self._alone():
            put_once(self._place, f"{number}/{manifest.NAME}", content)
        self._listed.clear()
        self.lease.delete(f"{BUILDING}/{number}")
        with self._alone():
            self._place.point(LATEST, number, self.check)
        return Version(self.dataset, number)

    def clear(self) -> None:
        shutil.rmtree(self._version, ignore_errors=True)
        for path in [*self._place.names(MADE)]:
            self.lease.delete(path)

    def point(self, name: str, version: str) -> None:
        if self._place.exists(name) and self._place.pointer(name) is None:
            raise DatasetError(f"{self.dataset.url}/{name} is there already, and is no tag. Take another name.")
        with self._alone():
            self._place.point(name, version, self.check)

    def unpoint(self, name: str) -> None:
        self.lease.delete(name)

    def remove(self, names: Sequence[str]) -> None:
        """A version's manifest goes first: without it the rest is none. Who lost the right meanwhile is told so, since
        what it removed last may have been another's.
        """
        for name in names:
            if is_version(name):
                self._place.replace(f"{BUILDING}/{name}", b"", "")
                self.lease.delete(f"{name}/{manifest.NAME}")
            for path in [*self._place.names(name)] if "/" not in name else [name]:
                self.lease.delete(path)
            if is_version(name):
                self.lease.delete(f"{BUILDING}/{name}")
        self.check()

    def _look_for_shards(self, content: bytes) -> None:
        """Once more, that all are there which a manifest of this content names. A writer that was taken for dead while
        it removed old shards may have removed one that has the name of a new one, since such names are of content.
        """
        self._listed.clear()
        for shard in manifest.parse_manifest(content, self.dataset.url).recipes:
            try:
                self._stamp(shard)
            except FileNotFoundError:
                raise DatasetError(
                    f"{self.dataset.url}/{shard} has gone since it was made: another process removed it. The "
                    "latest version is as it was. Run the same command again, which makes the shard again."
                ) from None

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Says why somebody else's write came between."""
        try:
            yield
        except FileExistsError as error:
            self.check()
            raise DatasetError(
                f"something else wrote to {self.dataset.url} ({error}), and no build that it knows of. Its "
                "latest version is whole. See what it was, and run the same command again."
            ) from error

    def _stamp(self, path: str) -> str:
        """Of one file, as its folder was listed: an answer to each question would take longer."""
        folder = path.partition("/")[0]
        if folder not in self._listed:
            self._listed[folder] = dict(self._place.stamps(folder))
        try:
            return self._listed[folder][path]
        except KeyError:
            raise FileNotFoundError(f"{self.dataset.url}/{path}") from None
