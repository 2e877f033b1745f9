"""Rows as the stages before would write them: nothing else is read."""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import pytest

from actor18m.media.views import angle_between
from actor18m.models.roles import KEYPOINTS
from actor18m.stage import Clip, Row
from stages.select import Select, SelectParameters
from tests.stages.clear_rows import HEIGHT, TURN, WIDTH, body, clip, face, pose


def turning(**other: Any) -> Clip:
    return clip(
        bodies=[body(sample) for sample in range(len(TURN))],
        poses=[pose(sample, yaw, **other) for sample, yaw in enumerate(TURN)],
    )


def chosen(given: Clip, **parameters: Any) -> Mapping[str, Any]:
    stage = Select(SelectParameters(**parameters))
    (row,) = stage.measure([given])
    assert isinstance(row, Row)
    stage.check(row)
    assert Select.writes.table([row], {row.key: ""}).num_rows == 1
    references = row.values["references"]
    assert isinstance(references, list)
    assert all(each["mask"] == b"mask of %d" % each["sample"] for each in references)
    return row.values


def samples(row: Mapping[str, Any], region: str) -> list[int]:
    return [each["sample"] for each in row["references"] if each["region"] == region]


def test_bodies_are_spread_over_all_sides() -> None:
    row = chosen(turning())
    assert row["bodies"] == len(samples(row, "body")) == 5
    yaws = [each["yaw_deg"] for each in row["references"]]
    assert min(angle_between(a, b) for i, a in enumerate(yaws) for b in yaws[:i]) >= 45
    assert {each["viewpoint"] for each in row["references"]} == {"front", "side", "back"}


def test_faces_are_spread_over_yaw_and_pitch() -> None:
    angles = [(0, 0), (2, 1), (40, 0), (42, 3), (-40, 0), (0, 30), (1, 31), (0, -30)]
    faces = [face(sample, *each) for sample, each in enumerate(angles)]
    row = chosen(clip(faces, [body(sample) for sample in range(len(angles))]))
    assert sorted(each["viewpoint"] for each in row["references"]) == ["down", "front", "left", "right", "up"]


def test_who_always_looks_the_same_way_is_shown_at_different_times() -> None:
    faces = [face(sample, 0.0, score=0.9 + sample / 1000) for sample in range(33)]  # the last is the best
    row = chosen(clip(faces, [body(sample) for sample in range(33)]), max_faces=3)
    times = [each["time_s"] for each in row["references"]]
    assert times == sorted(times)
    assert min(after - before for before, after in pairwise(times)) >= 1.5
    assert [each["name"] for each in row["references"]] == ["face-self-01", "face-self-02"], "a third shows nothing new"


def test_another_expression_is_worth_a_picture() -> None:
    shown = ["neutral"] * 11 + ["happiness"] * 11 + ["surprise"] * 11
    faces = [face(sample, 0.0, expression=each) for sample, each in enumerate(shown)]
    row = chosen(clip(faces, [body(sample) for sample in range(33)]))
    assert {each["expression"] for each in row["references"]} == {"neutral", "happiness", "surprise"}


def test_another_pose_is_worth_a_picture_and_the_same_one_is_not() -> None:
    """Somebody stands still for four seconds, or lifts both arms halfway."""
    poses = [pose(sample, 0.0) for sample in range(33)]
    lifted = [
        each | {"points": raised(each["points"]) if sample > 16 else each["points"]}
        for sample, each in enumerate(poses)
    ]
    bodies = [body(sample) for sample in range(33)]
    still, moving = samples(chosen(clip((), bodies, poses)), "body"), samples(chosen(clip((), bodies, lifted)), "body")
    assert len(still) == 2
    assert len(moving) == 4
    assert min(still[1] - still[0], moving[2] - moving[0]) >= 15, "at different times"


def raised(points: Sequence[float]) -> list[float]:
    """Elbows and wrists by a third of the body."""
    up = [name.split("_")[-1] in ("elbow", "wrist") for name in KEYPOINTS]
    return [value - 130 * (up[at // 2] and at % 2) for at, value in enumerate(points)]


def test_a_picture_that_shows_nothing_new_is_not_worth_its_place() -> None:
    faces = [face(sample, 0.0) for sample in range(2)]
    row = chosen(clip(faces, [body(sample) for sample in range(2)]))
    assert row["faces"] == 1


def test_there_are_no_more_than_wanted() -> None:
    faces = [face(sample, yaw) for sample, yaw in enumerate(TURN)]
    given = clip(faces, turning().upstream["bodies"]["bodies"], turning().upstream["pose"]["poses"])
    row = chosen(given, max_faces=2, max_bodies=0)
    assert (row["faces"], row["bodies"], len(row["references"])) == (2, 0, 2)
    assert row["is_golden"], "anchors are told of bodies that are not wanted, too"


@pytest.mark.parametrize(
    "unfit",
    [{"size_px": 47.0}, {"visibility": 0.4}, {"visibility": None}, {"has_mesh": False, "pitch_deg": None}],
    ids=["small", "hidden", "of no known visibility", "of no known pitch"],
)
def test_faces_that_show_too_little_are_not_chosen(unfit: Mapping[str, Any]) -> None:
    bodies = [body(0), body(1)]
    row = chosen(clip([face(0, 0.0, **unfit), face(1, 40.0)], bodies))
    assert samples(row, "face") == [1]


def test_a_face_goes_with_its_mask() -> None:
    assert chosen(clip([face(0, 0.0), face(1, 40.0)], [body(1)]))["faces"] == 1


@pytest.mark.parametrize(
    ("hidden", "bodies"),
    [(("ankle", "knee", "hip"), 1), (("ankle", "knee", "hip", "elbow", "wrist"), 0), (("left",), 1)],
    ids=["cut off at the waist", "head and shoulders", "seen from the side"],
)
def test_a_body_needs_more_than_its_shoulders(hidden: Sequence[str], bodies: int) -> None:
    assert chosen(clip(bodies=[body(0)], poses=[pose(0, 0.0, hidden=hidden)]))["bodies"] == bodies


def test_bodies_that_are_small_or_face_nobody_knows_where_are_not_chosen() -> None:
    far = body(0, (300, 100, 340, 227))
    assert chosen(clip(bodies=[far, body(1)], poses=[pose(0, 0.0), pose(1, None)]))["bodies"] == 0


def test_nobody_else_is_in_a_crop() -> None:
    crowded = [body(sample, others_share=0.06 if sample < 8 else 0.05) for sample in range(len(TURN))]
    faces = [face(sample, yaw) for sample, yaw in enumerate(TURN)]
    row = chosen(clip(faces, crowded, turning().upstream["pose"]["poses"]))
    assert min(samples(row, "face")) >= 8
    assert min(samples(row, "body")) >= 8
    assert {each["others_share"] for each in row["references"]} == {0.05}


def test_of_pictures_alike_the_sharp_one_is_chosen() -> None:
    faces = [face(sample, 0.0, sharpness=sharp) for sample, sharp in enumerate((20.0, 100.0, 30.0))]
    bodies = [body(sample, sharpness=sharp) for sample, sharp in enumerate((90.0, 40.0, 80.0))]
    row = chosen(clip(faces, bodies, [pose(sample, 0.0) for sample in range(3)]))
    assert samples(row, "face") == [1]
    assert samples(row, "body") == [0]


def test_a_face_that_is_blurred_beside_those_of_its_clip_is_not_chosen() -> None:
    """Two seconds away from any other, with another expression, so that much speaks for it but that it is blurred."""
    faces = [face(sample, 0.0, sharpness=200.0) for sample in (0, 1, 2, 34, 35, 36)]
    blurred = [face(sample, 0.0, sharpness=40.0, expression="surprise") for sample in (17, 18, 19)]
    row = chosen(clip(faces + blurred, [body(sample) for sample in range(37)]))
    assert samples(row, "face") == [0, 34]


def test_what_a_mask_lost_of_feet_and_hands_is_in_the_crop() -> None:
    legless = (240, 40, 400, 380)
    seen = pose(0, 0.0)
    at = {"ankle": (330.0, 400.0), "wrist": (430.0, 200.0), "nose": (320.0, 60.0)}
    points = [value for name in KEYPOINTS for value in at.get(name.split("_")[-1], (320.0, 200.0))]
    (reference,) = chosen(clip((), [body(0, legless)], [seen | {"points": points}]))["references"]
    assert reference["y1"] >= 420 + 20, "feet end below ankles, and there is a margin"
    assert reference["x1"] >= 430 + 20
    hidden = seen | {"points": points, "visibility": [0.2 if "wrist" in name else 0.9 for name in KEYPOINTS]}
    (reference,) = chosen(clip((), [body(0, legless)], [hidden]))["references"]
    assert reference["x1"] < 430, "a hand that is hidden is guessed"


def test_a_side_that_is_plainer_or_hides_its_face_is_not_worse() -> None:
    given = turning()
    behind = [abs(yaw) > 90 for yaw in TURN]
    bodies = [body(sample, sharpness=40.0 if gone else 100.0) for sample, gone in enumerate(behind)]
    hidden = [
        pose(i, yaw, hidden=("eye", "nose") if gone else ())
        for i, (yaw, gone) in enumerate(zip(TURN, behind, strict=True))
    ]
    row = chosen(clip(bodies=bodies, poses=hidden))
    assert {each["viewpoint"] for each in row["references"]} == {"front", "side", "back"}
    assert chosen(given)["is_golden"]


def test_a_body_in_plain_clothes_is_not_blurred() -> None:
    given = turning()
    plain = [each | {"sharpness": 1.0} for each in given.upstream["bodies"]["bodies"]]
    assert chosen(clip(bodies=plain, poses=given.upstream["pose"]["poses"])) == chosen(given)


def test_the_clearest_shows_most_of_the_person() -> None:
    faces = [face(0, 60.0), face(1, 12.0, size_px=70.0, visibility=0.6), face(2, -12.0), face(3, -60.0)]
    given = clip(faces, turning().upstream["bodies"]["bodies"], turning().upstream["pose"]["poses"])
    clearest = [each for each in chosen(given)["references"] if each["is_clearest"]]
    assert [each["region"] for each in clearest] == ["face", "body"]
    assert (clearest[0]["sample"], clearest[1]["yaw_deg"]) == (2, 0)


def test_who_turns_round_is_golden_and_anchors_face_their_way() -> None:
    row = chosen(turning())
    assert row["is_golden"]
    assert [(each["view"], abs(each["yaw_deg"])) for each in row["anchors"]] == [
        ("front", 0),
        ("side", 90),
        ("back", 180),
    ]
    drawn = {each["anchor"]: each["sample"] for each in row["references"] if each["anchor"]}
    assert drawn == {each["view"]: each["sample"] for each in row["anchors"]}
    fewest = samples(chosen(turning(), max_bodies=3), "body")
    assert fewest == sorted(drawn.values()), "whatever else there is no room for"


@pytest.mark.parametrize(
    "less",
    [{"hidden": ("ankle",)}, {"score": 0.4}],
    ids=["feet beyond the frame", "hidden"],
)
def test_a_clip_that_never_shows_the_whole_body_is_not_golden(less: Mapping[str, Any]) -> None:
    row = chosen(turning(**less), min_trunk=0.3)
    assert (row["is_golden"], row["anchors"], row["bodies"]) == (False, [], 5)


def test_half_a_turn_is_not_golden() -> None:
    yaws = [11.25 * sample for sample in range(9)]
    poses = [pose(sample, yaw) for sample, yaw in enumerate(yaws)]
    row = chosen(clip(bodies=[body(sample) for sample in range(9)], poses=poses))
    assert not row["is_golden"]
    assert [each["view"] for each in row["anchors"]] == ["front", "side"]


def test_an_anchor_is_where_a_view_is_held_and_no_single_slip() -> None:
    held = [60.0, 0.0, 60.0, 60.0, 60.0, 3.0, 3.0, 3.0, 60.0]
    poses = [pose(sample, yaw) for sample, yaw in enumerate(held)]
    row = chosen(clip(bodies=[body(sample) for sample in range(9)], poses=poses))
    (anchor,) = row["anchors"]
    assert (anchor["view"], anchor["sample"]) == ("front", 6)


def test_anchors_lie_apart() -> None:
    row = chosen(turning(), anchor_within_deg=80.0, anchor_gap_s=0.75)
    times = sorted(each["time_s"] for each in row["anchors"])
    assert len(times) == 3
    assert min(after - before for before, after in pairwise(times)) >= 0.75


def test_without_anybody_there_is_nothing() -> None:
    nothing = {"references": [], "faces": 0, "bodies": 0, "anchors": [], "is_golden": False}
    assert chosen(clip()) == nothing
    assert chosen(clip(bodies=[body(0)])) == nothing
    assert chosen(clip([face(0, 0.0)], poses=[pose(0, 0.0)])) == nothing


def test_crops_have_a_margin() -> None:
    crops = chosen(clip([face(0, 0.0)], [body(0)], [pose(0, 0.0)]))["references"]
    assert [[each[side] for side in ("x0", "y0", "x1", "y1")] for each in crops] == [
        [220, 10, 400, 190],
        [216, 16, 424, 464],
    ]


@pytest.mark.parametrize("box", [(0, 0, 90, 100), (560, 400, 640, 480), (0, 0, 640, 480), (100, 0, 300, 480)])
def test_crops_lie_in_the_frame_and_faces_are_square(box: tuple[int, int, int, int]) -> None:
    corner = dict(zip(("x0", "y0", "x1", "y1"), map(float, box), strict=True))
    row = chosen(clip([face(0, 0.0, **corner)], [body(0, box)], [pose(0, 0.0)]), min_body_px=10)
    assert len(row["references"]) == 2
    for each in row["references"]:
        assert 0 <= each["x0"] < each["x1"] <= WIDTH
        assert 0 <= each["y0"] < each["y1"] <= HEIGHT
        if each["region"] == "face":
            assert each["x1"] - each["x0"] == each["y1"] - each["y0"]
        else:
            assert each["x0"] <= box[0] < box[2] <= each["x1"]
            assert each["y0"] <= box[1] < box[3] <= each["y1"]


def test_a_choice_does_not_depend_on_its_neighbours() -> None:
    one, other = turning(), clip([face(0, 0.0)], [body(0)], [pose(0, 0.0)], key="other")
    together = [row.values for row in Select().measure([one, other]) if isinstance(row, Row)]
    assert together == [chosen(one), chosen(other)]
