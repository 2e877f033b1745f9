"""Looked for everywhere in few samples, and between them where somebody is: nobody is missed by it."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.models.roles import Person
from stages.looks.people import PeopleFinder, Sample, square_about

HEIGHT, WIDTH, EVERY = 90, 160, 4
ALONE = (60.0, 20.0, 90.0, 80.0)


class Painted:
    """Sees people in frames whose pixels say who is there: red counts people, green and blue tell the place."""

    def __init__(self) -> None:
        self.wholes, self.parts = 0, 0

    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        return [self._people(frame) for frame in frames]

    def _people(self, frame: Frame) -> list[Person]:
        self.wholes += frame.shape == (HEIGHT, WIDTH, 3)
        self.parts += frame.shape != (HEIGHT, WIDTH, 3)
        found = []
        for shade in sorted(set(np.unique(frame[..., 0])) - {0, 127}, reverse=True):
            rows, columns = np.nonzero(frame[..., 0] == shade)
            box = float(columns.min()), float(rows.min()), float(columns.max()) + 1, float(rows.max()) + 1
            found.append(Person(box, float(shade) / 255))
        return found


def film(there: Sequence[Mapping[Box, float]]) -> list[Sample]:
    """Each person as a rectangle of a shade that says how sure a detector would be."""
    samples = []
    for number, people in enumerate(there):
        frame = np.zeros((HEIGHT, WIDTH, 3), np.uint8)
        for (x0, y0, x1, y1), score in people.items():
            frame[int(y0) : int(y1), int(x0) : int(x1), 0] = round(255 * score)
        samples.append((number / 8, frame, np.zeros(1, np.float32)))
    return samples


def found(samples: Sequence[Sample], at_once: int = 5, every: int = EVERY) -> tuple[list[list[Box]], Painted]:
    detector = Painted()
    finder = PeopleFinder(detector, every, min_score=0.5)
    chunks = (samples[at : at + at_once] for at in range(0, len(samples), at_once))
    told = [each for some in finder.people(chunks) for each in some]
    assert [sample[0] for sample, _ in told] == [sample[0] for sample in samples]
    return [[person.box for person in people] for _, people in told], detector


def test_one_person_is_looked_for_everywhere_in_every_fourth_sample_and_in_the_last_one() -> None:
    walk = [{(20.0 + 2 * i, 20.0, 50.0 + 2 * i, 80.0): 0.8} for i in range(11)]
    boxes, detector = found(film(walk))
    assert boxes == [list(people) for people in walk]
    assert (detector.wholes, detector.parts) == (4, 7)


@pytest.mark.parametrize("at_once", [1, 2, 3, 4, 9, 16])
def test_what_is_found_does_not_depend_on_how_many_come_at_a_time(at_once: int) -> None:
    second = {(120.0, 20.0, 140.0, 80.0): 0.9}
    there = [{ALONE: 0.8} | (second if 6 <= i < 10 else {}) for i in range(14)]
    boxes, detector = found(film(there), at_once)
    expected, other = found(film(there), 14)
    assert boxes == expected
    assert (detector.wholes, detector.parts) == (other.wholes, other.parts)


@pytest.mark.parametrize("begin", range(1, 9))
def test_whoever_is_there_for_half_a_second_is_seen_in_each_of_its_samples(begin: int) -> None:
    second = {(120.0, 20.0, 140.0, 80.0): 0.9}
    boxes, _ = found(film([{ALONE: 0.8} | (second if begin <= i < begin + 4 else {}) for i in range(14)]))
    assert [len(each) for each in boxes] == [2 if begin <= i < begin + 4 else 1 for i in range(14)]


def test_where_the_person_is_lost_or_leaves_the_square_it_is_looked_everywhere() -> None:
    away = (5.0, 20.0, 35.0, 80.0)
    there = [{ALONE: 0.8}, {ALONE: 0.8}, {}, {away: 0.8}, {ALONE: 0.8}]
    boxes, detector = found(film(there))
    assert boxes == [list(people) for people in there]
    assert (detector.wholes, detector.parts) == (4, 3)


def test_the_other_samples_are_looked_at_everywhere_too_where_several_are_or_nobody() -> None:
    several = {ALONE: 0.8, (120.0, 20.0, 140.0, 80.0): 0.9}
    for people in (several, {}):
        _, detector = found(film([people] * 9))
        assert (detector.wholes, detector.parts) == (9, 0)


def test_who_is_unsure_beside_the_person_stays_within_what_is_looked_at() -> None:
    unsure = (100.0, 40.0, 120.0, 80.0)
    boxes, detector = found(film([{ALONE: 0.8, unsure: 0.3}] * 5))
    assert boxes == [[ALONE, unsure]] * 5
    assert detector.parts == 3


def test_a_person_too_large_for_a_square_of_the_frame_is_looked_at_in_one_that_goes_beyond_it() -> None:
    assert square_about((10, 2, 150, 88), HEIGHT, WIDTH) == (0, 0, 160, 160)
    wide = (10.0, 2.0, 150.0, 88.0)
    boxes, detector = found(film([{wide: 0.8}] * 5))
    assert boxes == [[wide]] * 5
    assert detector.parts == 3


def test_no_film_has_nobody() -> None:
    assert found([])[0] == []
    assert found(film([{ALONE: 0.8}]))[0] == [[ALONE]]
