"""Signatures that are nearly the same: every pair within reach is compared, many at once."""

import math
from collections import defaultdict
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from pydantic import Field, PositiveFloat

from actor18m.yaml_file import Section

Words = npt.NDArray[np.uint64]
Durations = npt.NDArray[np.float32]
Numbers = npt.NDArray[np.int64]
Signatures = Sequence[bytes | None]

NONE = np.iinfo(np.int64).max
_WORDS_AT_FIRST = 3
"""What differs in so many words fits a byte, and tells most pairs apart."""
_COMPARED_AT_ONCE = 8192


class DuplicateRule(Section):
    """When two clips are near duplicates."""

    at_most: float = Field(ge=0, lt=0.5, description="share of the signatures' bits that differ")
    within_s: PositiveFloat = Field(default=0.25, description="by how much their durations may differ")


class Shelves:
    """Signatures of clips, numbered as they come: those that last about as long stand together. What has no signature
    or no duration is like nothing.
    """

    def __init__(self, rule: DuplicateRule) -> None:
        self.rule = rule
        self._shelves: dict[tuple[int, float], _Shelf] = defaultdict(_Shelf)

    def earliest(self, signatures: Signatures, durations: Durations) -> Numbers:
        """For each the lowest number of those it is like; NONE where there is none."""
        found = np.full(len(signatures), NONE, np.int64)
        for (length, cell), at in self._placed(signatures, durations).items():
            words, lasting = _words(signatures, at, length), durations[at]
            for number in (cell - 1, cell, cell + 1):
                if (shelf := self._shelves.get((length, number))) is not None:
                    first = shelf.earliest(words, lasting, self.rule, 8 * length)
                    found[at] = np.minimum(found[at], first)
        return found

    def add(self, signatures: Signatures, durations: Durations, numbers: Numbers) -> None:
        """Numbers rise."""
        for place, at in self._placed(signatures, durations).items():
            self._shelves[place].add(_words(signatures, at, place[0]), durations[at], numbers[at])

    def _placed(self, signatures: Signatures, durations: Durations) -> dict[tuple[int, float], list[int]]:
        """(length, durations' cell) -> which of them."""
        cells = (durations.astype(np.float64) // self.rule.within_s).tolist()
        placed: dict[tuple[int, float], list[int]] = defaultdict(list)
        for index, (signature, cell) in enumerate(zip(signatures, cells, strict=True)):
            if signature and math.isfinite(cell):
                placed[len(signature), cell].append(index)
        return placed


class _Shelf:
    """Arrays that grow by doubling: uint64[word, clip], since one word of many clips is compared at once."""

    def __init__(self) -> None:
        self._count = 0
        self._words: Words = np.zeros((0, 0), np.uint64)
        self._durations: Durations = np.zeros(0, np.float32)
        self._numbers: Numbers = np.zeros(0, np.int64)

    def add(self, words: Words, durations: Durations, numbers: Numbers) -> None:
        count = self._count + len(numbers)
        if count > len(self._numbers):
            room = max(4, 2 * count)
            self._words = _grown(self._words if self._count else np.zeros((len(words), 0), np.uint64), room)
            self._durations, self._numbers = _grown(self._durations, room), _grown(self._numbers, room)
        for array, more in (self._words, words), (self._durations, durations), (self._numbers, numbers):
            array[..., self._count : count] = more
        self._count = count

    def earliest(self, words: Words, durations: Durations, rule: DuplicateRule, bits: int) -> Numbers:
        limit = rule.at_most * bits
        found = np.full(len(durations), NONE, np.int64)
        for start in range(0, self._count, _COMPARED_AT_ONCE):
            here = slice(start, min(start + _COMPARED_AT_ONCE, self._count))
            differing = np.zeros((len(durations), here.stop - start), np.uint8)
            for mine, theirs in zip(words[:_WORDS_AT_FIRST], self._words[:_WORDS_AT_FIRST, here], strict=True):
                differing += np.bitwise_count(theirs ^ mine[:, None])
            row, column = np.divmod(np.flatnonzero(differing <= limit), here.stop - start)
            column += start
            whole = np.bitwise_count(words[:, row] ^ self._words[:, column]).sum(axis=0, dtype=np.int64)
            apart = np.abs(self._durations[column] - durations[row])
            alike = (whole <= limit) & (apart <= rule.within_s)
            np.minimum.at(found, row[alike], self._numbers[column[alike]])
        return found


def _words(signatures: Signatures, at: list[int], length: int) -> Words:
    """uint64[word, signature] of those named; all are of one length, filled up with zeros."""
    bits = np.zeros((len(at), -(-length // 8) * 8), np.uint8)
    bits[:, :length] = np.frombuffer(b"".join(signatures[each] or b"" for each in at), np.uint8).reshape(-1, length)
    return np.ascontiguousarray(bits.view(np.uint64).T)


def _grown(array: npt.NDArray[Any], room: int) -> npt.NDArray[Any]:
    more = np.zeros((*array.shape[:-1], room), array.dtype)
    more[..., : array.shape[-1]] = array
    return more
