"""Copies of far files on this machine, for as long as a build lasts: each is fetched once a node, not once a stage.

All processes of a build on a node share a folder of copies, which are whole or not there. Each holds a lock on it while
it lives, so that whoever comes later knows which folders nobody needs any more, and removes them: what a build was lent
to read must not stay behind it.
"""

import fcntl
import logging
import os
import shutil
import stat
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import IO, Any, TypeVar

from actor18m.errors import ActorError
from actor18m.inputs import shown
from actor18m.storage.far_file import info_of, open_far, open_told
from actor18m.storage.file_versions import of_info

LIMIT = "ACTOR18M_SOURCES_GIB"
"""The environment variable with how much of this machine's temporary folder copies may take; 0: none are made."""
BUILD = "ACTOR18M_SOURCES_OF"
"""Names the build whose copies these are. A build sets it, and its workers have it from there."""
_LIMIT_GIB = 20.0
_SHARE = 4
"""What would take more than this part of the room is read where it lies."""
_LEFT_FREE = 1 << 30
_CHUNK = 4 << 20
_LOCKS = 64

T = TypeVar("T")

log = logging.getLogger(__name__)


@contextmanager
def sources_kept() -> Iterator[None]:
    """From here to the end of the block this process and those that it starts keep copies of far files."""
    before, name = os.environ.get(BUILD), uuid.uuid4().hex
    os.environ[BUILD] = name
    try:
        yield
    finally:
        if os.environ.pop(BUILD, None) is not None and before is not None:
            os.environ[BUILD] = before
        forget(name)


def forget(name: str) -> None:
    """Removes a build's copies from this machine, and those of builds of which nobody lives. Whoever reads one of them
    reads on: it is gone when it is closed.
    """
    global _joined
    if _joined is not None and _joined.name == name:
        os.close(_joined.lock)
        _joined = None
    with suppress(OSError):
        root = _root()
        if root.is_dir():
            with _locked(root / "lock"):
                shutil.rmtree(root / name, ignore_errors=True)
                _sweep(root)


def open_source(uri: str) -> tuple[IO[bytes], dict[str, Any]]:
    """As `open_far` does, of a copy where one is kept."""
    copies = _copies()
    if copies is None:
        return open_far(uri)
    info = info_of(uri)
    size, version = info.get("size"), of_info(info)
    if not isinstance(size, int) or not size or version is None or "-" not in version:
        return open_told(uri, info), info  # its place does not tell when it changes
    return copies.of(uri, version, size) or open_told(uri, info), info


@dataclass(frozen=True)
class _Copies:
    """This process's part in the copies of a build."""

    name: str
    folder: Path
    most_bytes: int
    lock: int
    """A handle that is held while the process lives."""

    def of(self, uri: str, version: str, size: int) -> IO[bytes] | None:
        """One process fetches, others that want the same file wait for it. None: there is no room for it."""
        digest = sha256(f"{uri}\n{version}".encode()).hexdigest()
        path = self.folder / digest[:32]
        if (copy := _opened(path, size)) is not None:
            return copy
        if size > self.most_bytes // _SHARE:
            return None
        try:
            with _here(), _locked(self.folder / f"lock-{int(digest[32:40], 16) % _LOCKS}"):
                return _opened(path, size) or self._fetched(path, uri, version, size)
        except _NoRoom as error:
            _say_once(
                "room",
                f"no copy of {shown(uri)} could be kept in {self.folder} ({error}): each stage reads it anew, "
                f"and so it may be with others. Set TMPDIR to a folder on a larger disk, or {LIMIT}=0",
            )
            return None

    def _fetched(self, path: Path, uri: str, version: str, size: int) -> IO[bytes] | None:
        part = path.with_suffix(".part")
        with ExitStack() as at_end:
            at_end.callback(part.unlink, missing_ok=True)
            self._make_room(part, size)
            with part.open("r+b") as out:
                _fetch(uri, out)
                is_whole = out.tell() == size
            # What was replaced meanwhile would be half of one and half of the other.
            if not is_whole or of_info(_far(lambda: info_of(uri))) != version:
                return None
            part.replace(path)
            return _opened(path, size)

    def _make_room(self, part: Path, size: int) -> None:
        """Those go that were opened longest ago. The part is made as large as it will be, so that others count it."""
        with _locked(self.folder / "room"):
            found = [each for each in _there(self.folder) if each[1] != part]
            taken = sum(status.st_size for status, _ in found)
            free = _free(self.folder)
            for status, path in sorted(found, key=lambda each: each[0].st_mtime_ns):
                if taken + size <= self.most_bytes and free >= size + _LEFT_FREE:
                    break
                if not path.suffix and status.st_size:
                    path.unlink(missing_ok=True)
                    taken -= status.st_size
                    free += status.st_size
            if taken + size > self.most_bytes or free < size + _LEFT_FREE:
                raise _NoRoom(f"{size} bytes are wanted")
            with part.open("wb") as out:
                out.truncate(size)


class _NoRoom(Exception):
    """This machine's disk is at fault, and no place."""


class _OfPlace(Exception):
    """Carries what the far place raised past what this machine's disk may raise."""

    def __init__(self, error: Exception) -> None:
        super().__init__(error)
        self.error = error


_joined: _Copies | None = None
_said: set[str] = set()


def _copies() -> _Copies | None:
    global _joined
    name = os.environ.get(BUILD)
    if name is None:
        return None
    if _joined is None or _joined.name != name:
        try:
            _joined = _join(name)
        except OSError as error:
            _joined = None
            _say_once("folder", f"no copies of remote files are kept, and each stage reads them anew: {error}")
    return _joined if _joined is not None and _joined.most_bytes else None


def _join(name: str) -> _Copies:
    root = _root()
    root.mkdir(mode=0o700, exist_ok=True)
    status = root.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid() or status.st_mode & 0o077:
        raise PermissionError(f"{root} is not ours alone; remove it, or set TMPDIR to another folder")
    folder = root / name
    with _locked(root / "lock"):
        folder.mkdir(mode=0o700, exist_ok=True)
        lock = os.open(folder / "in-use", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        fcntl.flock(lock, fcntl.LOCK_SH)
        _sweep(root)
    return _Copies(name, folder, _most_bytes(folder), lock)


def _sweep(root: Path) -> None:
    """Removes the copies of builds that ended without doing so. Under the root's lock, so that nobody just begins."""
    for folder in root.iterdir():
        if folder.is_dir():
            try:
                with (folder / "in-use").open("rb") as lock:
                    fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    shutil.rmtree(folder, ignore_errors=True)
            except FileNotFoundError:
                shutil.rmtree(folder, ignore_errors=True)
            except BlockingIOError:
                continue


def _root() -> Path:
    return Path(tempfile.gettempdir()) / f"actor18m-sources-{os.getuid()}"


def _most_bytes(folder: Path) -> int:
    told = os.environ.get(LIMIT)
    try:
        limit = float(told) if told else _LIMIT_GIB
    except ValueError as error:
        raise ActorError(f"{LIMIT} is {told!r}, which is no number of GiB") from error
    return min(int(limit * 2**30), _free(folder) // 2)


def _there(folder: Path) -> Iterator[tuple[os.stat_result, Path]]:
    """Copies and parts, but for those that go just now."""
    for entry in os.scandir(folder):
        with suppress(FileNotFoundError):
            yield entry.stat(), Path(entry.path)


def _free(folder: Path) -> int:
    disk = os.statvfs(folder)
    return disk.f_bavail * disk.f_frsize


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    """Until the end of the block; a process that dies lets go."""
    with path.open("ab") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _opened(path: Path, size: int) -> IO[bytes] | None:
    """Its time of change says from now on that it was wanted."""
    try:
        copy = path.open("rb")
    except OSError:
        return None
    if os.fstat(copy.fileno()).st_size != size:
        copy.close()
        return None
    with suppress(OSError):
        os.utime(copy.fileno())
    return copy


def _fetch(uri: str, out: IO[bytes]) -> None:
    stream = _far(lambda: open_far(uri)[0])
    with stream:
        while chunk := _far(lambda: stream.read(_CHUNK)):
            out.write(chunk)


def _far(ask: Callable[[], T]) -> T:
    try:
        return ask()
    except Exception as error:
        raise _OfPlace(error) from error


@contextmanager
def _here() -> Iterator[None]:
    """Tells this machine's trouble from the place's."""
    try:
        yield
    except _OfPlace as carried:
        raise carried.error from None
    except OSError as error:
        raise _NoRoom(error.strerror or str(error)) from error


def _say_once(kind: str, message: str) -> None:
    """In a process: a full disk is full for many files."""
    if kind not in _said:
        _said.add(kind)
        log.warning("%s", message)
