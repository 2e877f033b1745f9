from collections.abc import Callable

import cv2
import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.media.boxes import overlap
from actor18m.models.centerface import CenterFace, decode

Views = dict[str, list[tuple[str, Frame]]]


@pytest.fixture(scope="module")
def detector(pulled: Callable[..., None]) -> CenterFace:
    pulled("centerface")
    return CenterFace.load()


def test_one_face_is_found_in_pictures_from_the_front_and_both_sides(detector: CenterFace, face_views: Views) -> None:
    for view in ("front", "image_left", "image_right"):
        assert [len(detector.detect([picture])[0]) for _, picture in face_views[view]] == [1] * len(face_views[view])


def test_points_are_the_eyes_nose_and_mouth_in_the_subjects_order(detector: CenterFace, face_views: Views) -> None:
    for _, picture in face_views["front"]:
        face = detector.detect([picture])[0][0]
        right_eye, left_eye, nose, mouth_right, mouth_left = face.points
        assert right_eye[0] < nose[0] < left_eye[0]
        assert mouth_right[0] < nose[0] < mouth_left[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(mouth_right[1], mouth_left[1])
        x0, y0, x1, y1 = face.box
        assert ((face.points >= (x0, y0)) & (face.points <= (x1, y1))).all()


def test_a_box_stays_on_its_face_when_the_picture_grows_or_has_odd_sides(
    detector: CenterFace, face_views: Views
) -> None:
    for _, picture in face_views["front"][:5]:
        box = detector.detect([picture])[0][0].box
        for factor in (2.5, 9.0):
            large = cv2.resize(picture, None, fx=factor, fy=factor, interpolation=cv2.INTER_CUBIC)
            found = detector.detect([np.asarray(large, dtype=np.uint8)])[0]
            scaled = [value / factor for value in found[0].box]
            assert overlap((scaled[0], scaled[1], scaled[2], scaled[3]), box) > 0.7


def test_what_a_cell_tells_is_read_in_the_order_of_the_networks_numbers() -> None:
    """All of it differs in y and in x: cell, offset, size and points."""
    heat, offset, size, points = (np.zeros((n, 6, 9), np.float32) for n in (1, 2, 2, 10))
    heat[0, 2, 7] = 0.9
    offset[:, 2, 7] = 0.25, -0.5
    size[:, 2, 7] = np.log([5, 3])
    points[:, 2, 7] = np.linspace(0.05, 0.95, 10)
    ((box, score, found),) = decode(heat[0], size, offset, points, 0.5)
    left, top = 4 * 7.0 - 6, 4 * 2.75 - 10
    assert box == pytest.approx((left, top, left + 12, top + 20))
    assert score == pytest.approx(0.9)
    assert found == pytest.approx(points[:, 2, 7].reshape(5, 2)[:, ::-1] * (12, 20) + (left, top))


def test_faces_are_sorted_by_score_and_each_is_told_once(detector: CenterFace, face_views: Views) -> None:
    row = np.concatenate([picture for _, picture in face_views["front"][:4]], axis=1)
    faces = detector.detect([row])[0]
    assert len(faces) == 4
    assert [f.score for f in faces] == sorted((f.score for f in faces), reverse=True)


def test_no_face_is_found_where_there_is_none(detector: CenterFace, body_views: list[Frame]) -> None:
    assert detector.detect([np.full((90, 160, 3), 127, dtype=np.uint8)])[0] == []
    assert detector.detect([body_views[4]])[0] == [], "the back of a head"


def test_the_same_picture_gives_the_same_numbers(detector: CenterFace, face_views: Views) -> None:
    picture = face_views["front"][0][1]
    first, second = detector.detect([picture])[0][0], CenterFace.load().detect([picture])[0][0]
    assert (first.box, first.score) == (second.box, second.score)
    assert np.array_equal(first.points, second.points)
