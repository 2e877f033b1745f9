"""Rows of the clips that are under way, found by clip at a cost that does not grow with how many there are.

Each clip has a number, which rises. Rows lie in a few tables, each sorted by it; a new one is merged with those before
it that are not much larger, so that a row is moved a few times in all.
"""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import pyarrow as pa

Numbers = npt.NDArray[np.int64]

_MUCH_LARGER = 4


class RowsByClip:
    """Of one stage. `is_open` tells of numbers whether their clips are still under way; rows of others are let go."""

    def __init__(self, empty: pa.Table, is_open: Callable[[Numbers], npt.NDArray[np.bool_]]) -> None:
        self._empty, self._is_open = empty, is_open
        self._tables: list[tuple[Numbers, pa.Table]] = []

    def add(self, numbers: Numbers, rows: pa.Table) -> None:
        """Rows, and the numbers of their clips."""
        if not len(numbers):
            return
        self._tables.append(_sorted(numbers, rows))
        while len(self._tables) > 1 and len(self._tables[-1][0]) * _MUCH_LARGER >= len(self._tables[-2][0]):
            (later, more), (earlier, former) = self._tables.pop(), self._tables.pop()
            merged = np.concatenate([earlier, later])
            both = pa.concat_tables([former, more], promote_options="default")
            is_open = self._is_open(merged)
            if not is_open.all():
                merged, both = merged[is_open], both.filter(pa.array(is_open))
            self._tables.append(_sorted(merged, both))

    def of(self, clips: Numbers) -> pa.Table:
        """All rows of these clips, whose numbers are sorted."""
        found = [self._empty]
        for numbers, rows in self._tables:
            begin, end = np.searchsorted(numbers, clips, "left"), np.searchsorted(numbers, clips, "right")
            if (count := end - begin).any():
                # the stretches begin..end of all clips, one after the other
                before = np.cumsum(count) - count
                at = np.repeat(begin - before, count) + np.arange(count.sum())
                found.append(rows.take(pa.array(at)))
        return pa.concat_tables(found, promote_options="default")


def _sorted(numbers: Numbers, rows: pa.Table) -> tuple[Numbers, pa.Table]:
    order = np.argsort(numbers, kind="stable")
    return numbers[order], rows.take(pa.array(order)).combine_chunks()
