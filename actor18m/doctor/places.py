"""Where a build writes: can it, and is there room?"""

import tempfile
import uuid
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from actor18m.doctor.check import Check
from actor18m.doctor.machine import space
from actor18m.publish.target import Target
from actor18m.publish.targets import target_of
from actor18m.storage.causes import lacks_a_right
from actor18m.storage.disk import Disk
from actor18m.storage.lease import unended
from actor18m.storage.place import Place, trouble_with
from actor18m.storage.store import MARK, Store, open_store, store_at


def store(url: str) -> Iterator[Check]:
    """Writes, reads and deletes a file beside all that a build may touch, and takes no lease."""
    found = store_at(url)
    try:
        check = _store(found) if found.place.exists(MARK) else _missing_store(found)
    except OSError as error:
        check = _refused("store", found.url, error)
    yield check
    if check.state == "ok" and isinstance(found.place, Disk):
        yield from space("disk of the store", _nearest(found.place.root), "name another place with --store")


def dataset(url: str) -> Iterator[Check]:
    """Likewise, and links; what a build refuses before it measures is refused here, too."""
    target = target_of(url)
    target.check_usable()
    place = target.dataset.place
    if not isinstance(place, Disk):
        yield _can_be_published(target)
        return
    root, above = place.root, _nearest(place.root)
    check = _publishable(root, above)
    yield check
    if check.state != "fail":
        yield from space("disk of the dataset", above, "name another place with --dataset")


def _can_be_published(target: Target) -> Check:
    """Where versions share shards that are objects."""
    url = target.dataset.url
    if not target.is_there():
        return Check("dataset", "ok", f"{url} can be written, read and deleted from; a build makes the dataset")
    latest = target.dataset.latest()
    told = "nothing is published yet" if latest is None else f"its latest version is {latest}"
    return Check("dataset", "ok", f"{url} can be written, read and deleted from; {told}")


def _store(found: Store) -> Check:
    open_store(found.url)
    if trouble := _cannot_write(found.place):
        return _refused("store", found.url, trouble)
    now = f"; {build}" if (build := unended(found)) else ""
    return Check("store", "ok", f"{found.url} can be written, read and deleted from{now}")


def _missing_store(found: Store) -> Check:
    place = found.place
    if not isinstance(place, Disk):
        trouble = _cannot_write(place)
    elif place.root.is_dir() and any(place.root.iterdir()):
        return Check("store", "fail", f"{found.url} is not empty and is no store", "name an empty or new folder")
    else:
        trouble = _cannot_make_folder(_nearest(place.root))
    if trouble:
        return _refused("store", f"{found.url} is not there and cannot be made", trouble)
    return Check("store", "ok", f"{found.url} is not there yet, and can be made")


def _cannot_write(place: Place) -> str | OSError:
    """In a folder of its own, which a later build clears away if this process is killed."""
    aside = f"aside/doctor-{uuid.uuid4().hex}"
    try:
        place.make_aside(aside)
        try:
            return trouble_with(place, f"{aside}/scratch", aside)
        finally:
            with suppress(OSError):
                place.drop_aside(aside)
    except OSError as error:
        return error


def _cannot_make_folder(parent: Path) -> str | OSError:
    try:
        with tempfile.TemporaryDirectory(dir=parent, prefix=".actor18m-doctor-"):
            return ""
    except OSError as error:
        return error


def _publishable(root: Path, above: Path) -> Check:
    """A version is a folder, its unchanged shards are links, and `latest` is a symbolic one."""
    try:
        with tempfile.TemporaryDirectory(dir=above, prefix=".actor18m-doctor-") as scratch:
            shard, folder = Path(scratch) / "shard", Path(scratch)
            shard.write_bytes(b"shard")
            (folder / "latest").symlink_to("shard")
            try:
                (folder / "again").hardlink_to(shard)
            except OSError:
                found = f"{root}: its disk has no hard links, so each version holds a copy of every shard"
                return Check("dataset", "warn", found, "name a place on another disk if space is short")
    except OSError as error:
        return _refused("dataset", str(root), error)
    return _writable("dataset", str(root))


def _refused(name: str, where: str, trouble: str | OSError) -> Check:
    right = "give this user the right to write there, or " if _is_of_right(trouble) else ""
    return Check(name, "fail", f"{where}: {_cause(trouble)}", f"{right}name another place")


def _is_of_right(trouble: str | OSError) -> bool:
    return isinstance(trouble, OSError) and lacks_a_right(trouble)


def _writable(name: str, where: str) -> Check:
    return Check(name, "ok", f"{where} can be written")


def _nearest(path: Path) -> Path:
    """The path, or the nearest folder above it that is there."""
    path = path.absolute()
    while not _is_there(path) and path != path.parent:
        path = path.parent
    return path


def _is_there(path: Path) -> bool:
    try:
        return path.exists()
    except PermissionError:
        return False


def _cause(error: str | OSError) -> str:
    if isinstance(error, str):
        return error
    return f"{error.strerror or error}" if error.errno else f"{type(error).__name__}: {error}"
