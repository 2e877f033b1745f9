from collections.abc import Callable

import cv2
import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.media.boxes import overlap
from actor18m.media.video import frames
from actor18m.models.efficientdet import EfficientDet, merged, squares
from actor18m.models.roles import Person
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth


@pytest.fixture(scope="module")
def detector(pulled: Callable[..., None]) -> EfficientDet:
    pulled("efficientdet")
    return EfficientDet.load()


def first_picture(name: str) -> tuple[Frame, list[Box]]:
    """And the boxes of the people in it."""
    truth = Truth.read(SHIPPED / f"{name}.json")
    _, frame = next(frames(str(SHIPPED / f"{name}.mp4")))
    return frame, [box for actor in truth.actors if (box := actor.body_box[0])]


@pytest.mark.parametrize("name", ["two_people_1", "turn_walking_1", "far_away_1", "from_behind_2", "phone_rotated_1"])
def test_people_are_found_where_they_are(detector: EfficientDet, name: str) -> None:
    frame, truth = first_picture(name)
    sure = [person for person in detector.people([frame])[0] if person.score >= 0.5]
    assert len(sure) == len(truth)
    for box in truth:
        assert max(overlap(person.box, box) for person in sure) > 0.7


def test_nobody_is_found_where_nobody_is(detector: EfficientDet) -> None:
    frame, _ = first_picture("nobody_1")
    assert detector.people([frame])[0] == []
    assert detector.people([np.full((90, 160, 3), 127, dtype=np.uint8)])[0] == []


def test_a_person_is_told_once_however_large_or_oblong_the_frame_is(detector: EfficientDet) -> None:
    frame, (truth,) = first_picture("sixty_fps_1")
    double = np.asarray(cv2.resize(frame, None, fx=2, fy=2), dtype=np.uint8)
    (person,) = (each for each in detector.people([double])[0] if each.score >= 0.5)
    x0, y0, x1, y1 = person.box
    assert overlap((x0 / 2, y0 / 2, x1 / 2, y1 / 2), truth) > 0.7
    narrow = np.ascontiguousarray(frame[:, round(truth[0]) : round(truth[2])])
    assert sum(each.score >= 0.5 for each in detector.people([narrow])[0]) == 1


@pytest.mark.parametrize(("height", "width", "count"), [(100, 100, 0), (540, 960, 3), (960, 540, 3), (300, 400, 2)])
def test_squares_cover_a_frame_from_end_to_end(height: int, width: int, count: int) -> None:
    covered = np.zeros((height, width), dtype=bool)
    found = squares(height, width)
    for x0, y0, x1, y1 in found:
        assert x1 - x0 == y1 - y0 == min(height, width)
        covered[y0:y1, x0:x1] = True
    assert len(found) == count
    assert covered.all() or not found


def test_a_cut_box_goes_where_the_whole_person_is_known_and_stays_elsewhere() -> None:
    whole, half = Person((100, 0, 200, 400), 0.6), Person((150, 0, 200, 400), 0.9)
    alone = Person((500, 0, 540, 400), 0.5)
    assert merged([whole], [half, alone]) == [whole, alone]
    assert merged([whole, Person((105, 0, 205, 400), 0.8)], []) == [Person((105, 0, 205, 400), 0.8)]
