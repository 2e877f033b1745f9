"""What a store or a dataset asks of where its files lie: a folder (disk.py) or an object store (objects.py)."""

import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import IO, Protocol

NO_CONDITIONS = (
    "it takes no notice of conditions on writes, so two builds could overwrite each other's files: take another place, "
    "or a newer driver for it"
)


class Place(Protocol):
    """Paths are relative, with slashes. A file appears whole or not at all. `aside` is a folder of this place from
    which files move to their names; where there is no such move, it is not used. Content given as a Path is a file of
    this machine, which is copied.
    """

    @property
    def appends(self) -> bool: ...
    @property
    def links(self) -> bool:
        """Can two names be one file?"""
        ...

    def read(self, path: str) -> bytes: ...
    def read_part(self, path: str, offset: int, size: int) -> bytes: ...
    def open(self, path: str) -> IO[bytes]: ...
    def exists(self, path: str) -> bool: ...
    def near(self, path: str) -> AbstractContextManager[Path]:
        """The file on this machine: itself, or a copy that goes when the block ends."""
        ...

    def entries(self, folder: str) -> Iterator[tuple[str, bool]]:
        """What is directly in the folder, and whether it is a folder (a pointer is none), in no order; nothing when
        there is no such folder.
        """
        ...

    def names(self, folder: str) -> Iterator[str]:
        """Every file in the folder and below, in no order; none when there is no such folder."""
        ...

    def stamps(self, folder: str) -> Iterator[tuple[str, str]]:
        """names(), each with what changes whenever the file does, after its size and a dash."""
        ...

    def stamp(self, path: str) -> str:
        """Of one file."""
        ...

    def modified(self, path: str) -> float:
        """When a file was written, in seconds since 1970."""
        ...

    def create(self, path: str, content: bytes | Path, aside: str) -> None:
        """Raises FileExistsError, and changes nothing, when the name is taken."""
        ...

    def replace(self, path: str, content: bytes | Path, aside: str) -> None: ...
    def pointer(self, path: str) -> str | None:
        """The name that a pointer leads to; None where there is no pointer."""
        ...

    def point(self, path: str, name: str) -> None:
        """Makes a pointer to what has this name beside it, at once: a symbolic link, or where there are none a small
        file with the name.
        """
        ...

    def append(self, path: str, content: bytes) -> None:
        """Survives this process when it returns, and this machine after `sync`."""
        ...

    def sync(self, path: str) -> None:
        """Silent when it is gone."""
        ...

    def delete(self, path: str) -> None:
        """Silent when it is gone already."""
        ...

    def make_aside(self, aside: str) -> None: ...
    def asides(self) -> list[str]: ...
    def drop_aside(self, aside: str) -> None:
        """From here on nothing can move out of it to a name."""
        ...

    def drop_uploads(self) -> None:
        """What dead writers left of files that they were sending."""
        ...


def put_once(place: Place, path: str, content: bytes, aside: str = "") -> None:
    """Creates a file. One that is there with this content is as good: a driver may have asked twice, since the answer
    to the first time was lost.
    """
    try:
        place.create(path, content, aside)
    except FileExistsError:
        if place.read(path) != content:
            raise


def trouble_with(place: Place, path: str, aside: str = "") -> str:
    """What is wrong with a place that is to be written to, found by a file that was not there and will not be; nothing
    when nothing is.
    """
    content = os.urandom(64)
    put_once(place, path, content, aside)
    try:
        place.create(path, b"", aside)
        return NO_CONDITIONS
    except FileExistsError:
        if place.read(path) != content:
            return "what was written reads differently"
    finally:
        place.delete(path)
    return "a deleted file is still there" if place.exists(path) else ""


def size_in(stamp: str) -> int | None:
    """The size of the file; None where its place does not tell."""
    size = stamp.partition("-")[0]
    return int(size) if size.isdigit() else None


def tells_change(stamp: str) -> bool:
    """Does it hold more than the size?"""
    return "-" in stamp
