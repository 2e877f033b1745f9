"""Who is in each sample of a film: looked for everywhere in every few samples, and between them only where people are.

A detector that shrinks what it is given sees small people only if it looks at a picture in parts, so that to look
everywhere costs several looks. Who is there for half a second is seen by then. Between two samples that show one
person, one look at the square about them is enough, and shows them larger. Where it does not show one person, and
whole, or where there are several, of whom it must be known how sure they are, it is looked everywhere.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

import numpy as np

from actor18m.arrays import Box, Floats, Frame
from actor18m.media.boxes import around, moved, size
from actor18m.media.chunks import BYTES_AT_ONCE
from actor18m.media.geometry import Region
from actor18m.models.roles import Person, PersonDetector

_MARGIN = 0.2
"""Around the person, in their longer side: so far they may be from where they were before and after."""
_SMALL = 0.25
"""Who is smaller than this share of a square that is larger than the frame's shorter side is looked for everywhere."""
_CUT = 0.02
"""A box as near as this to an edge of its square, in sides, is likely to be cut by it."""
_GREY = 127
"""Beyond the frame."""

Sample = tuple[float, Frame, Floats]
"""When a frame is shown, uint8[H, W, 3], and what it is encoded as."""


@dataclass(frozen=True)
class PeopleFinder:
    detector: PersonDetector
    every: int
    """Of the samples, so many-th ones are looked at everywhere, and the last one."""
    min_score: float
    """People at least so sure are counted."""

    def people(self, chunks: Iterable[Sequence[Sample]]) -> Iterator[list[tuple[Sample, list[Person]]]]:
        """Each sample with its people, the surest first, in lists that follow one another. What is found does not
        depend on how many come at a time."""
        held: list[Sample] = []
        known: list[list[Person]] = []
        """Of the first one that is held, once it was looked at."""
        first = 0
        for chunk in chunks:
            held += chunk
            everywhere = [at for at, (_, frame, _) in enumerate(held) if self._is_whole(first + at, frame)]
            found = self._between(held, everywhere, known)
            yield list(zip(held, found[:-1], strict=False))
            held, known, first = held[everywhere[-1] :], found[-1:], first + everywhere[-1]
        if held:
            everywhere = sorted({0, len(held) - 1})
            yield list(zip(held, self._between(held, everywhere, known), strict=True))

    def _is_whole(self, number: int, frame: Frame) -> bool:
        """Large frames are: those between two cannot be held."""
        return number % self.every == 0 or self.every * frame.nbytes > BYTES_AT_ONCE

    def _between(
        self, samples: Sequence[Sample], everywhere: Sequence[int], known: Sequence[list[Person]]
    ) -> list[list[Person]]:
        """The people of the samples from the first to the last of those that are looked at everywhere."""
        frames = [frame for _, frame, _ in samples]
        found = dict(zip(everywhere, known, strict=False))
        found |= self._found(frames, [at for at in everywhere if at not in found])
        # one look at those between two, where the people of both are
        squares = {
            at: square
            for before, after in pairwise(everywhere)
            for at in range(before + 1, after)
            if (square := self._square(frames[before : after + 1], found[before], found[after])) is not None
        }
        seen = self.detector.people([cut_out(frames[at], square) for at, square in squares.items()]) if squares else []
        for (at, square), people in zip(squares.items(), seen, strict=True):
            there = [_in_frame(person, square, frames[at]) for person in people]
            if self._is_one(there, square, frames[at]):
                found[at] = [person for person in there if size(person.box) > 0]
        # and everywhere where that was not enough
        found |= self._found(frames, [at for at in range(everywhere[-1]) if at not in found])
        return [found[at] for at in range(everywhere[-1] + 1)]

    def _found(self, frames: Sequence[Frame], wanted: Sequence[int]) -> dict[int, list[Person]]:
        found = self.detector.people([frames[at] for at in wanted]) if wanted else []
        return dict(zip(wanted, found, strict=True))

    def _sure(self, people: Sequence[Person]) -> list[Person]:
        return [person for person in people if person.score >= self.min_score]

    def _square(self, frames: Sequence[Frame], before: Sequence[Person], after: Sequence[Person]) -> Region | None:
        """Where to look for the one person between two samples; None where one look would not do."""
        is_one = len(self._sure(before)) == len(self._sure(after)) == 1
        if not is_one or len({frame.shape for frame in frames}) > 1:
            return None
        # who is less sure may be a part of the person, or go on with somebody's track
        boxes = [person.box for person in (*before, *after)]
        height, width = frames[0].shape[:2]
        square = square_about(reduce(around, boxes), height, width)
        side = square[2] - square[0]
        is_near = side <= min(height, width) or min(map(_longer, boxes)) >= _SMALL * side
        return square if is_near else None

    def _is_one(self, people: Sequence[Person], square: Region, frame: Frame) -> bool:
        """Whether there is one person, who is not cut by the square."""
        sure = self._sure(people)
        return len(sure) == 1 and not _is_cut(sure[0].box, square, frame)


def square_about(box: Box, height: int, width: int) -> Region:
    """With a margin, moved into the frame; where the frame is smaller the square goes on to its right or below it."""
    x0, y0, x1, y1 = box
    side = round(min(_longer(box) * (1 + 2 * _MARGIN), max(height, width)))
    left = min(max(0, round((x0 + x1 - side) / 2)), max(0, width - side))
    top = min(max(0, round((y0 + y1 - side) / 2)), max(0, height - side))
    return left, top, left + side, top + side


def cut_out(frame: Frame, square: Region) -> Frame:
    x0, y0, x1, y1 = square
    inside = frame[y0:y1, x0:x1]
    if inside.shape[:2] == (y1 - y0, x1 - x0):
        return np.ascontiguousarray(inside)
    out = np.full((y1 - y0, x1 - x0, 3), _GREY, dtype=np.uint8)
    out[: inside.shape[0], : inside.shape[1]] = inside
    return out


def _in_frame(person: Person, square: Region, frame: Frame) -> Person:
    height, width = frame.shape[:2]
    x0, y0, x1, y1 = moved(person.box, (square[0], square[1]))
    return Person((x0, y0, min(x1, float(width)), min(y1, float(height))), person.score)


def _is_cut(box: Box, square: Region, frame: Frame) -> bool:
    """By an edge of the square that is none of the frame."""
    height, width = frame.shape[:2]
    left, top, right, bottom = square
    near = _CUT * (right - left)
    at_side = (left > 0 and box[0] < left + near) or (right < width and box[2] > right - near)
    return at_side or (top > 0 and box[1] < top + near) or (bottom < height and box[3] > bottom - near)


def _longer(box: Box) -> float:
    return max(box[2] - box[0], box[3] - box[1])
