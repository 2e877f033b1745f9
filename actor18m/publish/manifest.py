"""manifest.json: every file of a version with its digest, and what the version was made from. Written last.

It says neither when, where nor as which number the version was made: equal datasets have equal manifests.
"""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from actor18m.errors import ActorError
from actor18m.publish.mp4 import WRITER

NAME = "manifest.json"
LAYOUT = 1
"""Raised when readers of the dataset must change."""


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
        return (json.dumps(asdict(self), sort_keys=True, indent=1, ensure_ascii=False) + "\n").encode()


def read_manifest(version: Path) -> Manifest:
    path = version / NAME
    try:
        fields = json.loads(path.read_bytes())
        if fields["layout"] > LAYOUT:
            raise ActorError(
                f"{path} has layout {fields['layout']}, and this version of actor18m reads up to {LAYOUT}. Install a "
                "newer one, or publish into another folder with --dataset."
            )
        return Manifest(**fields | {"files": {name: File(**file) for name, file in fields["files"].items()}})
    except (FileNotFoundError, ValueError, KeyError, TypeError) as error:
        raise ActorError(
            f"{path} is missing or damaged ({error}). Remove the folder {version}, and run the same command again."
        ) from error


def describe(path: Path) -> File:
    with path.open("rb") as content:
        return File(path.stat().st_size, hashlib.file_digest(content, "sha256").hexdigest())
