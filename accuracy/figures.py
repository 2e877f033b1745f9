"""What every measure is told in: a number over n cases. Pure functions over numbers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from statistics import fmean
from typing import Any, Literal

import numpy as np

Kind = Literal["share", "degrees", "index", "percent"]
Span = tuple[float, float]


@dataclass(frozen=True)
class Figure:
    """`value` is None where there was no case; `tail` is the worst but for a tenth, where that is told: of overlaps
    the 10th percentile, of errors the 90th.
    """

    value: float | None
    n: int
    kind: Kind
    tail: float | None = None

    def __str__(self) -> str:
        if self.value is None:
            return "-"
        if self.kind == "share":
            return f"{100 * self.value:.1f}% of {self.n}"
        digits = {"degrees": ".1f", "index": ".3f", "percent": ".1f"}[self.kind]
        tail = "" if self.tail is None else f" / {self.tail:{digits}}"
        return f"{self.value:{digits}}{tail} of {self.n}"

    def told(self) -> dict[str, Any]:
        tail = "p10" if self.kind == "index" else "p90"
        return {"value": self.value, "n": self.n} | ({} if self.tail is None else {tail: self.tail})


Figures = dict[str, Figure]
"""By what is measured, in the order of the report."""


def share(right: Iterable[bool]) -> Figure:
    every = list(right)
    return Figure(_rounded(sum(every) / len(every)) if every else None, len(every), "share")


def together(figures: Iterable[Figure]) -> Figure:
    """A share over the cases of several."""
    told = [figure for figure in figures if figure.value is not None]
    n = sum(figure.n for figure in told)
    return Figure(_rounded(sum((f.value or 0.0) * f.n for f in told) / n) if n else None, n, "share")


def errors(values: Iterable[float], kind: Kind = "degrees") -> Figure:
    """Median and p90 of errors: the larger the worse."""
    every = list(values)
    if not every:
        return Figure(None, 0, kind)
    median, tail = np.percentile(every, [50, 90])
    return Figure(_rounded(float(median)), len(every), kind, _rounded(float(tail)))


def overlaps(values: Iterable[float]) -> Figure:
    """Mean and p10 of overlaps: the smaller the worse."""
    every = list(values)
    if not every:
        return Figure(None, 0, "index")
    return Figure(_rounded(fmean(every)), len(every), "index", _rounded(float(np.percentile(every, 10))))


def f1(hits: int, found: int, true: int) -> Figure:
    """Of `found` cases, of `true` that there are; n counts what either has. None where there is nothing to find."""
    if not true:
        return Figure(None, 0, "index")
    return Figure(_rounded(2 * hits / (found + true)), found + true - hits, "index")


def ratio(part: int, n: int) -> Figure:
    return Figure(_rounded(part / n) if n else None, n, "share")


def matched(found: Sequence[Span], true: Sequence[Span], before_s: float, beyond_s: float) -> int:
    """How many of the true spans have a found one of their own: one that comes within `before_s` of it and sticks out
    by at most `beyond_s`.
    """
    free, hits = list(found), 0
    for first, last in true:
        for span in free:
            is_near = span[0] <= last + before_s and span[1] >= first - before_s
            if is_near and span[0] >= first - beyond_s and span[1] <= last + beyond_s:
                free.remove(span)
                hits += 1
                break
    return hits


def span_overlap(found: Sequence[Span], true: Sequence[Span]) -> float:
    """Intersection over union of the seconds that each covers."""
    edges = sorted({edge for span in (*found, *true) for edge in span})
    both = either = 0.0
    for start, end in pairwise(edges):
        in_found, in_true = (any(a <= start and end <= b for a, b in spans) for spans in (found, true))
        both += (end - start) * (in_found and in_true)
        either += (end - start) * (in_found or in_true)
    return both / either if either else 0.0


@dataclass(frozen=True)
class Separation:
    """How well a similarity tells one person from two."""

    auc: float | None
    equal_error: float | None
    equal_error_at: float | None
    refused: float | None
    """Share of pairs of one person below the threshold in use."""
    taken: float | None
    """Share of pairs of two people that reach it."""
    same: int
    different: int


def separation(same: Sequence[float], different: Sequence[float], threshold: float) -> Separation:
    """Of similarities: the larger the more alike."""
    if not same or not different:
        return Separation(None, None, None, None, None, len(same), len(different))
    near, far = np.sort(np.asarray(same)), np.sort(np.asarray(different))
    below, up_to = (np.searchsorted(far, near, side=side).mean() / len(far) for side in ("left", "right"))
    bounds = np.unique(np.concatenate([near, far]))
    refused = np.searchsorted(near, bounds, side="left") / len(near)
    taken = 1 - np.searchsorted(far, bounds, side="left") / len(far)
    at = int(np.argmin(np.abs(refused - taken)))
    return Separation(
        auc=_rounded(float(below + up_to) / 2),
        equal_error=_rounded(float(refused[at] + taken[at]) / 2),
        equal_error_at=_rounded(float(bounds[at])),
        refused=_rounded(float(np.mean(near < threshold))),
        taken=_rounded(float(np.mean(far >= threshold))),
        same=len(same),
        different=len(different),
    )


def _rounded(value: float) -> float:
    return round(value, 4)
