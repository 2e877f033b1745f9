"""The versions of a dataset: 000001, 000002, ..., and `latest`, which points to one of them.

A version is built aside and renamed when it is whole; the rename is what publishes it. Then `latest` is switched, and
whoever comes after a death in between switches it.
"""

import fcntl
import os
import re
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EACCES, EAGAIN, EDQUOT, EMLINK, ENOSPC, ENOTSUP, EPERM
from pathlib import Path
from typing import IO

from fsspec.core import url_to_fs

from actor18m.errors import ActorError, WrongUsage
from actor18m.place import sync_folder
from actor18m.publish import manifest
from actor18m.publish.hashes import Hashes

LATEST = "latest"
BUILDING = ".building"
_LOCK = ".lock"
_REMOVING = ".removing-"
_NEXT = ".latest-next"
_IS_LOCKED = (EACCES, EAGAIN)
_LOOK_EVERY_S = 0.2
_NO_HARD_LINKS = {EPERM, ENOTSUP, EMLINK}
_VERSION = re.compile(r"\d{6,}")


class DatasetError(ActorError):
    """The dataset cannot be read or written."""


def folder(dataset: str | Path) -> Path:
    try:
        fs, root = url_to_fs(str(dataset).rstrip("/"))
    except (ImportError, ValueError) as error:
        raise DatasetError(f"cannot open the dataset {dataset}: {error}") from error
    if "file" not in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol):
        raise DatasetError(
            f"{dataset} is on an object store, and a dataset must be on a filesystem for now: its versions share files "
            "by hard links. Publish into a folder, and copy the version from there."
        )
    return Path(root)


def names(root: Path) -> list[str]:
    """From the oldest on."""
    if not root.is_dir():
        return []
    return sorted((path.name for path in root.iterdir() if _VERSION.fullmatch(path.name) and _is_whole(path)), key=int)


def _is_whole(version: Path) -> bool:
    """Its manifest is written last: a folder without one is somebody else's, or damaged."""
    return (version / manifest.NAME).is_file()


def is_name(name: str) -> bool:
    """Is a folder of this name a version, if it has a manifest?"""
    return _VERSION.fullmatch(name) is not None


def latest(root: Path) -> str | None:
    link = root / LATEST
    return link.readlink().name if link.is_symlink() else None


def tags(root: Path) -> dict[str, str]:
    """Names that people gave to versions, with these: links beside `latest`."""
    if not root.is_dir():
        return {}
    links = {path.name: path.readlink().name for path in sorted(root.iterdir()) if path.is_symlink()}
    return {name: version for name, version in links.items() if name != LATEST and _VERSION.fullmatch(version)}


def named(root: Path, version: str) -> Path:
    """The folder of a version, which may be called `latest` or by a tag."""
    known = names(root)
    number = latest(root) if version == LATEST else tags(root).get(version, version)
    if number not in known:
        raise WrongUsage(f"{root} has no version {version}; it has {', '.join(known) or 'none'}")
    return root / number


def check_usable(dataset: str | Path) -> None:
    """Raises what publishing would raise at its end: whoever measures for days wants to hear it before."""
    root = folder(dataset)
    above = root
    while not above.exists() and above != above.parent:
        above = above.parent
    try:
        _refuse_foreign(root)
        with tempfile.TemporaryDirectory(dir=above, prefix=".actor18m-"):
            return
    except OSError as error:
        raise DatasetError(
            f"the dataset {root} cannot be written: {error.strerror}. Name another place with --dataset, or give this "
            "user the right to write there."
        ) from error


def _refuse_foreign(root: Path) -> None:
    if root.is_dir() and not (root / _LOCK).exists() and any(root.iterdir()):
        raise DatasetError(f"{root} is not empty and is no dataset. Name an empty or new folder with --dataset.")


@contextmanager
def held(root: Path, patience_s: float = 0) -> Iterator[None]:
    """Makes the folder if there is none. One process at a time writes; a dead one holds nothing, and for a live one
    this one waits for so long.
    """
    with trouble(root):
        root.mkdir(parents=True, exist_ok=True)
        _refuse_foreign(root)
        lock = (root / _LOCK).open("ab")
    with lock:
        try:
            _lock(lock, patience_s)
        except OSError as error:
            if error.errno in _IS_LOCKED:
                raise DatasetError(
                    f"another process writes to the dataset {root}. Wait until it is done, or stop it, and run the "
                    "same command again."
                ) from error
            raise DatasetError(f"cannot lock {root / _LOCK}: {error}. The file system must support locks.") from error
        with trouble(root):
            yield


@contextmanager
def trouble(root: Path) -> Iterator[None]:
    """Says what a failed write means for the dataset; other failures pass."""
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise DatasetError(
                f"no space left for the dataset {root}. Its latest version is as it was: free some space and run the "
                "same command again; what is made already is used."
            ) from error
        if str(error.filename or "").startswith(str(root)):
            raise DatasetError(f"the dataset {root}: {error}. Its latest version is as it was.") from error
        raise


def settle(root: Path) -> None:
    """Finishes what a death left half done: a version that is whole becomes the latest, removals are completed."""
    for path in root.glob(f"{_REMOVING}*"):
        shutil.rmtree(path)
    known = names(root)
    if known and latest(root) != known[-1]:
        _switch(root, known[-1])


def add(root: Path, built: Path) -> str:
    """Makes a folder the next version, and the latest. All that is in it is synced already."""
    known = names(root)
    number = int(known[-1]) + 1 if known else 1
    while (root / f"{number:06d}").exists():  # a folder that is no version of ours stays as it is
        number += 1
    version = f"{number:06d}"
    built.rename(root / version)
    sync_folder(root)
    _switch(root, version)
    return version


def gc(dataset: str | Path, keep: int, dry_run: bool = False) -> list[str]:
    """Removes all but the newest `keep` versions and those that have a tag, and what a killed publish left; the names
    of what is removed. Files that a kept version shares stay.
    """
    root = folder(dataset)
    if keep < 1:
        raise DatasetError(f"gc keeps at least 1 version, not {keep}")
    if not root.is_dir():
        raise DatasetError(f"there is no dataset at {root}")
    if dry_run:
        return _superfluous(root, keep)
    with held(root):
        settle(root)
        gone = _superfluous(root, keep)
        hashes = Hashes(root)
        kept = (path for name in names(root) if name not in gone for path in (root / name).rglob("*"))
        known = hashes.known_of(path for path in kept if path.is_file())
        for name in gone:
            # Under its own name, a version is there whole or not at all.
            removed = (root / name).rename(root / f"{_REMOVING}{name}")
            sync_folder(root)
            shutil.rmtree(removed)
        for path, sha256 in known.items():  # which have a link less
            hashes.note(path, sha256)
        hashes.save()
    return gone


def _superfluous(root: Path, keep: int) -> list[str]:
    kept = {latest(root), *tags(root).values()}
    old = [name for name in names(root)[:-keep] if name not in kept]
    return old + ([BUILDING] if (root / BUILDING).exists() else [])


def link(source: Path, target: Path) -> None:
    """The same file under another name; a copy where the file system has no links."""
    try:
        os.link(source, target)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        shutil.copyfile(source, target)
        sync_file(target)


def sync_file(path: Path) -> None:
    with path.open("rb") as content:
        os.fsync(content.fileno())


def _lock(lock: IO[bytes], patience_s: float) -> None:
    end = time.monotonic() + patience_s
    while True:
        try:
            fcntl.lockf(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        except OSError as error:
            if error.errno not in _IS_LOCKED or time.monotonic() >= end:
                raise
        time.sleep(_LOOK_EVERY_S)


def _switch(root: Path, version: str) -> None:
    if (root / LATEST).is_dir() and not (root / LATEST).is_symlink():
        raise DatasetError(
            f"{root / LATEST} is a folder and should be a link to a version: move it away, and run this again."
        )
    point(root / LATEST, version)


def point(link: Path, version: str) -> None:
    """Makes a link in the dataset's folder name a version, at once."""
    following = link.parent / _NEXT
    following.unlink(missing_ok=True)
    following.symlink_to(version)
    following.replace(link)
    sync_folder(link.parent)


def clear(folder: Path) -> None:
    """Makes an empty folder, whatever a killed process left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
