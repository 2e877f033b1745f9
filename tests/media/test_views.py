import itertools

import pytest

from actor18m.media.views import angle_between, body_view, circular_median, face_view, face_view_of, view_shown


@pytest.mark.parametrize(
    ("yaw", "pitch", "view"),
    [
        (0, 0, "front"), (19.9, -14.9, "front"), (20, 0, "left"), (-20, 0, "right"), (0, 15, "up"), (0, -15, "down"),
        (30, 20, "left"), (30, 24, "up"), (-40, -29, "right"), (-40, -31, "down"), (20, 15, "left"), (350, 0, "front"),
        (270, 0, "right"), (180, 0, "left"),
    ],
)  # fmt: skip
def test_a_face_looks_where_it_is_farther_out_in_widths_of_its_own_bin(yaw: float, pitch: float, view: str) -> None:
    assert face_view(yaw, pitch) == view


@pytest.mark.parametrize(
    ("yaw", "pitch", "view"),
    [(80, None, "left"), (-46, None, "right"), (30, None, None), (None, 5, None), (0, 0, "front"), (-46, 40, "up")],
)
def test_a_profile_whose_pitch_is_not_known_has_a_view(
    yaw: float | None, pitch: float | None, view: str | None
) -> None:
    assert face_view_of(yaw, pitch) == view


@pytest.mark.parametrize(
    ("yaw", "view"),
    [(0, "front"), (-44.9, "front"), (45, "side"), (-135, "side"), (135.1, "back"), (180, "back"), (-360, "front")],
)
def test_a_body_is_seen_from_front_side_or_back(yaw: float, view: str) -> None:
    assert body_view(yaw) == view


@pytest.mark.parametrize(("one", "other", "between"), [(10, -10, 20), (170, -170, 20), (180, 0, 180), (-90, 270, 0)])
def test_the_way_between_angles_is_the_shorter_one(one: float, other: float, between: float) -> None:
    assert angle_between(one, other) == between
    assert angle_between(other, one) == between


@pytest.mark.parametrize("turned", [0, 90, 175, -175])
def test_a_median_turns_with_its_angles(turned: float) -> None:
    angles = [turned + off for off in (-20, -10, 0, 3, 4)]
    for ordered in itertools.permutations(angles):
        middle = circular_median(ordered)
        assert middle is not None
        assert angle_between(middle, turned) < 1e-9


def test_an_even_number_of_angles_has_its_median_between_two() -> None:
    assert circular_median([178, -170, 176, -178]) == 180


def test_one_outlier_does_not_move_the_median() -> None:
    assert circular_median([1, 2, 3, 178]) == 2.5
    assert circular_median([1, 2, 3, -170, 2]) == 2


def test_nothing_has_no_median() -> None:
    assert circular_median([]) is None


@pytest.mark.parametrize(
    ("viewpoint", "yaw_deg", "view"),
    [
        ("front", 3.0, "front"),
        ("left", 30.0, "left"),
        ("up", 0.0, "bottom_up"),
        ("down", 0.0, "top_down"),
        ("side", 90.0, "left"),
        ("side", -90.0, "right"),
        ("side", None, None),
        ("back", 180.0, "back"),
        (None, 10.0, None),
    ],
)
def test_what_is_seen_is_one_of_the_views_that_can_be_asked_for(
    viewpoint: str | None, yaw_deg: float | None, view: str | None
) -> None:
    assert view_shown(viewpoint, yaw_deg) == view


def test_who_turns_to_their_own_left_shows_the_same_view_with_face_and_body() -> None:
    assert view_shown(face_view(60.0, 0.0), 60.0) == view_shown(body_view(60.0), 60.0) == "left"
