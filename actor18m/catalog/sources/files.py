"""Files, folders and globs, here and elsewhere.

A folder is a glob too: `folder` means the videos in `folder/**/*`. A glob's parts wait in a set of states, one for each
way in which the path so far can match: the parts that the rest of the path has yet to match.
"""

import os
import re
from collections.abc import Iterator
from difflib import get_close_matches
from fnmatch import fnmatchcase
from functools import partial
from itertools import islice
from pathlib import Path
from posixpath import splitext

from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.errors import ActorError
from actor18m.inputs import Input, canonical_uri, local_path, refusal, shown
from actor18m.redact import without_secrets
from actor18m.storage import remote
from actor18m.storage.file_versions import of_info

VIDEO_SUFFIXES = frozenset(
    f".{name}"
    for name in (
        *("mp4", "m4v", "mov", "qt", "3gp", "3g2", "f4v", "mkv", "webm", "avi", "divx", "wmv", "asf", "flv", "ogv"),
        *("mpg", "mpeg", "mpe", "vob", "ts", "mts", "m2ts", "gif"),
    )
)

_MAGIC = re.compile(r"[*?[]")
_WEB = ("http://", "https://")
_NOT_FOUND = ": the server answers 404"

Parts = tuple[str, ...]
States = frozenset[Parts]
_NONE: States = frozenset()
_WHOLE: States = frozenset([("**", "*")])


def find(given: str, left_out: FilesLeftOut) -> Iterator[Input]:
    """A file is an input whatever its suffix. In a folder, and where a glob leaves the suffix open, only videos are.
    Hidden files and folders are skipped unless a glob's part begins with a dot. Versions are known where a listing told
    them.
    """
    uri = canonical_uri(given)
    if refused := refusal(uri):
        raise ActorError(f"{without_secrets(uri)!r}: {refused[1]}.")
    path = local_path(uri)
    if path is not None and os.path.lexists(path) and not path.is_dir():
        yield Input(uri)
    elif path is not None and path.is_dir():
        yield from _here(str(path), _WHOLE, left_out)
    elif path is not None:
        folder, parts = _split(str(path))
        if not parts or not Path(folder).is_dir():
            raise ActorError(f"there is no {shown(uri)}{_hint(path)}")
        yield from _here(folder, frozenset([parts]), left_out)
    else:
        yield from _find_elsewhere(uri, left_out)


def suffix(uri: str) -> str:
    """In lower case, with its dot."""
    name = uri.rpartition("/")[2]
    return splitext(name.partition("?")[0] if uri.startswith(_WEB) else name)[1].lower()


def _find_elsewhere(uri: str, left_out: FilesLeftOut) -> Iterator[Input]:
    kind = _kind(uri)
    if kind == "directory":
        yield from _elsewhere(uri, _WHOLE, left_out)
    elif kind is not None:
        yield Input(uri)
    else:
        folder, parts = _split(uri)
        if not parts or uri.startswith(_WEB) or _kind(folder) != "directory":
            raise ActorError(f"there is nothing at {shown(uri)}{_NOT_FOUND if uri.startswith(_WEB) else ''}")
        yield from _elsewhere(folder, frozenset([parts]), left_out)


def _here(root: str, states: States, left_out: FilesLeftOut) -> Iterator[Input]:
    """Links to folders come last, so that a folder is known by its own name, and no link leads round in a circle."""
    seen: set[tuple[int, int, States]] = set()
    folders = [(root, states)]
    links: list[tuple[str, States]] = []
    while folders or links:
        if not folders:
            links.sort(key=lambda link: (link[0], sorted(link[1])), reverse=True)
            folders.append(links.pop())
        folder, states = folders.pop()
        try:
            status = os.stat(folder)  # noqa: PTH116
            if (status.st_dev, status.st_ino, states) in seen:
                continue
            seen.add((status.st_dev, status.st_ino, states))
            entries = os.scandir(folder)
        except (FileNotFoundError, NotADirectoryError):
            continue  # it went while others were read
        except OSError as error:
            raise ActorError(
                f"cannot read the folder {folder!r}: {error.strerror}. What is in it would be missing: make it "
                "readable, or name the folders and files beside it."
            ) from error
        with entries:
            for entry in entries:
                is_taken, inside = _step(states, entry.name)
                if (is_taken or inside) and _is_folder(entry):
                    waiting = links if entry.is_symlink() else folders
                    waiting.append((entry.path, _WHOLE if is_taken else inside))
                elif is_taken and _fits(states, entry.name, left_out):
                    yield Input(canonical_uri(entry.path))


def _elsewhere(folder: str, states: States, left_out: FilesLeftOut) -> Iterator[Input]:
    """One listing of the folder, and one of all that is below each folder in it: an object store lists a thousand
    objects as fast as one, whatever their folders.
    """
    base = folder if folder.endswith("/") else f"{folder}/"
    fs, path = remote.at(base)
    prefix = f"{path.strip('/')}/" if path.strip("/") else ""
    try:
        entries = remote.asked(folder, "list", lambda: fs.ls(path, detail=True))
    except FileNotFoundError:
        return  # it went since it was looked at
    for entry in entries:
        name = _relative(entry["name"], prefix)
        is_taken, inside = _step(states, name)
        if entry["type"] != "directory":
            if is_taken and _fits(states, name, left_out):
                yield Input(f"{base}{name}", version=of_info(entry))
        elif is_taken or inside:
            below = remote.asked(folder, "list", partial(fs.find, entry["name"], detail=True))
            for full, info in below.items():
                relative = _relative(full, prefix)
                if _matches(states, relative, left_out):
                    yield Input(f"{base}{relative}", version=of_info(info))


def _matches(states: States, relative: str, left_out: FilesLeftOut) -> bool:
    *folders, name = relative.split("/")
    for folder in folders:
        is_taken, states = _step(states, folder)
        if is_taken:
            states = _WHOLE
    return _step(states, name)[0] and _fits(states, name, left_out)


def _step(states: States, name: str) -> tuple[bool, States]:
    """Whether the name completes a match, and what would have to match below it."""
    is_hidden = name.startswith(".") or name in ("", "lost+found")
    is_taken = False
    inside = set()
    for parts in _open(states):
        if parts[0] == "**":
            if not is_hidden:
                inside.add(parts)
        elif fnmatchcase(name, parts[0]) and (not is_hidden or not _MAGIC.match(parts[0])):
            if parts[1:]:
                inside.add(parts[1:])
            else:
                is_taken = True
    return is_taken, frozenset(inside) if inside else _NONE


def _fits(states: States, name: str, left_out: FilesLeftOut) -> bool:
    """A glob whose last part names a suffix means it; any other part means videos. What is none is noted."""
    if (kind := splitext(name)[1].lower()) in VIDEO_SUFFIXES:
        return True
    named = [parts[-1] for parts in states if (end := splitext(parts[-1])[1]) and not _MAGIC.search(end)]
    is_named = any(fnmatchcase(name, last) for last in named)
    if not is_named:
        left_out.note(name, kind)
    return is_named


def _open(states: States) -> Iterator[Parts]:
    """`**` matches no folder too."""
    for parts in states:
        yield parts
        while parts[0] == "**":
            parts = parts[1:]
            yield parts


def _split(pattern: str) -> tuple[str, Parts]:
    """The folder before a glob's first part, and its parts; none when it is no glob."""
    scheme, slashes, rest = pattern.rpartition("://")
    parts = rest.split("/")
    first = next((n for n, part in enumerate(parts) if _MAGIC.search(part)), len(parts))
    globbed = tuple(part for part in parts[first:] if part)
    if globbed and globbed[-1] == "**":
        globbed = (*globbed, "*")
    return f"{scheme}{slashes}{'/'.join(parts[:first])}" or "/", globbed


def _kind(uri: str) -> str | None:
    """A page of a web server is a file."""
    fs, path = remote.at(uri)
    try:
        return str(remote.asked(uri, "look at", lambda: fs.info(path))["type"])
    except FileNotFoundError:
        remote.refuse_no_bucket(uri)
        return None


def _relative(full: str, prefix: str) -> str:
    return full.removeprefix("/").removeprefix(prefix)


def _is_folder(entry: os.DirEntry[str]) -> bool:
    """A link that leads nowhere is none."""
    try:
        return entry.is_dir()
    except OSError:
        return False


def _hint(path: Path) -> str:
    if not path.parent.is_dir():
        return f", nor its folder; {str(Path.cwd())!r} is where relative paths begin"
    try:
        with os.scandir(path.parent) as entries:
            names = [entry.name for entry in islice(entries, 10_000)]
    except OSError:
        return ""
    close = get_close_matches(path.name, names, n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""
