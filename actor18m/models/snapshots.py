"""Weights that are a folder of files of a model hub: pulled once, pinned by revision and digests, and read from there.

The project has not seen the bytes of the large models, so it cannot name their digests. The first pull writes them into
`pinned.json` beside the files: the hub's commit, and of each file its size and SHA-256. From then on the pins decide,
as the model lock does for the small models: they are what rows are made with, and a file that differs is refused.
"""

import hashlib
import json
import os
import shutil
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from fnmatch import fnmatchcase
from functools import lru_cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict

from actor18m.errors import ActorError
from actor18m.models.lock import Model, Snapshot, read_lock
from actor18m.models.weights import FileState, folder
from actor18m.storage.disk import stamp_of

PINNED = "pinned.json"
_HUB = "https://huggingface.co"
_GITHUB = "https://raw.githubusercontent.com"
_CONNECT_S = 30
_CHUNK = 1 << 22
_LOCAL = "local"
Say = Callable[[str], None]


class Pinned(BaseModel):
    """One file."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    size: int
    sha256: str


class Pins(BaseModel):
    """What a snapshot is."""

    model_config = ConfigDict(frozen=True, extra="forbid")
    hub: str
    revision: str
    """The hub's commit, or `local` where the files came from a folder that does not tell it."""
    files: dict[str, Pinned]
    """By path in the snapshot."""


def snapshot_of(name: str) -> Path:
    """The model's folder, with every file that it is pinned to. Sizes are looked at; `models verify` reads bytes."""
    pins, place = pins_of(name), folder() / name
    for path, pinned in pins.files.items():
        if _state(place / path, pinned, by_bytes=False) != "ok":
            raise ActorError(f"weights of {name}: {place / path} is not there whole. Run `actor18m models pull {name}`")
    return place


def pins_of(name: str) -> Pins:
    pins = _pins_in(folder() / name)
    if pins is None:
        raise ActorError(
            f"weights of {name} are not pinned in {folder()}: run `actor18m models pull {name}`; with --pin it "
            "only learns which revision that is"
        )
    return pins


def pinned_size(name: str) -> int | None:
    """In bytes, of all of it, whether it is here or not; None of one that is not pinned."""
    pins = _pins_in(folder() / name)
    return None if pins is None else sum(file.size for file in pins.files.values())


def _pins_in(place: Path) -> Pins | None:
    """Of a model's folder, if it was pinned."""
    file = place / PINNED
    return _read(file, stamp_of(file.stat())) if file.is_file() else None


@lru_cache
def _read(file: Path, stamp: str) -> Pins:
    return Pins.model_validate_json(file.read_bytes())


def state_of(name: str, into: Path | None = None, *, by_bytes: bool = False) -> FileState:
    """By size, or by reading every byte."""
    place = (into or folder()) / name
    pins = _pins_in(place)
    if pins is None:
        return "missing"
    states = [_state(place / path, pinned, by_bytes) for path, pinned in pins.files.items()]
    return next((state for state in ("corrupt", "missing") if state in states), "ok")


def pull_snapshot(
    name: str,
    into: Path | None = None,
    model: Model | None = None,
    say: Say = lambda line: None,
    *,
    mirror: Path | None = None,
    only_pins: bool = False,
) -> list[Path]:
    """Fetches what is not there of it, from the hub or from a folder; what was begun is gone on with. Returns what was
    written."""
    snapshot = (model or read_lock().models[name]).snapshot
    assert snapshot is not None
    place = (into or folder()) / name
    known = _pins_in(place)
    source = _Folder(name, snapshot, mirror) if mirror else _far(snapshot, known)
    pinned, written = dict(known.files) if known else {}, []
    listed = source.files()
    paths = {*pinned, *listed}
    # before anything is fetched: of another model nothing is kept
    if missing := [each for each in snapshot.files if not any(fnmatchcase(path, each) for path in paths)]:
        raise ActorError(f"{name}: {source} has no {', '.join(missing)}. Is it another model?")
    place.mkdir(parents=True, exist_ok=True)
    for path, told in listed.items():
        wanted = pinned.get(path) or told
        if wanted is None or not (only_pins or _state(place / path, wanted, by_bytes=False) == "ok"):
            say(f"{name}: {path} from {source}")
            wanted = _fetched(name, source, path, place, wanted)
            written.append(place / path)
        pinned[path] = wanted
    revision = source.revision
    if known and revision == _LOCAL and known.files == pinned:  # the same bytes, and a folder knows of no revision
        revision = known.revision
    _write(place / PINNED, Pins(hub=snapshot.hub, revision=revision, files=dict(sorted(pinned.items()))))
    return written


def _far(snapshot: Snapshot, known: Pins | None) -> "_Hub | _GitHub":
    return _GitHub(snapshot) if snapshot.at == "github" else _Hub(snapshot, known)


class _Folder:
    """A mirror for machines without the network: `<folder>/<model>`, or the hub's own cache."""

    def __init__(self, name: str, snapshot: Snapshot, mirror: Path) -> None:
        cached = sorted((mirror / f"models--{snapshot.hub.replace('/', '--')}" / "snapshots").glob("*"))
        if snapshot.revision:
            cached = [each for each in cached if each.name == snapshot.revision]
        self._patterns = snapshot.files
        if (mirror / name).is_dir():
            self._place, self.revision = mirror / name, _LOCAL
        elif cached:
            self._place, self.revision = cached[-1], cached[-1].name
        else:
            raise ActorError(f"{name}: {mirror} has neither a folder {name} nor the hub's cache of {snapshot.hub}")

    def __str__(self) -> str:
        return str(self._place)

    def files(self) -> dict[str, Pinned | None]:
        found = (each.relative_to(self._place).as_posix() for each in self._place.rglob("*") if each.is_file())
        return {path: None for path in sorted(found) if any(fnmatchcase(path, pattern) for pattern in self._patterns)}

    @contextmanager
    def opened(self, path: str, begun: int) -> Iterator[Any]:
        with (self._place / path).open("rb") as stream:
            stream.seek(begun)
            yield stream


class _Hub:
    """Hugging Face's, or what `HF_ENDPOINT` names; with `HF_TOKEN` for what needs an account."""

    def __init__(self, snapshot: Snapshot, known: Pins | None) -> None:
        self._snapshot = snapshot
        self._at = os.environ.get("HF_ENDPOINT", _HUB).rstrip("/")
        wanted = snapshot.revision or (known.revision if known and known.revision != _LOCAL else "main")
        self.revision = str(self._asked(f"api/models/{snapshot.hub}/revision/{wanted}")["sha"])

    def __str__(self) -> str:
        return f"{self._at}/{self._snapshot.hub} at {self.revision[:12]}"

    def files(self) -> dict[str, Pinned | None]:
        """The digests of large files are the hub's; of small ones it does not tell any."""
        listed = self._asked(f"api/models/{self._snapshot.hub}/tree/{self.revision}?recursive=true")
        return {
            each["path"]: Pinned(size=each["lfs"]["size"], sha256=each["lfs"]["oid"]) if each.get("lfs") else None
            for each in sorted(listed, key=lambda each: str(each["path"]))
            if each["type"] == "file"
            and not Path(each["path"]).is_absolute()
            and ".." not in Path(each["path"]).parts
            and any(fnmatchcase(each["path"], pattern) for pattern in self._snapshot.files)
        }

    @contextmanager
    def opened(self, path: str, begun: int) -> Iterator[Any]:
        address = f"{self._at}/{self._snapshot.hub}/resolve/{self.revision}/{urllib.parse.quote(path)}"
        with _from(self._request(address), begun) as stream:
            yield stream

    def _asked(self, path: str) -> Any:
        try:
            with _from(self._request(f"{self._at}/{path}")) as stream:
                return json.load(stream)
        except (OSError, ValueError) as error:
            told = f"; is {self._snapshot.hub} behind a licence to be accepted? Then set HF_TOKEN"
            is_closed = isinstance(error, urllib.error.HTTPError) and error.code in (401, 403, 404)
            raise ActorError(
                f"{self._at} does not tell of {self._snapshot.hub} ({error}){told if is_closed else ''}. "
                "Without the network, give a mirror: --from FOLDER"
            ) from error

    def _request(self, address: str) -> urllib.request.Request:
        asked = urllib.request.Request(address)
        if token := os.environ.get("HF_TOKEN"):
            # for the hub alone, and not for whom it sends us on to
            asked.add_unredirected_header("Authorization", f"Bearer {token}")
        return asked


class _GitHub:
    """Files of one commit, whose names and revision the lock tells."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self.revision = str(snapshot.revision)
        self._at = f"{_GITHUB}/{snapshot.hub}/{self.revision}"

    def __str__(self) -> str:
        return f"{_GITHUB}/{self._snapshot.hub} at {self.revision[:12]}"

    def files(self) -> dict[str, Pinned | None]:
        return dict.fromkeys(self._snapshot.files)

    @contextmanager
    def opened(self, path: str, begun: int) -> Iterator[Any]:
        with _from(urllib.request.Request(f"{self._at}/{urllib.parse.quote(path)}"), begun) as stream:
            yield stream


@contextmanager
def _from(asked: urllib.request.Request, begun: int = 0) -> Iterator[Any]:
    """The answer, without the bytes that are there."""
    if begun:
        asked.add_header("Range", f"bytes={begun}-")
    with urllib.request.urlopen(asked, timeout=_CONNECT_S) as stream:
        if begun and stream.status != 206:
            raise ValueError("it cannot go on where it was stopped; delete the .part file")
        yield stream


def _fetched(name: str, source: "_Folder | _Hub | _GitHub", path: str, place: Path, wanted: Pinned | None) -> Pinned:
    """Written beside the final name, where it is gone on with the next time, and renamed when it is whole and right."""
    part = place / f"{path}.part"
    part.parent.mkdir(parents=True, exist_ok=True)
    begun = part.stat().st_size if part.is_file() else 0
    try:
        with source.opened(path, begun) as stream, part.open("ab") as out:
            shutil.copyfileobj(stream, out, _CHUNK)
            if getattr(stream, "length", 0):
                raise OSError("the connection was cut")
            out.flush()
            os.fsync(out.fileno())
    except (OSError, ValueError) as error:
        raise ActorError(
            f"{name}: {path} could not be had from {source} ({type(error).__name__}: {error}). Run the same command "
            "again: what came is kept"
        ) from error
    with part.open("rb") as stream:
        found = Pinned(size=part.stat().st_size, sha256=hashlib.file_digest(stream, "sha256").hexdigest())
    if wanted is not None and found != wanted:
        part.unlink()
        raise ActorError(
            f"{name}: {path} from {source} is another file ({found.size} bytes, sha256 {found.sha256}) than the one it "
            f"is pinned to ({wanted.size} bytes, sha256 {wanted.sha256}). If that is meant, delete {place / PINNED}"
        )
    part.replace(place / path)
    return found


def _state(file: Path, pinned: Pinned, by_bytes: bool) -> FileState:
    if not file.is_file():
        return "missing"
    if file.stat().st_size != pinned.size:
        return "corrupt"
    if by_bytes:
        with file.open("rb") as stream:
            return "ok" if hashlib.file_digest(stream, "sha256").hexdigest() == pinned.sha256 else "corrupt"
    return "ok"


def _write(file: Path, pins: Pins) -> None:
    aside = file.with_suffix(".part")
    aside.write_text(json.dumps(pins.model_dump(), indent=1, sort_keys=True) + "\n")
    aside.replace(file)
