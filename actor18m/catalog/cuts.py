"""Which clips a source is cut into, by what was measured of it: pure functions, asked again whenever a bound moves."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

Cut = tuple[int, int]
READS = ("duration_s", "frame_count", "seconds", "boundaries")
"""Columns of a splitting stage's rows. `seconds` has the frame that is shown at each second from 0 on."""

_DUST_S = 1e-3
"""Times are rounded, and a clip of just the least length is one."""
_FRAME_S = 0.1
"""A cut at a full second lies on a frame, and that may have begun so much before."""


@dataclass(frozen=True)
class CutAtShots:
    """At boundaries of at least this score. Shots that are longer than a clip may be are cut into even parts, and those
    that are too short are no clip.
    """

    min_s: float
    max_s: float
    min_score: float

    def __call__(self, row: Mapping[str, Any]) -> list[Cut] | None:
        edges = [(each["frame"], each["time_s"]) for each in row["boundaries"] if each["score"] >= self.min_score]
        if not edges and row["duration_s"] <= self.max_s + _DUST_S:
            return None
        edges = [(0, 0.0), *edges, (row["frame_count"], row["duration_s"])]
        found: list[Cut] = []
        for start, end in pairwise(edges):
            within = [start, *self._even(start[1], end[1], row["seconds"]), end]
            found += [
                (first, after)
                for (first, begin), (after, stop) in pairwise(within)
                if stop - begin >= self.min_s - _DUST_S and first < after
            ]
        return found

    def _even(self, begin: float, end: float, seconds: Sequence[int]) -> list[tuple[int, float]]:
        """Where to cut a shot: at full seconds, into as few parts as can be."""
        if end - begin <= self.max_s + _DUST_S:
            return []
        longest, parts = math.inf, math.ceil((end - begin) / self.max_s)
        while longest > self.max_s - _FRAME_S:
            at = [round(begin + (end - begin) * number / parts) for number in range(1, parts)]
            edges = [begin, *at, end]
            longest = max(after - before for before, after in pairwise(edges))
            parts += 1
        return [(seconds[second], float(second)) for second in at]


@dataclass(frozen=True)
class CutInWindows:
    """One after the other, whatever is shown; the last is what is left, when that is no shorter than a clip may be."""

    min_s: float
    length_s: int

    def __call__(self, row: Mapping[str, Any]) -> list[Cut] | None:
        if row["duration_s"] <= self.length_s + _DUST_S:
            return None
        edges = [*row["seconds"][:: self.length_s], row["frame_count"]]
        if row["duration_s"] - (len(edges) - 2) * self.length_s < self.min_s - _DUST_S:
            edges.pop()
        return [(first, after) for first, after in pairwise(edges) if first < after]


Cutting = CutAtShots | CutInWindows


def within(cut: Sequence[int] | None, clip: Cut) -> Cut:
    """A clip of a source that is itself a cut of its file."""
    first = cut[0] if cut else 0
    return clip[0] + first, clip[1] + first
