from dataclasses import replace

import numpy as np
import pytest

from accuracy.identities import TWINS, Known, compared, fit_faces, told
from accuracy.read import Seen
from accuracy.sets import SHIPPED, samples, shipped_folder


def face(person: str, clip: str, at: float) -> Known:
    return Known(person, clip, np.array([at], np.float32))


def test_pairs_are_of_one_clip_of_one_person_and_of_two() -> None:
    faces = [face("ann", "a", 0.0), face("ann", "a", 0.1), face("ann", "b", 0.3), face("bob", "c", 1.0)]
    pairs = compared(faces, "euclidean")
    assert pairs.of_one_clip == pytest.approx([0.9])
    assert pairs.of_one_person == pytest.approx([0.7, 0.8])
    assert pairs.of_two == pytest.approx([0.0, 0.1, 0.3])
    assert (told(pairs, 0.75).refused, told(pairs, 0.75).taken) == (round(1 / 3, 4), 0.0)


def test_pairs_of_two_sets_are_added_and_nobody_is_compared_across() -> None:
    one = compared([face("ann", "a", 0.0), face("bob", "b", 1.0)], "euclidean")
    both = one + one
    assert (both.of_one_clip, both.of_two) == ([], [0.0, 0.0])


def test_a_few_of_the_surest_fit_faces_are_compared_spread_over_the_clip() -> None:
    faces = [{"frame": n, "rank": rank, "fitness": 0.9 - 0.7 * (n == 4)} for n in range(10) for rank in (0, 1)]
    rows = {"identity": {"faces": faces}}
    (filmed,) = (clip for clip in samples(SHIPPED, shipped_folder()).clips if clip.name == "two_people_1")
    assert [(f["frame"], f["rank"]) for f in fit_faces(Seen(filmed, {}, rows))] == [(0, 0), (3, 0), (7, 0)]
    in_footage = replace(filmed, truth=None)
    assert fit_faces(Seen(in_footage, {}, rows)) == [], "of footage only clips that show one person"


def test_who_was_filmed_twice_is_one_person() -> None:
    assert not TWINS.keys() & set(TWINS.values())
