"""Inputs: what the user gave, named by canonical URIs in which any file name survives."""

import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property, lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Literal
from urllib.parse import quote, unquote_to_bytes

from actor18m import keys
from actor18m.errors import ActorError
from actor18m.redact import carries_secret, without_secrets

_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
_OPAQUE = re.compile(r"(data|javascript|vbscript|blob|about|mailto|magnet|urn):", re.IGNORECASE)
"""URIs without slashes: taken for names of files they would be some that are not there."""
_INVALID = "invalid:"
"""What names nothing is registered under this, so that its row fails alone."""
_LONGEST = 4096
_HEAD = 200

READ = ("file", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "hf", "oss", "https", "http")
"""The schemes that inputs may have: stores of whole objects, of which fsspec has a driver."""
_IN_THIS_PROCESS = "memory"


Refused = Literal["unsupported_scheme", "credentials_in_uri", "bad_uri", "bad_row"]
_BAD_ROW = "bad-row:"
_LONGEST_REASON = 300

RIGHTS = ("licence", "consent")
_CAPTION = "caption"


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
    """Of the file as it was seen last (file_versions.py); None when it was not there. It does not count for the id."""
    states: tuple[str, ...] = ()
    """Of `licence` and `consent` those of which the source says something, be it that there is none."""

    @cached_property
    def id(self) -> str:
        return keys.input_id(self.uri, self.cut, self.crop)

    @property
    def source_json(self) -> str:
        return json.dumps(self.source, sort_keys=True, separators=(",", ":"))


def caption_in(source_json: str) -> str | None:
    """What a source's own caption says, as it stands there: of several the first one. None where it has none."""
    if _CAPTION not in source_json.lower():
        return None
    source = json.loads(source_json)
    given = next((value for name, value in source.items() if name.strip().lower() == _CAPTION), None)
    first = given[0] if isinstance(given, list) and given else given
    return first if isinstance(first, str) and first else None


def canonical_uri(given: str | Path) -> str:
    """ASCII for local files: bytes that a URI cannot hold are percent-encoded, so that newlines, quotes and names that
    are no UTF-8 survive. Other URIs stay as they are but for the scheme's case, since object names are free text.
    """
    match = _SCHEME.match(given) if isinstance(given, str) else None
    if isinstance(given, str) and given.startswith(_BAD_ROW):
        return given
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
    if not uri.startswith("file:///"):
        return None
    return Path(os.fsdecode(unquote_to_bytes(uri.removeprefix("file://"))))


def beside(list_uri: str, given: str) -> str:
    """The URI of what a list names: a relative path begins in the list's folder. It holds no secret, and what names
    nothing has a URI all the same: of both, refusal() tells why they are not read.
    """
    if not given:
        raise ActorError("the name is empty")
    if _OPAQUE.match(given):
        return _shortened(without_secrets(given))
    try:
        uri = canonical_uri(given if _SCHEME.match(given) or given.startswith("/") else f"{_folder(list_uri)}/{given}")
    except ActorError:
        uri = _INVALID + without_secrets(quote(os.fsencode(given), safe="/:@?#&=*"))
    if uri.startswith("file:///"):
        return uri
    return _shortened(without_secrets(uri))


def refusal(uri: str) -> tuple[Refused, str] | None:
    """Why such a URI is never read, whatever it leads to: a kind to count by and the reason; None when it may be."""
    if uri.startswith("file:///"):
        return None
    scheme, colon, rest = uri.partition(":")
    if uri.startswith(_BAD_ROW):
        return "bad_row", rest.rpartition("#")[2].partition(": ")[2]
    if uri.startswith(_INVALID) or not colon:
        return "bad_uri", "it names no file that this machine can reach"
    if scheme not in (*READ, _IN_THIS_PROCESS) or not uri.startswith(f"{scheme}://"):
        return (
            "unsupported_scheme",
            f"{scheme}: is not read; there are {', '.join(READ)}. Copy the file to such a place",
        )
    if carries_secret(uri):
        return "credentials_in_uri", (
            "it carries credentials, which would be published with the dataset. Give it without them: credentials come "
            "from the environment or the driver's own configuration"
        )
    return None


def bad_row(list_uri: str, where: str, reason: str) -> str:
    """Under this a row of a list is registered that means no input, so that it fails alone: `bad-row:file:///list.csv#line
    3: the name is empty`. refusal() tells the reason.
    """
    told = " ".join(without_secrets(reason).replace("#", " ").split())
    told = told if len(told) <= _LONGEST_REASON else f"{told[:_LONGEST_REASON]}…"
    return f"{_BAD_ROW}{list_uri}#{where}: {told}".encode(errors="backslashreplace").decode()


@lru_cache(16)
def _folder(uri: str) -> str:
    path = local_path(uri)
    return uri.rpartition("/")[0] if path is None else str(path.parent)


def shown(uri: str) -> str:
    """For messages: one line, in quotes, the path where it is a local file."""
    path = local_path(uri)
    return repr(uri if path is None else str(path))


def _shortened(uri: str) -> str:
    """What is too long for a name is told by its beginning and a digest."""
    if len(uri) <= _LONGEST:
        return uri
    return f"{uri[:_HEAD]}…{sha256(uri.encode(errors='backslashreplace')).hexdigest()}"


def _file_uri(path: str) -> str:
    if not path or "\0" in path:
        raise ActorError(f"{path!r} is no file name")
    if ".." in path.split("/"):
        # After a symbolic link, `..` is the folder above the link's target.
        path = os.path.join(os.path.realpath(os.path.dirname(path)), os.path.basename(path))  # noqa: PTH118, PTH120, PTH119
    return "file://" + quote(os.fsencode(os.path.abspath(path)), safe="/")  # noqa: PTH100
