"""Which bytes a dataset's files have: each is hashed once, and again when it was written to or is another file.

`.hashed.json` in the dataset's folder tells the SHA-256 of each file of the latest version, by size, times and inode as
they were then. A cache: losing it costs hashing all once more. Linking a file, or removing another link to it, changes
its inode's time: who does that here notes the new one.
"""

import hashlib
import json
import logging
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from actor18m import stopping
from actor18m.errors import ActorError
from actor18m.place import stamp_of
from actor18m.publish.manifest import File, Manifest, read_manifest

NAME, ASIDE = ".hashed.json", ".hashed.json.new"
_CHUNK = 1 << 20

log = logging.getLogger(__name__)


class Hashes:
    """Of the files below one dataset's folder."""

    def __init__(self, root: Path) -> None:
        self._file = root / NAME
        self._known = _read(self._file)
        self._used: dict[str, str] = {}

    def is_of(self, path: Path, sha256: str) -> bool:
        """Whether a file's bytes have this SHA-256. What was noted otherwise is looked at again."""
        stamp = stamp_of(path.stat())
        found = sha256 if self._known.get(stamp) == sha256 else _sha256(path)
        self.note(path, found, stamp)
        return found == sha256

    def note(self, path: Path, sha256: str, stamp: str | None = None) -> None:
        """That a file has it, as whoever wrote or linked it knows."""
        stamp = stamp or stamp_of(path.stat())
        self._known[stamp] = self._used[stamp] = sha256

    def known_of(self, paths: Iterable[Path]) -> dict[Path, str]:
        """What can be said of each without reading it."""
        told = ((path, self._known.get(stamp_of(path.stat()))) for path in paths)
        return {path: sha256 for path, sha256 in told if sha256 is not None}

    def save(self) -> None:
        """What was asked for or noted since this was made; the rest is of files that have gone."""
        aside = self._file.with_name(ASIDE)
        with suppress(OSError):  # a full disk: then it is as if it were lost
            aside.write_text(json.dumps(self._used, indent=0, sort_keys=True))
            aside.replace(self._file)


class Sound:
    """Whether a version's files are what its manifest says. What is not is told once, in the log."""

    def __init__(self, version: Path, manifest: Manifest, hashes: Hashes) -> None:
        self._version, self._files, self._hashes = version, manifest.files, hashes
        self._found: dict[str, bool] = {}

    def __call__(self, name: str) -> bool:
        if name not in self._found:
            trouble = trouble_with(self._version / name, self._files[name], self._hashes)
            if trouble:
                log.warning("%s %s; it is made again where it is needed", self._version / name, trouble)
            self._found[name] = not trouble
        return self._found[name]


def trouble_with(path: Path, file: File, hashes: Hashes) -> str:
    """What is wrong with a file, as the end of a sentence; empty when it is what it should be."""
    if not path.is_file():
        return "is missing"
    if (size := path.stat().st_size) != file.size:
        return f"is damaged: it has {size} bytes, and its manifest says {file.size}"
    try:
        is_right = hashes.is_of(path, file.sha256)
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if is_right else "is damaged: its bytes are not those that its manifest says"


def checked(version: Path, table: str) -> list[str]:
    """The files of a version's table, which are what the manifest says."""
    found = []
    for path, trouble in _looked_at(version, table):
        if trouble:
            raise ActorError(
                f"{path} {trouble}. Put a copy of it back, or build again: the next version has it right. "
                f"`actor18m verify {version.parent}` looks for more."
            )
        found.append(str(path))
    return found


def whole(version: Path, table: str) -> list[Path]:
    """The files of a version's table, without those that are damaged."""
    return [path for path, trouble in _looked_at(version, table) if not trouble]


def _looked_at(version: Path, table: str) -> Iterator[tuple[Path, str]]:
    hashes = Hashes(version.parent)
    for name, file in read_manifest(version).files.items():
        if name.startswith(f"metadata/{table}/"):
            yield version / name, trouble_with(version / name, file, hashes)


def linked(hashes: Hashes, version: Path, files: Mapping[str, File]) -> None:
    """Notes all files of a version that was just put together of files that were right."""
    for name, file in files.items():
        hashes.note(version / name, file.sha256)


def _read(file: Path) -> dict[str, str]:
    try:
        found = json.loads(file.read_bytes())
    except (OSError, ValueError):
        return {}
    return {str(stamp): str(sha256) for stamp, sha256 in found.items()} if isinstance(found, dict) else {}


def _sha256(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as content:
        while chunk := content.read(_CHUNK):
            stopping.check()
            digest.update(chunk)
    return digest.hexdigest()
