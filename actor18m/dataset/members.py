"""What is in a shard by the shard alone, to compare it with the table that tells it."""

import hashlib
import tarfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from actor18m import stopping


@dataclass(frozen=True)
class Member:
    """Where a file's bytes are within the tar."""

    offset: int
    size: int
    sha256: str


def members(shard: Path) -> Iterator[tuple[str, Member]]:
    """By name, in order, with all bytes read."""
    with tarfile.open(shard, "r:") as tar, shard.open("rb") as content:
        for each in tar:
            stopping.check()
            content.seek(each.offset_data)
            digest = hashlib.sha256(content.read(each.size)).hexdigest()
            yield each.name, Member(each.offset_data, each.size, digest)
