"""What is like a denied clip: near duplicates of all that was ever measured of what is denied, and not only of what is
still there.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from actor18m.policy.words import Look
from actor18m.relations.signature_search import NONE, DuplicateRule, Shelves


@dataclass(frozen=True)
class Denied:
    """A clip that is denied, as it looks."""

    look: Look
    rank: int
    """Of the newest word that is said of it: a higher one is newer."""


class LikeDenied:
    def __init__(self, rule: DuplicateRule | None, denied: Sequence[Denied]) -> None:
        # the newest word first, so that the earliest of those that are alike is the one that counts
        self._denied = sorted(denied, key=lambda each: -each.rank)
        self._shelves = Shelves(rule) if rule is not None and denied else None
        if self._shelves is not None:
            looks = [each.look for each in self._denied]
            durations = [np.nan if each.duration_s is None else each.duration_s for each in looks]
            signatures = [bytes.fromhex(each.signature) for each in looks]
            self._shelves.add(signatures, np.array(durations, np.float32), np.arange(len(looks)))

    def of(self, clips: pa.Table) -> list[Denied | None]:
        """For each row, with `signature` and `duration_s`, what it is like; of several, what was denied last."""
        if self._shelves is None:
            return [None] * clips.num_rows
        durations = pc.fill_null(clips["duration_s"], np.nan).to_numpy().astype(np.float32)
        numbers = self._shelves.earliest(clips["signature"].to_pylist(), durations)
        return [None if number == NONE else self._denied[number] for number in numbers.tolist()]
