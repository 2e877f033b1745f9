"""Inputs: what the user gave, named by canonical URIs in which any file name survives."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from pathlib import Path
from urllib.parse import quote, unquote_to_bytes

from actor18m import keys
from actor18m.errors import ActorError

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")


@dataclass(frozen=True)
class Input:
    """One row of what the user gave. `uri` comes from canonical_uri(); `cut` and `crop` are as the source gives them:
    integer timestamps or frames, and x0, x1, y0, y1. `source` is what else the source says of it: JSON values, which
    do not count for its id.
    """

    uri: str
    cut: tuple[int, int] | None = None
    crop: tuple[int, int, int, int] | None = None
    licence: str | None = None
    consent: str | None = None
    source: Mapping[str, object] = field(default_factory=dict)
    version: str | None = None
    """Of the file as it was seen last (versions.py), which does not count for the id; None when it was not there."""

    @cached_property
    def id(self) -> str:
        return keys.input_id(self.uri, self.cut, self.crop, self.licence, self.consent)

    @property
    def source_json(self) -> str:
        return json.dumps(self.source, sort_keys=True, separators=(",", ":"))


def canonical_uri(given: str | Path) -> str:
    """ASCII for local files: bytes that a URI cannot hold are percent-encoded, so that newlines, quotes and names that
    are no UTF-8 survive. Other URIs stay as they are but for the scheme's case, since object names are free text.
    """
    match = _SCHEME.match(given) if isinstance(given, str) else None
    if match is None:
        return _file_uri(os.fspath(given))
    scheme, rest = match[1].lower(), match.string[match.end() :]
    if scheme == "file":
        host, slash, path = rest.partition("/")
        if host not in ("", "localhost") or not slash:
            raise ActorError(f"{given!r} names a file of another machine; a local one is file:///folder/name")
        return _file_uri(os.fsdecode(unquote_to_bytes(os.fsencode(f"/{path}"))))
    try:
        rest.encode()
    except UnicodeEncodeError as error:
        raise ActorError(f"{given!r} is not UTF-8, which names in {scheme} stores must be") from error
    return f"{scheme}://{rest}"


def local_path(uri: str) -> Path | None:
    """The path behind a canonical URI; None when it is not a local file."""
    if not uri.startswith("file://"):
        return None
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def beside(list_uri: str, given: str) -> str:
    """The canonical URI of what a list names: a relative path begins in the list's folder."""
    if not given:
        raise ActorError("the name is empty")
    return canonical_uri(given if _SCHEME.match(given) or given.startswith("/") else f"{_folder(list_uri)}/{given}")


@lru_cache(16)
def _folder(uri: str) -> str:
    path = local_path(uri)
    return uri.rpartition("/")[0] if path is None else str(path.parent)


def shown(uri: str) -> str:
    """For messages: one line, in quotes, the path where it is a local file."""
    path = local_path(uri)
    return repr(uri if path is None else str(path))


def _file_uri(path: str) -> str:
    if not path or "\0" in path:
        raise ActorError(f"{path!r} is no file name")
    if ".." in path.split("/"):
        # After a symbolic link, `..` is the folder above the link's target.
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # noqa: PTH118, PTH120, PTH119
    return "file://" + quote(os.fsencode(os.path.abspath(path)), safe="/")  # noqa: PTH100
