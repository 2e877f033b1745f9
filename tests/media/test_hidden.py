from actor18m.arrays import Box
from actor18m.media.hidden import gone, hidden_runs, visible_fractions

FRAME = (540, 960)


def standing(width: float, x: float = 400) -> Box:
    return (x, 100, x + width, 500)


def test_who_disappears_behind_something_is_hidden_until_they_come_back() -> None:
    boxes = [*[standing(120)] * 8, standing(60), standing(20), *[None] * 6, standing(30), *[standing(120)] * 8]
    visible = visible_fractions(boxes, FRAME, 12)
    kept = [1.0 if box == standing(120) else 0.2 for box in boxes]
    assert visible[0] == 1
    assert visible[8] == 0.5
    assert hidden_runs(visible, kept, 0.4, 0.35, 2) == [(9, 16)]


def test_who_turns_sideways_keeps_their_points_and_is_not_hidden() -> None:
    boxes = [*[standing(240)] * 8, *[standing(80)] * 6, *[standing(240)] * 8]
    visible = visible_fractions(boxes, FRAME, 12)
    assert min(visible) < 0.4
    assert hidden_runs(visible, [0.8] * len(boxes), 0.4, 0.35, 2) == []
    assert hidden_runs(visible, [0.3] * len(boxes), 0.4, 0.35, 2) == [(8, 13)]


def test_who_stays_turned_is_as_wide_as_they_can_be() -> None:
    visible = visible_fractions([*[standing(240)] * 8, *[standing(80)] * 8], FRAME, 12)
    assert visible[:-1] == [1.0] * 15, "but for the last sample, after which nothing tells"


def test_who_leaves_the_frame_is_gone_and_not_hidden() -> None:
    to_right: list[Box | None] = [*[standing(120, 500 + 60 * i) for i in range(6)], (860, 100, 960, 500), *[None] * 6]
    to_left: list[Box | None] = [box and (960 - box[2], box[1], 960 - box[0], box[3]) for box in to_right]
    for boxes in (to_right, to_left):
        assert gone(boxes, FRAME) == [False] * 7 + [True] * 6
        visible = visible_fractions(boxes, FRAME, 12)
        assert hidden_runs(visible, [0.2] * len(boxes), 0.4, 0.35, 2) == []


def test_a_moment_is_no_run() -> None:
    assert hidden_runs([1, 0.1, 1, 0.1, 0.1, 0.1], [0.1] * 6, 0.4, 0.35, 2) == [(3, 5)]
