"""Who repeats whom: found in order of registration, so that neither arrival nor parallelism changes it."""

from collections import defaultdict
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveFloat

from actor18m.yaml_file import Section

Bytes = npt.NDArray[np.uint8]


class Likeness(Section):
    """When two clips are near duplicates."""

    at_most: float = Field(ge=0, lt=0.5, description="share of the signatures' bits that differ")
    within_s: PositiveFloat = Field(default=0.25, description="by how much their durations may differ")


class Duplicates:
    """Give it clips in order: the earliest of those that are alike stands, and the others repeat it."""

    def __init__(self, likeness: Likeness | None) -> None:
        self._likeness = likeness
        self._standing: list[str] = []
        self._seen: set[str] = set()
        self._repeats: dict[str, str] = {}
        self._shelves: dict[int, _Shelf] = defaultdict(_Shelf)

    def repeated_by(self, clip: str, signature: bytes | None, duration_s: float | None) -> str | None:
        """The clip that this one repeats: itself, when its bytes were given before; None for a clip that stands."""
        if clip in self._seen:
            return self._repeats.get(clip, clip)
        self._seen.add(clip)
        if self._likeness is None or signature is None or duration_s is None:
            return None
        bits = np.frombuffer(signature, np.uint8)
        middle = int(duration_s // self._likeness.within_s)
        near = [
            first
            for number in (middle - 1, middle, middle + 1)
            if number in self._shelves
            and (first := self._shelves[number].first_like(bits, duration_s, self._likeness)) is not None
        ]
        if near:
            self._repeats[clip] = self._standing[min(near)]
            return self._repeats[clip]
        self._shelves[middle].add(bits, duration_s, len(self._standing))
        self._standing.append(clip)
        return None


class _Shelf:
    """Signatures of clips that last about as long, in arrays that grow by doubling."""

    def __init__(self) -> None:
        self._count = 0
        self._bits: Bytes = np.zeros((0, 0), np.uint8)
        self._durations: npt.NDArray[np.float32] = np.zeros(0, np.float32)
        self._numbers: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def add(self, bits: Bytes, duration_s: float, number: int) -> None:
        if self._count == len(self._numbers):
            self._bits = _grown(self._bits.reshape(self._count, len(bits)))
            self._durations, self._numbers = _grown(self._durations), _grown(self._numbers)
        self._bits[self._count], self._durations[self._count], self._numbers[self._count] = bits, duration_s, number
        self._count += 1

    def first_like(self, bits: Bytes, duration_s: float, likeness: Likeness) -> int | None:
        differing = np.bitwise_count(self._bits[: self._count] ^ bits).sum(axis=1, dtype=np.int64)
        apart = np.abs(self._durations[: self._count] - np.float32(duration_s))
        alike = (differing <= likeness.at_most * 8 * len(bits)) & (apart <= likeness.within_s)
        return int(self._numbers[alike.argmax()]) if alike.any() else None


def _grown(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    more = np.zeros((max(4, 2 * len(array)), *array.shape[1:]), array.dtype)
    more[: len(array)] = array
    return more
