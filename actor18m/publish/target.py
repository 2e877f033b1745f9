"""Where versions of a dataset are published: on a file system (on_disk.py) or in an object store (on_objects.py).

On a file system a version is a folder in which unchanged files are hard links, built aside and renamed when it is
whole. In an object store shards are objects that versions share, and a version is its tables, its lists of shards and
its manifest, which is written last. Publish speaks to both in the words below.
"""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from pathlib import Path
from typing import Protocol

from actor18m.dataset.hashes import NAME as HASHES
from actor18m.dataset.hashes import Hashes
from actor18m.dataset.root import Dataset, DatasetError
from actor18m.dataset.version import Version
from actor18m.publish.shard import Shard

PART = ".part-"
"""How the names of unfinished things begin."""


class Target(Protocol):
    """A dataset that can be published to. It travels to workers, which make shards."""

    @property
    def dataset(self) -> Dataset: ...
    @property
    def shards(self) -> str:
        """As a manifest tells it: where the folders of shards lie."""
        ...

    def check_usable(self) -> None:
        """Raises what publishing would raise at its end: whoever measures for days wants to hear it before."""
        ...

    def is_there(self) -> bool: ...
    def left_behind(self, kept: Collection[str]) -> list[str]:
        """Beside old versions, what `gc` may remove: what a killed publish left, and shards that no version of these
        has.
        """
        ...

    def scratch(self) -> AbstractContextManager[Path]:
        """A folder of this machine for a shard that is being made, from which it is kept."""
        ...

    def keep(self, tar: Path, shard: Shard) -> None:
        """Of a shard that was made, so that a publish after this one's death finds it."""
        ...

    def held(self, patience_s: float = 0) -> "AbstractContextManager[Writer]":
        """The right to change the dataset, which is made if it is not there. One process at a time has it; a dead one
        holds nothing, and for a live one this one waits for so long. What a death left half done is finished.
        """
        ...


class Writer(Protocol):
    """Who has the right to change a dataset."""

    def check(self) -> None:
        """Raises when somebody else took it."""
        ...

    def hashes(self) -> Hashes: ...
    def put(self, name: str, content: bytes) -> None:
        """A small file beside the versions, which may take the place of another."""
        ...

    def left_over(self) -> Mapping[str, Shard]:
        """By recipe, the shards that an earlier publish made and did not live to use, as far as they are whole."""
        ...

    def begin(self, folders: Iterable[str]) -> Path:
        """An empty folder of this machine for the next version's files, with these folders for shards."""
        ...

    def take(self, shard: Shard) -> None:
        """Into the version that is built, a shard that was made."""
        ...

    def share(self, version: Version, name: str) -> None:
        """Into the version that is built, a file of another one, or its place of one with the same bytes."""
        ...

    def commit(self, content: bytes, check: Callable[[], None]) -> Version:
        """What is built, with a manifest of this content, becomes the next version, and the latest, unless `check`
        raises at the last moment.
        """
        ...

    def clear(self) -> None:
        """Removes what was needed for building only."""
        ...

    def point(self, name: str, version: str) -> None: ...
    def unpoint(self, name: str) -> None: ...
    def remove(self, names: Sequence[str]) -> None:
        """Versions, and what left_behind() names."""
        ...


def remember(writer: Writer, hashes: Hashes) -> None:
    """What is known of a dataset's files; where that cannot be kept, it is as if it were lost."""
    with suppress(OSError, DatasetError):
        writer.put(HASHES, hashes.to_bytes())
