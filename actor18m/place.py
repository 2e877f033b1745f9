"""Where a store's files lie: a file system that links and syncs, or an object store that takes whole objects."""

import os
import shutil
import uuid
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from errno import EMLINK, ENOTSUP, EPERM
from pathlib import Path
from typing import IO, Any, Protocol

from actor18m import remote
from actor18m.far_file import open_far
from actor18m.versions import of_info

PRIVATE = "restricted"
"""The folder of a store whose files nobody but their owner may read, where the place can say so."""
CREATE = "create"
_NO_HARD_LINKS = {EPERM, ENOTSUP, EMLINK}


class Place(Protocol):
    """Paths are relative, with slashes. A file appears whole or not at all. `aside` is a folder of this place from
    which files move to their names; where there is no such move, it is not used. Content given as a Path is a file of
    this machine, which is copied.
    """

    @property
    def appends(self) -> bool: ...
    def read(self, path: str) -> bytes: ...
    def open(self, path: str) -> IO[bytes]: ...
    def exists(self, path: str) -> bool: ...
    def names(self, folder: str) -> Iterator[str]:
        """Every file in the folder and below, in no order; none when there is no such folder."""
        ...

    def stamps(self, folder: str) -> Iterator[tuple[str, str]]:
        """names(), each with what changes whenever the file does."""
        ...

    def stamp(self, path: str) -> str:
        """Of one file."""
        ...

    def create(self, path: str, content: bytes | Path, aside: str) -> None:
        """Raises FileExistsError, and changes nothing, when the name is taken."""
        ...

    def replace(self, path: str, content: bytes, aside: str) -> None: ...
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


@dataclass(frozen=True)
class Disk:
    """A file system of this machine, or one that is mounted."""

    root: Path

    @property
    def appends(self) -> bool:
        return True

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def open(self, path: str) -> IO[bytes]:
        return (self.root / path).open("rb")

    def exists(self, path: str) -> bool:
        return (self.root / path).is_file()

    def names(self, folder: str) -> Iterator[str]:
        return (path for path, _ in self._entries(folder))

    def stamps(self, folder: str) -> Iterator[tuple[str, str]]:
        for path, entry in self._entries(folder):
            with suppress(FileNotFoundError):  # it went while it was listed
                yield path, stamp_of(entry.stat())

    def stamp(self, path: str) -> str:
        return stamp_of((self.root / path).stat())

    def _entries(self, folder: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
        try:
            entries = os.scandir(self.root / folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        with entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    yield from self._entries(path)
                else:
                    yield path, entry

    def create(self, path: str, content: bytes | Path, aside: str) -> None:
        """A link fails when the name is taken, which a rename does not."""
        written = self._write(content, aside, _is_private(path))
        target = self.root / path
        try:
            self._make_folder(target.parent)
            try:
                os.link(written, target)
            except OSError as error:
                if error.errno not in _NO_HARD_LINKS:
                    raise
                if target.exists():
                    raise FileExistsError(str(target)) from error
                written.rename(target)
        except OSError:
            written.unlink(missing_ok=True)
            raise
        written.unlink(missing_ok=True)
        sync_folder(target.parent)

    def replace(self, path: str, content: bytes, aside: str) -> None:
        written = self._write(content, aside)
        target = self.root / path
        self._make_folder(target.parent)
        written.replace(target)
        sync_folder(target.parent)

    def append(self, path: str, content: bytes) -> None:
        with (self.root / path).open("ab") as out:
            out.write(content)

    def sync(self, path: str) -> None:
        with suppress(FileNotFoundError), (self.root / path).open("rb") as file:
            os.fsync(file.fileno())

    def delete(self, path: str) -> None:
        (self.root / path).unlink(missing_ok=True)

    def make_aside(self, aside: str) -> None:
        self._make_folder(self.root / aside)

    def asides(self) -> list[str]:
        folder = self.root / "aside"
        return [f"aside/{path.name}" for path in folder.iterdir()] if folder.is_dir() else []

    def drop_aside(self, aside: str) -> None:
        """One rename: a link out of it happens wholly before or fails."""
        dropped = self.root / "aside" / f"dropped-{uuid.uuid4().hex}"
        try:
            (self.root / aside).rename(dropped)
        except FileNotFoundError:
            return
        sync_folder(dropped.parent)
        shutil.rmtree(dropped, ignore_errors=True)

    def _write(self, content: bytes | Path, aside: str, is_private: bool = False) -> Path:
        path = self.root / aside / uuid.uuid4().hex
        try:
            with path.open("xb") as out:
                if is_private:
                    os.fchmod(out.fileno(), 0o600)
                if isinstance(content, Path):
                    with content.open("rb") as source:
                        shutil.copyfileobj(source, out, 1 << 20)
                else:
                    out.write(content)
                out.flush()
                os.fsync(out.fileno())
        except OSError:
            path.unlink(missing_ok=True)
            raise
        return path

    def _make_folder(self, folder: Path) -> None:
        """Never the root itself: a store that has vanished, or whose disk is not mounted, is not made anew."""
        if folder.is_dir() or folder == self.root:
            return
        self._make_folder(folder.parent)
        is_private = _is_private(folder.relative_to(self.root).as_posix())
        folder.mkdir(0o700 if is_private else 0o777, exist_ok=True)
        if is_private:
            folder.chmod(0o700)  # whatever the umask says
        sync_folder(folder.parent)


@dataclass(frozen=True)
class Objects:
    """An object store behind fsspec. A PUT is atomic; a conditional PUT (`mode="create"`) fails when the name is
    taken. Where the driver cannot do that it looks first and then writes, and two writers can overlap in between.
    """

    url: str

    @property
    def appends(self) -> bool:
        return False

    def read(self, path: str) -> bytes:
        content: bytes = self._asked("read", path, lambda fs, full: fs.cat_file(full))
        return content

    def open(self, path: str) -> IO[bytes]:
        return open_far(self._url(path))[0]

    def exists(self, path: str) -> bool:
        """What cannot be asked is an error, and not absent."""
        try:
            self._asked("look at", path, lambda fs, full: fs.info(full))
        except FileNotFoundError:
            return False
        return True

    def names(self, folder: str) -> Iterator[str]:
        def find(fs: Any, full: str) -> list[str]:
            fs.invalidate_cache()
            return list(fs.find(full))

        try:
            found: list[str] = self._asked("list", folder, find)
        except FileNotFoundError:
            return
        root = remote.at(self.url)[1].strip("/")
        for name in found:
            yield name.lstrip("/").removeprefix(root).lstrip("/")

    def stamps(self, folder: str) -> Iterator[tuple[str, str]]:
        def find(fs: Any, full: str) -> dict[str, Any]:
            fs.invalidate_cache()
            return dict(fs.find(full, detail=True))

        try:
            found: dict[str, Any] = self._asked("list", folder, find)
        except FileNotFoundError:
            return
        root = remote.at(self.url)[1].strip("/")
        for name, info in found.items():
            yield name.lstrip("/").removeprefix(root).lstrip("/"), of_info(info) or ""

    def stamp(self, path: str) -> str:
        return of_info(self._asked("look at", path, lambda fs, full: fs.info(full))) or ""

    def create(self, path: str, content: bytes | Path, aside: str) -> None:
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        tries = 0

        def put(fs: Any, full: str) -> None:
            nonlocal tries
            tries += 1
            try:
                if isinstance(content, Path):
                    fs.put_file(str(content), full, mode=CREATE)
                else:
                    fs.pipe_file(full, content, mode=CREATE)
            except OSError as error:
                # Drivers name a refused precondition differently.
                taken = isinstance(error, FileExistsError) or "precondition" in str(error).lower()
                if not taken:
                    raise
                # An attempt before this one may have come through, and only its answer was lost.
                if tries == 1 or not isinstance(content, bytes) or fs.cat_file(full) != content:
                    raise FileExistsError(full) from error

        self._asked("write", path, put, remote.call_s(size))

    def replace(self, path: str, content: bytes, aside: str) -> None:
        self._asked("write", path, lambda fs, full: fs.pipe_file(full, content), remote.call_s(len(content)))

    def append(self, path: str, content: bytes) -> None:
        raise NotImplementedError("objects are whole")

    def sync(self, path: str) -> None:
        return

    def delete(self, path: str) -> None:
        try:
            self._asked("delete", path, lambda fs, full: fs.rm_file(full))
        except FileNotFoundError:
            return

    def make_aside(self, aside: str) -> None:
        return

    def asides(self) -> list[str]:
        return []

    def drop_aside(self, aside: str) -> None:
        return

    def _asked(self, what: str, path: str, ask: Callable[[Any, str], Any], seconds: float | None = None) -> Any:
        fs, full = remote.at(self._url(path))
        return remote.asked(self._url(path), what, lambda: ask(fs, full), seconds)

    def _url(self, path: str) -> str:
        return f"{self.url}/{path}" if path else self.url


def _is_private(path: str) -> bool:
    return path.split("/")[0] == PRIVATE


def stamp_of(status: os.stat_result) -> str:
    """Size, time of change, time of the inode's change, and which inode: what a write or another file changes, unless
    it is the disk that forgets.
    """
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}-{status.st_ino}"


def sync_folder(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
