"""A shard that is made: what it is called and where each sample is in it."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass


@dataclass(frozen=True)
class Placed:
    """Where a sample's files are within its shard."""

    key: str
    places: Mapping[str, tuple[int, int]]
    """Offset and size, by the family's members."""
    sha256: str
    """Of the first of them."""
    told: Mapping[str, str]
    """What making it told, by column of the family's table."""

    def where(self, column: str) -> int | str | None:
        """As the table tells it; None of a file that the sample does not have."""
        if column in self.told:
            return self.told[column]
        member, _, what = column.rpartition("_")
        if column == "sha256":
            return self.sha256
        return self.places[member][what == "size"] if member in self.places else None


@dataclass(frozen=True)
class Shard:
    recipe: str
    """What its bytes were made from."""
    folder: str
    """Below a version's."""
    name: str
    size: int
    sha256: str
    samples: tuple[Placed, ...]

    @property
    def path(self) -> str:
        """Below a version's folder."""
        return f"{self.folder}/{self.name}"

    def to_bytes(self) -> bytes:
        return json.dumps(asdict(self)).encode()

    @staticmethod
    def from_bytes(content: bytes) -> "Shard":
        fields = json.loads(content)
        samples = [
            Placed(**each | {"places": {name: tuple(place) for name, place in each["places"].items()}})
            for each in fields["samples"]
        ]
        return Shard(**fields | {"samples": tuple(samples)})


@dataclass(frozen=True)
class PublishedMp4:
    """An mp4 within a published tar."""

    path: str
    """From the dataset's folder."""
    offset: int
    size: int
    sha256: str
    encoding: str
    """How it was made."""
