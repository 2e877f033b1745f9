"""A dataset in an object store: shards are objects that versions share, `latest` and tags small objects with a number.

```
dataset.json                           that this is a dataset
videos/ subset-A/                      shards of all versions, named by content
000002/                                tables, lists of shards, and manifest.json: with that, a version
latest  paper-v1                       a number
writers/                               who has, or had, the right to write (lease.py)
.building/made/<recipe>.json           shards that no version has yet, and what is in them
.building/000003                       this folder is being written, or removed
```

A folder that is named in `.building` and has no manifest is no version: whoever comes next removes what is in it, and
writes an empty manifest there. Manifests are created and never overwritten, so the one that is given up cannot appear
any more, however late its writer's request arrives; and no other version gets the number. `latest` is moved only from
what it was when its writer had the right to move it (Objects.overwrite()).
"""

import json
import tempfile
import time
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import cast
from uuid import uuid4

from actor18m import __version__
from actor18m.dataset import manifest
from actor18m.dataset.root import LATEST, Dataset, DatasetError, is_version
from actor18m.dataset.schemas import is_of_shards
from actor18m.dataset.version import Version
from actor18m.errors import ActorError
from actor18m.publish.objects_writer import BUILDING, MADE, ObjectsWriter
from actor18m.publish.shard import Shard
from actor18m.publish.target import PART, Writer
from actor18m.storage.causes import lacks_a_right
from actor18m.storage.lease import Lease, StoreBusy, hold, holder
from actor18m.storage.objects import Objects
from actor18m.storage.place import NO_CONDITIONS, trouble_with
from actor18m.storage.store import Store

MARK = "dataset.json"
WRITERS = "writers"
_TRIAL = f"{BUILDING}/trial-"
"""Begins the name of an object that is written to see whether one can be; what is left of it, when its end was lost on
the way, goes with all that builds leave there."""
_LOOK_EVERY_S = 1.0
_UNDER_WAY_S = 86_400.0
"""No request arrives later than this, and no clock is wrong by more."""


@dataclass(frozen=True)
class OnObjects:
    dataset: Dataset
    shards: str = manifest.BESIDE_VERSIONS

    @property
    def _place(self) -> Objects:
        return cast(Objects, self.dataset.place)

    def check_usable(self) -> None:
        try:
            self._refuse_foreign()
            trouble = trouble_with(self._place, f"{_TRIAL}{uuid4().hex}")
            if not trouble and self._place.overwrites_blindly(f"{_TRIAL}{uuid4().hex}"):
                trouble = NO_CONDITIONS
        except DatasetError:
            raise
        except (ActorError, OSError) as error:
            raise DatasetError(
                f"the dataset {self.dataset.url} cannot be written: {error}. Name another place with --dataset"
                f"{', or give this user the right to write there' if lacks_a_right(error) else ''}."
            ) from error
        if trouble:
            raise DatasetError(f"the dataset {self.dataset.url} cannot be trusted: {trouble}.")

    def is_there(self) -> bool:
        with self.dataset.trouble():
            return self._place.exists(MARK)

    def left_behind(self, kept: Collection[str]) -> list[str]:
        used = {path for name in kept for path in _paths(Version(self.dataset, name))}
        with self.dataset.trouble():
            folders = [name for name, is_folder in self._place.entries("") if is_folder and is_of_shards(name)]
            shards = sorted(path for folder in folders for path in self._place.names(folder))
            is_building = any(True for _ in self._place.names(BUILDING))
            late = [path for number in self.dataset.given_up() for path in self._late(number)]
        return [*([BUILDING] if is_building else []), *(path for path in shards if path not in used), *late]

    def _late(self, number: str) -> Iterator[str]:
        """What a writer sent before it was taken for dead, and arrived after its number was given up. When nothing
        can be under way any more, the word that it was given up may go, too.
        """
        for path in sorted(self._place.names(number)):
            if path != f"{number}/{manifest.NAME}" or time.time() - self._place.modified(path) > _UNDER_WAY_S:
                yield path

    @contextmanager
    def scratch(self) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix=f"actor18m{PART}") as folder:
            yield Path(folder)

    def keep(self, tar: Path, shard: Shard) -> None:
        """A record that is there stands for a whole shard, as long as that has the same stamp."""
        with self.dataset.trouble():
            self._place.replace(shard.path, tar, "")
            record = {"stamp": self._place.stamp(shard.path), "shard": shard.to_bytes().decode()}
            self._place.replace(f"{MADE}/{shard.recipe}.json", json.dumps(record).encode(), "")

    @contextmanager
    def held(self, patience_s: float = 0) -> Iterator[Writer]:
        with self.dataset.trouble():
            self._make()
            with self._lease(patience_s) as lease, tempfile.TemporaryDirectory(prefix="actor18m-") as folder:
                following = self._following()
                self._settle(lease)
                yield ObjectsWriter(self.dataset, lease, Path(folder), following)

    @contextmanager
    def _lease(self, patience_s: float) -> Iterator[Lease]:
        """As a build holds a store."""
        store, end = Store(self.dataset.url, self._place, MARK, "dataset"), time.monotonic() + patience_s
        with ExitStack() as stack:
            while True:
                try:
                    lease = stack.enter_context(hold(store))
                    break
                except StoreBusy as error:
                    if time.monotonic() >= end:
                        raise DatasetError(
                            f"another process writes to the dataset {self.dataset.url}: {holder(store)}. Wait until it "
                            "is done, or stop it, and run the same command again."
                        ) from error
                time.sleep(_LOOK_EVERY_S)
            yield lease

    def _make(self) -> None:
        self._refuse_foreign()
        mark = json.dumps({"layout": manifest.LAYOUT, "made_by": f"actor18m {__version__}"}, indent=2) + "\n"
        with suppress(FileExistsError):
            if not self._place.exists(MARK):
                self._place.create(MARK, mark.encode(), "")

    def _refuse_foreign(self) -> None:
        if not self._place.exists(MARK) and any(name != BUILDING for name, _ in self._place.entries("")):
            raise DatasetError(
                f"{self.dataset.url} is not empty and is no dataset (it has no {MARK}). Name an empty or new place "
                "with --dataset."
            )

    def _following(self) -> int:
        """The next version's number: never one of a folder that was written to, in which a writer that was taken for
        dead may still write.
        """
        folders = [name for name, is_folder in self._place.entries("") if is_folder and is_version(name)]
        return 1 + max(map(int, [*folders, *self._unfinished()]), default=0)

    def _unfinished(self) -> list[str]:
        names = (path.removeprefix(f"{BUILDING}/") for path in self._place.names(BUILDING))
        return sorted(name for name in names if is_version(name))

    def _settle(self, lease: Lease) -> None:
        """A version that is whole becomes the latest, what is left of others goes."""
        for number in self._unfinished():
            if not self._complete_or_give_up(number):
                for path in [*self._place.names(number)]:
                    if path != f"{number}/{manifest.NAME}":
                        lease.delete(path)
            lease.delete(f"{BUILDING}/{number}")
        known = self.dataset.names()
        if known and self.dataset.latest() != known[-1]:
            self._place.point(LATEST, known[-1], lease.check_epoch)

    def _complete_or_give_up(self, number: str) -> bool:
        """Whether it is whole, from now on for ever."""
        if self.dataset.is_whole(number):
            return True
        with suppress(FileExistsError):  # given up already, or whole since we looked
            self._place.create(f"{number}/{manifest.NAME}", b"", "")
        return self.dataset.is_whole(number)


def _paths(version: Version) -> Iterator[str]:
    return map(version.path, version.manifest.recipes)
