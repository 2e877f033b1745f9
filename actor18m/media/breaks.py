"""Where a film jumps from one frame to the next: a cut, also one from a person to the same person in one framing.

What moves fast differs from frame to frame again and again, and over two frames more than over one. A cut differs
once. So the difference of two neighbours is compared, place by place, with what changes near that place in the frames
before and after, also over two frames: what is left is unexplained. Before it is called so, the one picture is brought
to the other one's light and place, since lamps and hands that shake change all of it at once. And what moves can be
followed, at a cut it cannot: what differs although each place is followed, and more than in the steps about it, is
torn. Frames that are shown twice are left out, and a step that took longer is compared with longer ones.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

import cv2
import numpy as np

from actor18m.arrays import Floats, Frame
from actor18m.media.flow import Flow, about, flow

LONGER_SIDE = 192
"""Of the grey pictures that are looked at."""
FLOOR, LEAST_RATIO = 0.01, 0.7
"""Less is not told, unexplained or beside the largest step near by."""
_SMALL = 96
_REACH = 6
"""Frames to either side. Fewer do not show how fast something moves, of more some show another movement."""
_BEFORE, _AFTER = 4, 2
"""Frames that must be shown before and after: one or two do not show how something moves, and cameras start badly."""
_NEAR_PX = 5
"""As wide is what a place is near to, and wider by a pixel on each side for each frame that a step took longer."""
_NOISE = 0.5
"""In grey levels: what codecs and sensors change."""
_REPEATED, _REPEATED_SHARE = 0.05, 0.2
"""A frame repeats the one before if it differs by less than so many grey levels, or by such a share of what its
neighbours differ by: films that were brought to another rate have them."""
_MAX_SHIFT = 0.1
"""Of the longer side: farther is not where a hand or a crop window shakes to."""
_MOSTLY = 0.6
"""A light or a shift that leaves less of the difference than this share explains it: not who is seen has changed."""
_ROUNDED = 2
"""Grey levels."""
_MISPLACED = 0.25
"""In half pixels of a small picture, what is left after a shift is taken back."""
_FLOW_REACH, _FLOW_NEAR_PX = 4, 9
"""Frames to either side, and as wide is what a place is near to, where it is told how torn a step is."""
_FAINT = 0.5
"""Grey levels that are left of any step."""


@dataclass(frozen=True)
class Break:
    """A step between two frames. `at_s` is when the later one is shown."""

    at_s: float
    difference: float
    """In grey levels, the mean."""
    ratio: float
    """Of the difference to the largest of the steps about it, each for the time that it took; less what light or a
    shift of the whole picture explains."""
    unexplained: float
    """The share of the difference that neither movement nor light nor a shift of the whole picture explains."""
    torn: float
    """Of what differs although places are followed, the share that is beyond what does near by in the steps about
    it."""
    pulse: float
    """Onto a key frame of the codec: the difference that the clip's other ones bring, the middle one; else 0."""


@dataclass(frozen=True, eq=False)
class _Shown:
    number: int
    time_s: float
    picture: Frame
    small: Frame
    is_key: bool
    step: float = 0.0
    """Its difference to the frame kept before it."""


class BreakFinder:
    """Is shown a clip's frames one after the other; keeps few of them."""

    def __init__(self) -> None:
        self._count = 0
        self._held: _Shown | None = None
        self._steps = [float("inf"), float("inf")]
        """Differences onto the held frame and the one before it."""
        self._near: list[_Shown] = []
        self._at = 0
        """The step that is judged next is the one from this of `_near`."""
        self._found: list[tuple[Break, bool]] = []
        self._onto_keys: list[float] = []
        self._flows = _Flows()

    def add(self, time_s: float, picture: Frame, is_key: bool) -> None:
        """uint8[H, W], small; frames in order."""
        now = _Shown(self._count, time_s, picture, _shrunk(picture, _SMALL), is_key)
        self._count += 1
        held, self._held = self._held, now
        if held is None:
            return
        step = _mean(_off(held.small, now.small))
        self._keep(held, step)
        self._steps = [step, self._steps[0]]

    def found(self) -> list[Break]:
        """Of all that was shown. Nothing can be added then."""
        if self._held is not None:
            self._keep(self._held, float("inf"))
            self._held = None
        while self._at < len(self._near) - 1:
            self._judge()
        return [self._told(each, is_key) for each, is_key in self._found]

    def _told(self, each: Break, is_key: bool) -> Break:
        if not is_key:
            return each
        others = list(self._onto_keys)
        others.remove(each.difference)
        return replace(each, pulse=median(others) if others else 0.0)

    def _keep(self, held: _Shown, after: float) -> None:
        step, before = self._steps
        least = min(before, after)
        if step < _REPEATED or (np.isfinite(least) and step < _REPEATED_SHARE * least):
            return
        since = _mean(_off(self._near[-1].small, held.small)) if self._near else 0.0
        self._near.append(replace(held, step=since))
        while len(self._near) - 2 - self._at >= _REACH:
            self._judge()

    def _judge(self) -> None:
        at = self._at
        near = self._near[: at + 2 + _REACH]
        if near[at + 1].is_key:
            self._onto_keys.append(near[at + 1].step)
        if near[at + 1].number >= _BEFORE and self._count - near[at + 1].number > _AFTER:
            found = _break(near, at, self._flows)
            if found is not None:
                self._found.append((found, near[at + 1].is_key))
        if at == _REACH:
            self._flows.forget(self._near.pop(0))
        else:
            self._at += 1


def _break(near: Sequence[_Shown], at: int, flows: "_Flows") -> Break | None:
    old, new = near[at], near[at + 1]
    ratio = _ratio(near, at)
    if ratio < LEAST_RATIO:
        return None
    moves = _moves(near, at)
    plain = _off(old.small, new.small)
    unexplained = _share(plain, moves)
    if unexplained < FLOOR:
        return None
    # the old picture in the new one's light: shades are rounded, so that a little more may differ
    start, left = old.picture, _mean(plain)
    lit = _lit_as(old.picture, new.picture)
    as_lit = _off(_shrunk(lit, _SMALL), new.small)
    is_lit = _mean(as_lit) < _MOSTLY * left
    unexplained = min(unexplained, _share(as_lit, _more(moves, _ROUNDED if is_lit else 0)))
    if is_lit:
        start, left = lit, _mean(as_lit)
    # and in its place: shifts are not exact, so that edges may differ
    placed, edge = _placed_as(lit, flows.of(old, new).shift)
    inner = slice(edge, -edge or None), slice(edge, -edge or None)
    as_placed = _off(_shrunk(placed, _SMALL)[inner], new.small[inner])
    is_placed = _mean(as_placed) < _MOSTLY * _mean(as_lit)
    if is_placed:
        start, left = placed, _mean(as_placed)
        unexplained = min(unexplained, _share(as_placed, _more(moves, _slack(new.small))[inner]))
    if unexplained < FLOOR:
        return None
    ratio *= (left + _NOISE) / (_mean(plain) + _NOISE)
    # what cannot be followed from there, but for edges that are not where they should be
    own = flows.of(old, new) if start is old.picture else flow(start, new.picture)
    blurred = own.left - about(_slack(new.picture)) if is_placed else own.left
    torn = _torn(np.maximum(blurred, 0), flows.about(near, at))
    return Break(new.time_s, new.step, ratio, unexplained, torn, 0.0)


def _moves(near: Sequence[_Shown], at: int) -> Frame:
    """Of each place, the most that changes near it in the steps before and after, of one frame and of as many more as
    the step in question took longer."""
    longer = _frames(near)[at] + 1
    most = np.zeros_like(near[at].small)
    for side in (near[: at + 1], near[at + 1 :]):
        for stride in (1, longer):
            for one, other in zip(side, side[stride:], strict=False):
                cv2.max(most, cv2.absdiff(one.small, other.small), dst=most)
    reach = _NEAR_PX + 2 * (longer - 2)
    return np.asarray(cv2.dilate(most, np.ones((reach, reach), np.uint8)), dtype=np.uint8)


def _ratio(near: Sequence[_Shown], at: int) -> float:
    pace = [shown.step / count for shown, count in zip(near[1:], _frames(near), strict=True)]
    own = pace.pop(at)
    return own / (max(pace, default=0.0) + _NOISE)


def _frames(near: Sequence[_Shown]) -> list[int]:
    """How many usual steps each step took."""
    took = [b.time_s - a.time_s for a, b in pairwise(near)]
    usual = max(median(took), 1e-6)
    return [min(max(1, round(each / usual)), _REACH - 1) for each in took]


def _share(difference: Frame, moves: Frame) -> float:
    left = np.asarray(cv2.subtract(difference, moves), dtype=np.uint8)
    return _mean(left) / (_mean(difference) + _NOISE)


def _lit_as(picture: Frame, other: Frame) -> Frame:
    """With the other's shades of grey, the darkest for the darkest."""
    shares = [np.cumsum(np.bincount(each.ravel(), minlength=256)) / each.size for each in (picture, other)]
    shades = np.clip(np.searchsorted(shares[1], shares[0]), 0, 255).astype(np.uint8)
    return np.asarray(shades[picture], dtype=np.uint8)


def _placed_as(picture: Frame, shift: tuple[float, float]) -> tuple[Frame, int]:
    """Shifted as a whole, if not far; and how much of a small picture's edge is empty then."""
    far = max(map(abs, shift))
    if far > _MAX_SHIFT * max(picture.shape):
        return picture, 0
    x, y = shift
    there = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
    placed = cv2.warpAffine(picture, there, (picture.shape[1], picture.shape[0]), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(placed, dtype=np.uint8), int(np.ceil(far * _SMALL / LONGER_SIDE))


def _slack(picture: Frame) -> Frame:
    """How much each place changes when the picture is not quite where it should be."""
    edges = cv2.morphologyEx(picture, cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8))
    return np.asarray(cv2.convertScaleAbs(edges, alpha=_MISPLACED), dtype=np.uint8)


def _torn(left: Floats, others: Sequence[Flow]) -> float:
    most = np.zeros_like(left)
    for other in others:
        cv2.max(most, other.left, dst=most)
    near_by = cv2.dilate(most, np.ones((_FLOW_NEAR_PX, _FLOW_NEAR_PX), np.uint8))
    beyond = np.maximum(left - np.asarray(near_by), 0)
    return float(beyond.sum() / (left.sum() + _FAINT * left.size))


class _Flows:
    """From each frame to the one kept after it, found when first asked for."""

    def __init__(self) -> None:
        self._from: dict[int, Flow] = {}

    def of(self, old: _Shown, new: _Shown) -> Flow:
        if old.number not in self._from:
            self._from[old.number] = flow(old.picture, new.picture)
        return self._from[old.number]

    def about(self, near: Sequence[_Shown], at: int) -> list[Flow]:
        steps = list(enumerate(pairwise(near)))[max(0, at - _FLOW_REACH) : at + _FLOW_REACH + 1]
        return [self.of(old, new) for number, (old, new) in steps if number != at]

    def forget(self, old: _Shown) -> None:
        self._from.pop(old.number, None)


def _shrunk(picture: Frame, longer: int) -> Frame:
    height, width = picture.shape[:2]
    scale = longer / max(height, width)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _off(one: Frame, other: Frame) -> Frame:
    return np.asarray(cv2.absdiff(one, other), dtype=np.uint8)


def _more(moves: Frame, slack: Frame | int) -> Frame:
    """Where uint8 ends, it stays."""
    return np.asarray(np.minimum(moves.astype(np.uint16) + slack, 255), dtype=np.uint8)


def _mean(picture: Frame) -> float:
    return float(cv2.mean(picture)[0])
