"""A media file as bytes, wherever it lies, and the one error for whatever is wrong with a file."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from errno import ELOOP, ENAMETOOLONG, ENOTDIR, ENXIO
from typing import IO, Any, Literal, cast

from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri, local_path, refusal
from actor18m.media import watch
from actor18m.storage import remote
from actor18m.storage.file_versions import of_info, of_status
from actor18m.storage.near_copies import open_source

Kind = Literal[
    "missing_file",
    "no_access",
    "empty_file",
    "not_a_video",
    "no_video_stream",
    "unreadable",
    "truncated",
    "damaged",
    "too_large",
    "bad_cut",
    "bad_crop",
    "unsupported_scheme",
    "credentials_in_uri",
    "bad_uri",
    "bad_row",
]
"""What can be wrong with a file, to count by. A lost connection is none of these: it says nothing about the file."""
AWAY = {"missing_file": "is not there any more", "no_access": "may not be read any more"}
"""Kinds that are no fault of a file that was there before, and how to say so."""
_LEADS_NOWHERE = {ELOOP, ENAMETOOLONG, ENOTDIR}


class MediaError(ActorError):
    """The file itself is at fault: reading it again gives the same."""

    def __init__(self, kind: Kind, message: str) -> None:
        super().__init__(message)
        self.kind = kind

    def __reduce__(self) -> tuple[type, tuple[Kind, str]]:
        return type(self), (self.kind, str(self))


@dataclass(frozen=True)
class FileSeen:
    """A file as it was when it was opened."""

    size: int
    version: str
    """Another one when the file is, as far as its place can tell (file_versions.py)."""

    @property
    def tells_changes(self) -> bool:
        """Some web servers tell the size alone."""
        return "-" in self.version


@contextmanager
def opened(uri: str) -> Iterator[tuple[IO[bytes], FileSeen]]:
    """The file behind a URI or a local path, for reading from anywhere in it. In a call that is watched (watch.py) it
    is the version that was registered, when it is opened and, as far as its place can tell, until it is closed.
    """
    if "://" not in uri:  # a path, as a notebook names a file
        uri = canonical_uri(uri)
    if refused := refusal(uri):
        raise MediaError(refused[0], uri if refused[1] in uri else f"{uri}: {refused[1]}")
    watching = watch.current()
    try:
        stream, seen = _open(uri)
    except MediaError as error:
        if watching.expects(uri):
            watching.met(uri, None, AWAY.get(error.kind, "is no file now"))
        raise
    with stream:
        watching.met(uri, seen.version)
        if seen.size == 0:
            raise MediaError("empty_file", f"{uri}: has no bytes; was it copied to its end?")
        if not watching.expects(uri):
            yield stream, seen
            return
        try:
            yield cast(IO[bytes], watch.Followed(stream, uri)), seen
        finally:
            # Of objects the worker asks; and whoever drops a stream half read may have closed it before.
            if local_path(uri) is not None and not stream.closed:
                watching.left(uri, seen.version, version_of_open(uri, stream))


def version_of_open(uri: str, stream: IO[bytes]) -> str | None:
    """Of a file as it is now that it is open: by the handle where there is one, else by its name."""
    if local_path(uri) is not None:
        return of_status(os.fstat(stream.fileno()))
    fs, name = remote.at(uri)
    return of_info(remote.asked(uri, "look at", lambda: fs.info(name)))


def _open(uri: str) -> tuple[IO[bytes], FileSeen]:
    path = local_path(uri)
    try:
        if path is None:
            stream, info = open_source(uri)
            seen = _seen_elsewhere(uri, info)
        else:
            # A pipe without a writer would block at open() for ever.
            stream = os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb")
            seen = _seen_here(uri, stream)
    except FileNotFoundError as error:
        raise MediaError("missing_file", f"{uri}: there is no such file; was it moved after it was given?") from error
    except PermissionError as error:
        raise MediaError("no_access", f"{uri}: may not be read; check the permissions") from error
    except IsADirectoryError as error:
        raise MediaError("not_a_video", f"{uri}: is a folder") from error
    except OSError as error:
        if error.errno in _LEADS_NOWHERE:
            raise MediaError("missing_file", f"{uri}: leads to no file ({error.strerror})") from error
        if error.errno == ENXIO:
            raise MediaError("not_a_video", f"{uri}: is no regular file") from error
        raise  # of the place, not of the file
    return stream, seen


def _seen_here(uri: str, stream: IO[bytes]) -> FileSeen:
    status = os.fstat(stream.fileno())
    version = of_status(status)
    if version is None:
        stream.close()
        raise MediaError("not_a_video", f"{uri}: is no regular file")
    return FileSeen(status.st_size, version)


def _seen_elsewhere(uri: str, info: dict[str, Any]) -> FileSeen:
    version = of_info(info)
    if version is None:
        raise MediaError("not_a_video", f"{uri}: is a folder")
    return FileSeen(info["size"], version)
