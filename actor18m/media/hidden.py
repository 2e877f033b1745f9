"""How much of a person is seen through time, and when something hides them. Leaving the frame hides nobody."""

from collections.abc import Sequence

import numpy as np

from actor18m.arrays import Box
from actor18m.media.boxes import size

_EDGE = 0.02
"""As near to the frame's edge as this share of its side, a person may be on the way out or in."""


def visible_fractions(boxes: Sequence[Box | None], frame: tuple[int, int], around: int) -> list[float]:
    """Of each sample: the box's size as a share of what it is when the person is seen well, within `around` samples
    before and after (of both, the smaller). 0 where nobody is seen, 1 where the person has left the frame."""
    sizes = [size(box) if box else 0.0 for box in boxes]
    away = gone(boxes, frame)
    found = []
    for i, now in enumerate(sizes):
        before = [each for each in sizes[max(0, i - around) : i] if each > 0]
        after = [each for each in sizes[i + 1 : i + 1 + around] if each > 0]
        usual = [float(np.quantile(side, 0.75)) for side in (before, after) if side]
        expected = min(usual, default=now)
        found.append(1.0 if away[i] else min(1.0, now / expected) if expected > 0 else 0.0)
    return found


def gone(boxes: Sequence[Box | None], frame: tuple[int, int]) -> list[bool]:
    """Whether a person who is not seen has left the frame: they were at its edge before, or are when they come back."""
    present = [i for i, box in enumerate(boxes) if box]
    found = []
    for i, box in enumerate(boxes):
        before = next((at for at in reversed(present) if at < i), None)
        after = next((at for at in present if at > i), None)
        beside = [boxes[at] for at in (before, after) if at is not None]
        found.append(box is None and (not beside or any(each and _at_edge(each, frame) for each in beside)))
    return found


def hidden_runs(
    visible: Sequence[float], kept: Sequence[float], half: float, min_lost: float, shortest: int
) -> list[tuple[int, int]]:
    """First and last samples of runs in which less than `half` is visible and points are lost: of those on a person who
    only turns sideways most are kept. A run to the end or from the start counts too."""
    runs: list[tuple[int, int]] = []
    for i, fraction in enumerate(visible):
        if fraction >= half:
            continue
        if runs and runs[-1][1] == i - 1:
            runs[-1] = runs[-1][0], i
        else:
            runs.append((i, i))
    return [
        (first, last)
        for first, last in runs
        if last - first + 1 >= shortest and 1 - min(kept[max(0, first - 1) : last + 1]) >= min_lost
    ]


def _at_edge(box: Box, frame: tuple[int, int]) -> bool:
    """At the left or right edge: feet and heads are cut off by the others all the time."""
    _, width = frame
    return box[0] <= _EDGE * width or box[2] >= (1 - _EDGE) * width
