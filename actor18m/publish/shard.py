"""A shard of videos that is made: what it is called and where each clip is in it."""

import json
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True)
class Sample:
    """Where a clip's files are within its shard."""

    clip: str
    mp4_offset: int
    mp4_size: int
    json_offset: int
    json_size: int
    sha256: str
    """Of the mp4."""


@dataclass(frozen=True)
class Shard:
    recipe: str
    """What its bytes were made from."""
    name: str
    size: int
    sha256: str
    samples: tuple[Sample, ...]

    @property
    def path(self) -> str:
        """Below a version's folder."""
        return f"videos/{self.name}"

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_bytes(content: bytes) -> "Shard":
        fields = json.loads(content)
        return Shard(**fields | {"samples": tuple(Sample(**sample) for sample in fields["samples"])})


@dataclass(frozen=True)
class Kept:
    """An mp4 within a published tar."""

    path: Path
    offset: int
    size: int
    sha256: str
