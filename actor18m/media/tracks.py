"""Who is who from sample to sample: detected people joined into tracks, and the one track the clip is about."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from actor18m.arrays import Box, Floats
from actor18m.media.boxes import around, centre, inside, moved, overlap, size


@dataclass(frozen=True, eq=False)
class SeenPerson:
    """A person in one sample, and what became of the points on them in the next one."""

    box: Box
    score: float
    colours: Floats
    """float32[C]: a histogram that sums to 1."""
    kept: float = 0.0
    """Share of the points that are still seen in the next sample."""
    step: tuple[float, float] = (0.0, 0.0)
    """How far the points moved until then, in pixels; the middle one."""


@dataclass
class Track:
    """One person through time: who was seen at which sample."""

    seen: dict[int, SeenPerson] = field(default_factory=dict)

    @property
    def last(self) -> int:
        return next(reversed(self.seen))


def tracks(samples: Sequence[Sequence[SeenPerson]], min_score: float, max_gap: int) -> list[Track]:
    """Joins each person to the likeliest track, best pairs first. A track begins with someone at least `min_score`
    sure; someone less sure may go on with one, after at most `max_gap` samples without."""
    found: list[Track] = []
    for number, people in enumerate(samples):
        open_tracks = [track for track in found if number - track.last <= max_gap]
        pairs = [
            (likeness(track.seen[track.last], person, number - track.last, min_score), -i, -j)
            for i, track in enumerate(open_tracks)
            for j, person in enumerate(people)
        ]
        taken: set[int] = set()
        joined: set[int] = set()
        for like, i, j in sorted(pairs, reverse=True):
            if like <= 0 or -i in joined or -j in taken:
                continue
            open_tracks[-i].seen[number] = people[-j]
            joined.add(-i)
            taken.add(-j)
        for j, person in enumerate(people):
            if j not in taken and person.score >= min_score:
                found.append(Track({number: person}))
    return found


_NEAR = 0.3
_WITHIN = 0.5
_SAME_PLACE = 0.7
_ALIKE = 0.6
_REACH = 0.6
"""How far someone who is like the one before may have moved in a sample, in lengths of the box's longer side."""


def likeness(before: SeenPerson, now: SeenPerson, gap: int, min_score: float) -> float:
    """How likely two sightings, `gap` samples apart, are one person: 0 where they cannot be. Someone less than
    `min_score` sure must be where the one before was."""
    shared = overlap(moved(before.box, before.step), now.box)
    alike = colour_similarity(before.colours, now.colours)
    (x0, y0), (x1, y1) = centre(before.box), centre(now.box)
    reach = _REACH * gap**0.5 * max(before.box[2] - before.box[0], before.box[3] - before.box[1])
    is_near = shared >= _NEAR or (
        now.score >= min_score and alike >= _ALIKE and float(np.hypot(x1 - x0, y1 - y0)) <= reach
    )
    return shared + alike if is_near else 0.0


def colour_similarity(one: Floats, other: Floats) -> float:
    """Of two histograms, 0 to 1: Bhattacharyya's coefficient."""
    return float(np.sqrt(one.astype(np.float64) * other.astype(np.float64)).sum())


def prominence(track: Track, height: int, width: int) -> float:
    """How much a clip is about a track: for each sample, how sure, how large and how near the middle. Being sure counts
    twice: what is half sure to be a person through a whole clip is furniture."""
    total = 0.0
    for person in track.seen.values():
        x, y = centre(person.box)
        off = float(np.hypot((x - width / 2) / width, (y - height / 2) / height))
        total += person.score**2 * (size(person.box) / (height * width)) ** 0.5 * float(np.exp(-2 * off**2))
    return total


def subject(found: Sequence[Track], weights: Sequence[float], min_alike: float) -> Track:
    """The person of the largest weight. A person is a track, and the ones that look like it and lie outside its time;
    or beside it only where they lie over it, as parts of a body do that a detector takes for two."""
    order = sorted(range(len(found)), key=lambda i: (-weights[i], i))
    colours = [looks(track) for track in found]
    heaviest, chosen = 0.0, Track()
    for i in order:
        whole, weight = dict(found[i].seen), weights[i]
        for j in order:
            if j == i or colour_similarity(colours[i], colours[j]) < min_alike:
                continue
            other = found[j].seen
            if all(_one_body(whole, other, at) for at in whole.keys() & other.keys()):
                whole, weight = {**other, **whole}, weight + weights[j]
        if weight > heaviest:
            heaviest, chosen = weight, Track(dict(sorted(whole.items())))
    return chosen


def _one_body(one: Mapping[int, SeenPerson], other: Mapping[int, SeenPerson], at: int) -> bool:
    """Whether two boxes of a sample are parts of one person: one lies over the other, or both together are where a
    person is in the nearest sample in which only one is told."""
    a, b = one[at].box, other[at].box
    if max(inside(a, b), inside(b, a)) >= _WITHIN:
        return True
    alone = min(one.keys() ^ other.keys(), key=lambda sample: (abs(sample - at), sample), default=None)
    return alone is not None and overlap(around(a, b), (one.get(alone) or other[alone]).box) >= _SAME_PLACE


def looks(track: Track) -> Floats:
    """Its colours through time; where the person is large and surely seen they count more."""
    people = track.seen.values()
    weights = np.array([size(person.box) * person.score for person in people])
    mean = np.average([person.colours for person in people], axis=0, weights=weights)
    return np.asarray(mean, dtype=np.float32)
