"""A file system, as a place: it links, moves and syncs."""

import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from errno import EMLINK, ENOTSUP, EPERM
from pathlib import Path
from typing import IO

PRIVATE = "restricted"
"""The folder of a store whose files nobody but their owner may read, where the place can say so."""
NEXT_POINTER = ".pointer-next"
"""On a file system: a link that is about to take the place of another."""
NO_HARD_LINKS = {EPERM, ENOTSUP, EMLINK}
"""How a file system says that it has none, or no more of them."""


@dataclass(frozen=True)
class Disk:
    """A file system of this machine, or one that is mounted."""

    root: Path

    @property
    def appends(self) -> bool:
        return True

    @property
    def links(self) -> bool:
        return True

    def read(self, path: str) -> bytes:
        return (self.root / path).read_bytes()

    def read_part(self, path: str, offset: int, size: int) -> bytes:
        with self.open(path) as file:
            file.seek(offset)
            return file.read(size)

    def open(self, path: str) -> IO[bytes]:
        return (self.root / path).open("rb")

    def exists(self, path: str) -> bool:
        return (self.root / path).is_file()

    @contextmanager
    def near(self, path: str) -> Iterator[Path]:
        yield self.root / path

    def entries(self, folder: str) -> Iterator[tuple[str, bool]]:
        try:
            found = os.scandir(self.root / folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        with found:
            for entry in found:
                yield entry.name, entry.is_dir(follow_symlinks=False)

    def names(self, folder: str) -> Iterator[str]:
        return (path for path, _ in self._files_below(folder))

    def stamps(self, folder: str) -> Iterator[tuple[str, str]]:
        for path, entry in self._files_below(folder):
            with suppress(FileNotFoundError):  # it went while it was listed
                yield path, stamp_of(entry.stat())

    def stamp(self, path: str) -> str:
        return stamp_of((self.root / path).stat())

    def modified(self, path: str) -> float:
        return (self.root / path).stat().st_mtime

    def _files_below(self, folder: str) -> Iterator[tuple[str, "os.DirEntry[str]"]]:
        try:
            entries = os.scandir(self.root / folder)
        except (FileNotFoundError, NotADirectoryError):
            return
        with entries:
            for entry in entries:
                path = f"{folder}/{entry.name}" if folder else entry.name
                if entry.is_dir(follow_symlinks=False):
                    yield from self._files_below(path)
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
                if error.errno not in NO_HARD_LINKS:
                    raise
                if target.exists():
                    raise FileExistsError(str(target)) from error
                written.rename(target)
        except OSError:
            written.unlink(missing_ok=True)
            raise
        written.unlink(missing_ok=True)
        sync_folder(target.parent)

    def replace(self, path: str, content: bytes | Path, aside: str) -> None:
        written = self._write(content, aside)
        target = self.root / path
        self._make_folder(target.parent)
        written.replace(target)
        sync_folder(target.parent)

    def pointer(self, path: str) -> str | None:
        link = self.root / path
        return link.readlink().name if link.is_symlink() else None

    def point(self, path: str, name: str) -> None:
        link = self.root / path
        following = link.parent / NEXT_POINTER
        following.unlink(missing_ok=True)
        following.symlink_to(name)
        following.replace(link)
        sync_folder(link.parent)

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

    def drop_uploads(self) -> None:
        return

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
