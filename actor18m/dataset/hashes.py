"""Which bytes a dataset's files have: each is hashed once, and again when it was written to or is another file.

`.hashed.json` beside the versions tells the SHA-256 of each file of the latest one, by its stamp: size, times and inode
as they were then, or path, size and etag in an object store. A cache: losing it costs hashing all once more. Linking a
file, or removing another link to it, changes its inode's time: who does that notes the new one.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import IO

from actor18m import stopping
from actor18m.dataset.manifest import File
from actor18m.errors import ActorError
from actor18m.storage.place import Place, size_in, tells_change

NAME = ".hashed.json"
_CHUNK = 1 << 20


class Hashes:
    """Of the files of one dataset, by their paths in it."""

    def __init__(self, place: Place, stamp: Callable[[str], str] | None = None) -> None:
        """`stamp` tells one of each file, as the place does, and may know more of them at once."""
        self._place, self._stamp = place, stamp or place.stamp
        self._known = _read(place)
        self._used: dict[str, str] = {}

    def is_of(self, path: str, sha256: str, near: Path | None = None) -> bool:
        """Whether a file's bytes have this SHA-256. What was noted otherwise is looked at again, in a copy that is
        `near` where there is one.
        """
        stamp = self._stamp(path)
        found = sha256 if self._known.get(self._key(path, stamp)) == sha256 else self._hashed(path, near)
        self._note(path, stamp, found)
        return found == sha256

    def size(self, path: str) -> int | None:
        """None where its place does not tell."""
        return size_in(self._stamp(path))

    def note(self, path: str, sha256: str) -> None:
        """That a file has it, as whoever wrote or linked it knows."""
        self._note(path, self._stamp(path), sha256)

    def known_of(self, paths: Iterable[str]) -> dict[str, str]:
        """What can be said of each without reading it."""
        told = ((path, self._known.get(self._key(path, self._stamp(path)))) for path in paths)
        return {path: sha256 for path, sha256 in told if sha256 is not None}

    def to_bytes(self) -> bytes:
        """What was asked for or noted since this was made; the rest is of files that have gone."""
        return json.dumps(self._used, indent=0, sort_keys=True).encode()

    def _note(self, path: str, stamp: str, sha256: str) -> None:
        if tells_change(stamp):
            key = self._key(path, stamp)
            self._known[key] = self._used[key] = sha256

    def _key(self, path: str, stamp: str) -> str:
        """Where two names may be one file, its stamp alone; else two objects may have the same one by chance."""
        return stamp if self._place.links else f"{path} {stamp}"

    def _hashed(self, path: str, near: Path | None) -> str:
        with self._place.open(path) if near is None else near.open("rb") as content:
            return sha256_of(content)


def trouble_with(hashes: Hashes, path: str, file: File, near: Path | None = None) -> str:
    """What is wrong with a file, as the end of a sentence; empty when it is what it should be."""
    try:
        size = hashes.size(path)
        if size is not None and size != file.size:
            return f"is damaged: it has {size} bytes, and its manifest says {file.size}"
        return "" if hashes.is_of(path, file.sha256, near) else _OTHER_BYTES
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return "is missing"
    except ActorError:
        raise
    except OSError as error:
        return f"cannot be read ({error.strerror})"


def sha256_of(content: IO[bytes]) -> str:
    """Of all that a stream holds."""
    digest = hashlib.sha256()
    while chunk := content.read(_CHUNK):
        stopping.check()
        digest.update(chunk)
    return digest.hexdigest()


_OTHER_BYTES = "is damaged: its bytes are not those that its manifest says"


def _read(place: Place) -> dict[str, str]:
    try:
        found = json.loads(place.read(NAME))
    except ActorError:
        raise
    except (OSError, ValueError):
        return {}
    return {str(stamp): str(sha256) for stamp, sha256 in found.items()} if isinstance(found, dict) else {}
