"""An object store behind fsspec, as a place: whole objects, no links, no moves."""

import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import IO, Any

from actor18m.inputs import local_path
from actor18m.storage import conditional, remote
from actor18m.storage.causes import is_passing
from actor18m.storage.disk import Disk
from actor18m.storage.far_file import open_far
from actor18m.storage.file_versions import of_info
from actor18m.storage.place import Place, put_once
from actor18m.storage.uploads import drop_uploads

_CHUNK = 1 << 20
_POINTER = re.compile(rb"([A-Za-z0-9._-]+)\n")


@dataclass(frozen=True)
class Objects:
    """An object store behind fsspec. A PUT is atomic; a conditional PUT fails when the name is taken, or taken by
    something else than was seen. Where the driver cannot do that it looks first and then writes, and two writers can
    overlap in between.
    """

    url: str

    @property
    def appends(self) -> bool:
        return False

    @property
    def links(self) -> bool:
        return False

    def read(self, path: str) -> bytes:
        content: bytes = self._asked("read", path, lambda fs, full: fs.cat_file(full))
        return content

    def read_part(self, path: str, offset: int, size: int) -> bytes:
        def part(fs: Any, full: str) -> bytes:
            content: bytes = fs.cat_file(full, start=offset, end=offset + size)
            return content

        return bytes(self._asked("read", path, part))

    def open(self, path: str) -> IO[bytes]:
        return open_far(self._url(path))[0]

    def exists(self, path: str) -> bool:
        """What cannot be asked is an error, and not absent."""
        try:
            self._asked("look at", path, lambda fs, full: fs.info(full))
        except FileNotFoundError:
            return False
        return True

    @contextmanager
    def near(self, path: str) -> Iterator[Path]:
        with tempfile.TemporaryDirectory(prefix="actor18m-") as folder:
            copy = Path(folder) / path.rpartition("/")[2]
            with self.open(path) as source, copy.open("wb") as out:
                shutil.copyfileobj(source, out, _CHUNK)
            yield copy

    def entries(self, folder: str) -> Iterator[tuple[str, bool]]:
        def list_(fs: Any, full: str) -> list[dict[str, Any]]:
            fs.invalidate_cache()
            return list(fs.ls(full, detail=True))

        try:
            found: list[dict[str, Any]] = self._asked("list", folder, list_)
        except (FileNotFoundError, NotADirectoryError):
            if not folder:
                remote.refuse_no_bucket(self.url)
            return
        inside = remote.at(self._url(folder))[1].strip("/")
        for info in found:
            name = str(info["name"]).strip("/")
            if name != inside:  # an object that has the folder's own name
                yield name.rpartition("/")[2], info.get("type") == "directory"

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

    def modified(self, path: str) -> float:
        found: datetime = self._asked("look at", path, lambda fs, full: fs.modified(full))
        return found.timestamp()

    def create(self, path: str, content: bytes | Path, aside: str) -> None:
        size = content.stat().st_size if isinstance(content, Path) else len(content)

        def put(fs: Any, full: str) -> None:
            try:
                _put(fs, full, content, mode=conditional.CREATE)
            except OSError as error:
                if conditional.is_refused(error):
                    raise FileExistsError(full) from error
                raise

        self._asked("write", path, put, remote.call_s(size))

    def replace(self, path: str, content: bytes | Path, aside: str) -> None:
        size = content.stat().st_size if isinstance(content, Path) else len(content)
        self._asked("write", path, lambda fs, full: _put(fs, full, content), remote.call_s(size))

    def overwrite(self, path: str, content: bytes, check: Callable[[], None]) -> None:
        """replace(), for whoever must be the only one to write there: `check` raises when they are not any more. It is
        called after a look at what is there; a write of somebody else that comes later is not overwritten, and
        FileExistsError raised.
        """
        mark = self._asked("look at", path, conditional.mark_of)
        check()
        scheme = self.url.partition("://")[0]

        def put(fs: Any, full: str) -> None:
            conditional.put_over(scheme, fs, full, content, mark)

        try:
            self._asked("write", path, put, remote.call_s(len(content)))
        except FileExistsError:
            if self._content(path) != content:  # else it is this very write, and the answer to it was lost
                raise

    def overwrites_blindly(self, path: str) -> bool:
        """Whether overwrite() is let over a write of somebody else, found by an object that was not there and will not
        be.
        """
        put_once(self, path, b"of who looked")
        try:
            self.overwrite(path, b"of who looked, again", lambda: self.replace(path, b"of somebody else", ""))
        except FileExistsError:
            return False
        finally:
            self.delete(path)
        return True

    def pointer(self, path: str) -> str | None:
        match = _POINTER.fullmatch(self._content(path) or b"")
        return match[1].decode() if match else None

    def point(self, path: str, name: str, check: Callable[[], None] = lambda: None) -> None:
        """By overwrite()."""
        self.overwrite(path, f"{name}\n".encode(), check)

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

    def drop_uploads(self) -> None:
        drop_uploads(self.url)

    def _content(self, path: str) -> bytes | None:
        try:
            return self.read(path)
        except (FileNotFoundError, IsADirectoryError):
            return None

    def _asked(self, what: str, path: str, ask: Callable[[Any, str], Any], seconds: float | None = None) -> Any:
        fs, full = remote.at(self._url(path))
        return remote.asked(self._url(path), what, lambda: ask(fs, full), seconds)

    def _url(self, path: str) -> str:
        return f"{self.url}/{path}" if path else self.url


def _put(fs: Any, full: str, content: bytes | Path, **how: str) -> None:
    try:
        if isinstance(content, Path):
            fs.put_file(str(content), full, **how)
        else:
            fs.pipe_file(full, content, **how)
    except FileNotFoundError as error:
        # Of a large file: its last request was lost, and there is nothing to abort, since it had come through.
        if is_passing(error):
            raise ConnectionError(f"whether it was written is not known: {error}") from error
        raise


def refuse_no_bucket(place: Place) -> None:
    """Where there is nothing: is there a place for it at all?"""
    if isinstance(place, Objects):
        remote.refuse_no_bucket(place.url)


def place_at(uri: str, shown: str) -> tuple[str, Place]:
    """What a canonical URI leads to, and what it is called: its path, where it is on this machine."""
    if (path := local_path(uri)) is not None:
        return str(path), Disk(path)
    remote.at(uri)  # its driver is there
    return shown, Objects(uri)
