"""manifest.json: every file of a version with its digest, and what the version was made from. Written last.

It carries a digest of itself, so that a damaged one is not believed: all others are checked against it. It says
neither when, where nor as which number the version was made: equal datasets have equal manifests.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from actor18m.errors import ActorError

NAME = "manifest.json"
LAYOUT = 2
"""Raised when readers of the dataset must change."""
IN_VERSION, BESIDE_VERSIONS = ".", ".."
_DIGEST = "sha256"


class OtherLayout(ActorError):
    """A version that another version of actor18m wrote. It is whole, as far as can be told."""


@dataclass(frozen=True)
class File:
    size: int
    sha256: str


@dataclass(frozen=True)
class Manifest:
    facts: Mapping[str, str]
    files: Mapping[str, File]
    """By path below the version's folder."""
    recipes: Mapping[str, str]
    """Of each shard, by its path: what its bytes were made from."""
    writer: int
    """Which way of writing videos they were written by."""
    shards: str = IN_VERSION
    """Where the folders of shards lie, from the version's folder: in it, or beside it, where versions share them."""
    layout: int = LAYOUT

    def where(self, name: str) -> str:
        """The path of a file, from the version's folder."""
        return placed(name, self.shards) if name in self.recipes else name

    def to_bytes(self) -> bytes:
        fields = asdict(self)
        return _spelt(fields | {_DIGEST: hashlib.sha256(_spelt(fields)).hexdigest()})


def placed(shard: str, shards: str) -> str:
    """The path of a shard from the version's folder, when the folders of shards lie there."""
    return shard if shards == IN_VERSION else f"{shards}/{shard}"


def parse_manifest(content: bytes, url: str) -> Manifest:
    """The manifest that lies at the URL, which is right."""
    try:
        fields = json.loads(content)
        if fields["layout"] != LAYOUT:
            newer = "Install a newer one, or publish" if fields["layout"] > LAYOUT else "Publish"
            raise OtherLayout(
                f"{url} has layout {fields['layout']}, and this version of actor18m reads {LAYOUT}. {newer} into "
                "another folder with --dataset."
            )
        del fields[_DIGEST]
        found = Manifest(**fields | {"files": {name: File(**file) for name, file in fields["files"].items()}})
        if found.to_bytes() != content:
            raise ValueError("its bytes are not those that its own digest says")
        return found
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise unreadable(url, str(error)) from error


def unreadable(url: str, why: str) -> ActorError:
    """A manifest that is missing or damaged."""
    return ActorError(
        f"{url} is missing or damaged ({why}). Put a copy of it back; or remove the folder {url.rpartition('/')[0]}, "
        "and run the same command again."
    )


def _spelt(fields: Mapping[str, Any]) -> bytes:
    return (json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def describe(path: Path) -> File:
    """A file of this machine."""
    with path.open("rb") as content:
        return File(path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())
