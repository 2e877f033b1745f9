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
from actor18m.publish.mp4 import WRITER

NAME = "manifest.json"
LAYOUT = 2
"""Raised when readers of the dataset must change."""


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
    layout: int = LAYOUT
    writer: int = WRITER

    def to_bytes(self) -> bytes:
        fields = asdict(self)
        return _spelt(fields | {_DIGEST: hashlib.sha256(_spelt(fields)).hexdigest()})


def read_manifest(version: Path) -> Manifest:
    path = version / NAME
    try:
        content = path.read_bytes()
        fields = json.loads(content)
        if fields["layout"] != LAYOUT:
            newer = "Install a newer one, or publish" if fields["layout"] > LAYOUT else "Publish"
            raise OtherLayout(
                f"{path} has layout {fields['layout']}, and this version of actor18m reads {LAYOUT}. {newer} into "
                "another folder with --dataset."
            )
        del fields[_DIGEST]
        found = Manifest(**fields | {"files": {name: File(**file) for name, file in fields["files"].items()}})
        if found.to_bytes() != content:
            raise ValueError("its bytes are not those that its own digest says")
        return found
    except (FileNotFoundError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ActorError(
            f"{path} is missing or damaged ({error}). Put a copy of it back; or remove the folder {version}, and run "
            "the same command again."
        ) from error


def _spelt(fields: Mapping[str, Any]) -> bytes:
    return (json.dumps(fields, sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def describe(path: Path) -> File:
    with path.open("rb") as content:
        return File(path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())
