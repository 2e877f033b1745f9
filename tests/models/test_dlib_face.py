from collections.abc import Callable
from itertools import combinations

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.models.centerface import CenterFace
from actor18m.models.dlib_face import SAME_BELOW, DlibFace


def test_frontal_faces_of_one_person_are_closer_than_the_bound_and_of_two_farther(
    pulled: Callable[..., None], face_views: dict[str, list[tuple[str, Frame]]]
) -> None:
    pulled("centerface", "dlib-face")
    detector, embedder = CenterFace.load(), DlibFace.load()
    known = [(person, embedder.embed([p], detector.detect([p])[0][:1])[0]) for person, p in face_views["front"]]
    assert all(vector.shape == (128,) and vector.dtype == np.float32 for _, vector in known)
    pairs = [(a == b, float(np.linalg.norm(x - y))) for (a, x), (b, y) in combinations(known, 2)]
    same = [distance for is_same, distance in pairs if is_same]
    different = [distance for is_same, distance in pairs if not is_same]
    assert len(same) >= 8
    assert max(same) < SAME_BELOW
    # small grey pictures: a few strangers come close, most do not
    assert np.mean(np.array(different) > SAME_BELOW) > 0.8
    assert np.median(different) > 2 * np.median(same)


def test_the_same_face_gives_the_same_numbers(
    pulled: Callable[..., None], face_views: dict[str, list[tuple[str, Frame]]]
) -> None:
    pulled("centerface", "dlib-face")
    _, picture = face_views["front"][0]
    face = CenterFace.load().detect([picture])[0][0]
    (one,), (other,) = (DlibFace.load().embed([picture], [face]) for _ in range(2))
    assert np.array_equal(one, other)


@pytest.mark.parametrize("box", [(-40.0, -40.0, 60.0, 60.0), (100.0, 90.0, 400.0, 400.0), (5.0, 5.0, 6.0, 6.0)])
def test_a_box_that_leaves_the_frame_or_has_no_size_is_survived(
    pulled: Callable[..., None],
    face_views: dict[str, list[tuple[str, Frame]]],
    box: tuple[float, float, float, float],
) -> None:
    pulled("centerface", "dlib-face")
    _, picture = face_views["front"][0]
    face = CenterFace.load().detect([picture])[0][0]
    vector = DlibFace.load().embed([picture], [type(face)(box, face.score, face.points)])[0]
    assert np.isfinite(vector).all()
