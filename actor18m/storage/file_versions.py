"""The version of a file: a token that changes when the file does, had without reading the file.

Of a local file it is size, time of change, and time of change of the inode, which nobody can set back: an edit that
keeps size and time has another one, and so has a file that took another's name. What is renamed, linked or given other
rights has another one too, and is read again for that; its content, and so what was measured of it, stays the same. The
number of the inode is no part of it: some file systems give another one to each machine, and it tells nothing more.
"""

import os
import re
import stat
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from hashlib import sha256
from itertools import chain
from typing import TypeVar
from urllib.parse import unquote_to_bytes

from actor18m.errors import ActorError
from actor18m.inputs import refusal
from actor18m.storage import remote

T = TypeVar("T")

_LOCAL = "file://"
_STATS_AT_ONCE = 16
"""On a network file system most of a stat is waiting. Local ones are as fast as without threads."""
_INFOS_AT_ONCE = 32
_SHARE = 16
"""From so many wanted files on, a folder is listed. Fewer are asked for one by one: the folder may hold millions."""
_REMEMBERED = 1_000_000
_MARKS = ("generation", "ETag", "etag", "version_id", "LastModified", "last_modified", "updated", "mtime", "created")
"""Of an object, what says most first: tags and numbers that another content never has, then times."""
_PLAIN = re.compile(r"[A-Za-z0-9._:+-]{1,64}")


class Listings:
    """Remote folders as they were listed, the last ones up to a million files: batches that follow each other often
    want the same folder. Kept for one look over many inputs, no longer.
    """

    def __init__(self) -> None:
        self._folders: dict[str, dict[str, str | None]] = {}

    def known(self, folder: str) -> bool:
        return folder in self._folders

    def of(self, folder: str) -> Mapping[str, str | None]:
        """The version of each file by its name."""
        if folder not in self._folders:
            found = _listed(folder)
            while self._folders and sum(map(len, self._folders.values())) + len(found) > _REMEMBERED:
                del self._folders[next(iter(self._folders))]
            self._folders[folder] = found
        return self._folders[folder]


def versions(uris: Sequence[str], listings: Listings | None = None) -> list[str | None]:
    """One for each canonical URI: `<size>-<time>-<time of the inode>` in ns for local files, `<size>-<etag or time>`
    for others. None where there is no readable regular file, and of URIs that are never read.
    """
    found: dict[str, str | None] = {}
    each = dict.fromkeys(uris)  # a list often names a file once for every clip of it
    local = [uri for uri in each if uri.startswith(_LOCAL)]
    found.update(zip(local, _at_once(_local, local, _STATS_AT_ONCE), strict=True))
    found.update(dict.fromkeys((uri for uri in each if refusal(uri)), None))
    elsewhere = [uri for uri in each if uri not in found]
    if elsewhere:
        found.update(_elsewhere(elsewhere, listings or Listings()))
    return [found[uri] for uri in uris]


def versions_now(uris: Sequence[str]) -> dict[str, str | Exception | None]:
    """Of a few files, each asked for alone, or what its place raises when it cannot be asked."""
    each = list(dict.fromkeys(uris))
    never = [uri for uri in each if refusal(uri)]
    elsewhere = [uri for uri in each if not uri.startswith(_LOCAL) and uri not in never]
    try:
        threads = _threads(elsewhere)
    except ActorError:  # which each of them tells
        threads = 1
    answers = _at_once(_now, elsewhere, threads)
    found: dict[str, str | Exception | None] = dict.fromkeys(never)
    found |= {uri: _local(uri) for uri in each if uri.startswith(_LOCAL)}
    return found | dict(zip(elsewhere, answers, strict=True))


def of_status(status: os.stat_result) -> str | None:
    """Of a local file, by name or by an open handle."""
    if not stat.S_ISREG(status.st_mode):
        return None
    return f"{status.st_size}-{status.st_mtime_ns}-{status.st_ctime_ns}"


def of_info(info: Mapping[str, object]) -> str | None:
    """Of a file as fsspec describes it, the same from a listing as from a question for this one file."""
    if info.get("type", "file") != "file":
        return None
    size = info.get("size")
    parts = [str(size) if isinstance(size, int) else "unsized"]
    mark = next((info[name] for name in _MARKS if info.get(name)), None)
    if mark is not None:
        parts.append(_plain(mark))
    return "-".join(parts)


def _local(uri: str) -> str | None:
    path = unquote_to_bytes(uri.removeprefix(_LOCAL))
    try:
        version = of_status(os.stat(path))  # noqa: PTH116
        return version if version is not None and os.access(path, os.R_OK) else None
    except (OSError, ValueError):
        return None


def _elsewhere(uris: list[str], listings: Listings) -> dict[str, str | None]:
    wanted = Counter(_folder(uri) for uri in uris if _can_be_listed(uri))
    found = {}
    alone = []
    for uri in uris:
        folder = _folder(uri)
        if wanted[folder] >= _SHARE or (wanted[folder] and listings.known(folder)):
            found[uri] = listings.of(folder).get(uri.removeprefix(f"{folder}/"))
        else:
            alone.append(uri)
    found.update(_asked_alone(alone))
    return found


def _asked_alone(uris: list[str]) -> dict[str, str | None]:
    """One that cannot be reached is as good as missing, as long as it is not all of them: then it is the place."""
    found = dict(zip(uris, _at_once(_asked, uris, _threads(uris)), strict=True))
    troubles = [answer for answer in found.values() if isinstance(answer, ActorError)]
    if troubles and len(troubles) == len(found):
        raise troubles[0]
    return {uri: None if isinstance(answer, ActorError) else answer for uri, answer in found.items()}


def _threads(uris: Sequence[str]) -> int:
    """So many as their drivers allow."""
    one_of_each = {uri.partition("://")[0]: uri for uri in uris}.values()
    return _INFOS_AT_ONCE if all(remote.at(uri)[0].async_impl for uri in one_of_each) else 1


def _now(uri: str) -> str | Exception | None:
    try:
        fs, path = remote.at(uri)
        return of_info(remote.asked(uri, "look at", lambda: fs.info(path)))
    except FileNotFoundError:
        return None
    except Exception as error:
        return error


def _asked(uri: str) -> str | ActorError | None:
    fs, path = remote.at(uri)
    try:
        return of_info(remote.asked(uri, "look at", lambda: fs.info(path)))
    except FileNotFoundError:
        return None
    except ActorError as error:
        return error


def _listed(folder: str) -> dict[str, str | None]:
    fs, path = remote.at(folder)
    try:
        entries = remote.asked(folder, "list", lambda: fs.ls(path, detail=True))
    except FileNotFoundError:
        return {}
    return {entry["name"].rsplit("/", 1)[-1]: of_info(entry) for entry in entries}


def _folder(uri: str) -> str:
    return uri.rsplit("/", 1)[0]


def _can_be_listed(uri: str) -> bool:
    """A web server shows pages, not folders; a file inside another one has no folder in its URI's last part."""
    return not uri.startswith(("http://", "https://")) and "::" not in uri


def _plain(mark: object) -> str:
    """Short ASCII. One driver gives the same time as a number in a listing and as a datetime for one file."""
    if isinstance(mark, datetime):
        mark = mark.timestamp()
    if isinstance(mark, float):
        mark = round(mark * 1e6)
    text = str(mark).strip('"')
    return text if _PLAIN.fullmatch(text) else sha256(text.encode(errors="backslashreplace")).hexdigest()[:32]


def _at_once(ask: Callable[[str], T], uris: list[str], threads: int) -> list[T]:
    if threads == 1 or len(uris) < 2 * threads:
        return [ask(uri) for uri in uris]
    size = min(256, -(-len(uris) // threads))
    slices = [uris[start : start + size] for start in range(0, len(uris), size)]
    with ThreadPoolExecutor(threads) as pool:
        return list(chain.from_iterable(pool.map(lambda some: [ask(uri) for uri in some], slices)))
