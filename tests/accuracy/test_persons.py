import numpy as np
import pytest

from accuracy.persons import Piece, of_pieces, pieces
from accuracy.read import Seen
from accuracy.sets import SHIPPED, samples, shipped_folder
from actor18m.relations.linkage import Same
from stages.identity import Identity, template

SAME = Same(stage="identity", within=0.3)


def piece(person: str, at: float) -> Piece:
    return person, np.array([at, 0.0], np.float32)


def test_people_are_joined_by_pairs_and_kept_together_by_pieces() -> None:
    told = of_pieces([piece("ann", 0.0), piece("ann", 0.2), piece("ann", 0.9), piece("bob", 0.1)], SAME)
    assert told["pairs of two people told to be one"].value == pytest.approx(2 / 3, abs=1e-4)
    assert told["a person's pieces together"].value == pytest.approx(2 / 3, abs=1e-4), "of those with several"
    assert told["a person's pieces together"].n == 3


def test_a_clip_is_taken_apart_by_seconds_and_where_faces_are_too_few_nothing_is_told() -> None:
    (filmed,) = (clip for clip in samples(SHIPPED, shipped_folder()).clips if clip.name == "talk_yaw_1")
    fitness = [0.5, 0.6, 0.1, 0.4, 0.1, 0.1, 0.7]
    faces = [{"frame": number, "rank": 0, "fitness": each} for number, each in enumerate(fitness)]
    vectors = np.arange(14, dtype=np.float32).reshape(7, 2)
    row = {"frame_times": [float(number) for number in range(7)], "faces": faces}
    found = list(pieces(Seen(filmed, {}, {"identity": row}, vectors)))
    assert len(found) == 2, "the second piece has one face that is just fit"
    expected = template(vectors[:3], fitness[:3], Identity.parameters)
    assert expected is not None
    np.testing.assert_array_equal(found[0][1], expected)
    np.testing.assert_array_equal(found[1][1], vectors[6])
