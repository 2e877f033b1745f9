"""Words for what somebody does, by where they are and face."""

from collections.abc import Callable

import pytest

from actor18m.models.roles import KEYPOINTS
from stages.looks.framing import shot_size
from stages.looks.moving import MovingParameters, Seen, action_at, whole_action

OF = MovingParameters()
At = Callable[[float], float]


def somebody(
    yaw: At = lambda _: 0.0, x: At = lambda _: 0.5, height: At = lambda _: 0.4, face: At | None = None
) -> list[Seen]:
    """For four seconds; what is told by their share that has gone."""
    shares = [number / 32 for number in range(33)]
    return [Seen(4 * s, x(s), height(s), (yaw(s) + 180) % 360 - 180, None if face is None else face(s)) for s in shares]


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (somebody(), "stays in place"),
        (somebody(yaw=lambda s: 360 * s), "turns all the way round and stays in place"),
        (somebody(yaw=lambda s: 170 * s), "turns round and stays in place"),
        (somebody(yaw=lambda s: -80 * s), "turns and stays in place"),
        (somebody(face=lambda s: 50 * s), "turns the head and stays in place"),
        (somebody(yaw=lambda s: 80 * s, face=lambda s: 50 * s), "turns and stays in place"),
        (somebody(x=lambda s: 0.3 + 0.4 * s), "moves across the picture"),
        (somebody(height=lambda s: 0.2 + 0.3 * s), "comes nearer"),
        (somebody(height=lambda s: 0.5 - 0.3 * s), "moves away"),
    ],
)
def test_what_happens_over_a_clip(samples: list[Seen], words: str) -> None:
    assert whole_action(samples, OF) == words


def test_a_body_s_yaw_that_goes_along_with_the_head_is_no_turn() -> None:
    of = MovingParameters()
    assert whole_action(somebody(yaw=lambda s: 55 * s, face=lambda s: 160 * s - 80), of).startswith("turns the head")
    assert whole_action(somebody(yaw=lambda s: 55 * s, face=lambda s: 70 * s), of).startswith("turns and")


@pytest.mark.parametrize(
    ("samples", "words"),
    [
        (somebody(), "hardly moving"),
        (somebody(yaw=lambda s: 360 * s), "turning"),
        (somebody(x=lambda s: 0.1 + 0.8 * s), "moving to the right of the picture"),
        (somebody(x=lambda s: 0.9 - 0.8 * s, yaw=lambda s: 360 * s), "turning and moving to the left of the picture"),
        (somebody(face=lambda s: 200 * s - 100), "turning the head"),
    ],
)
def test_what_happens_at_a_moment(samples: list[Seen], words: str) -> None:
    assert action_at(samples, 16, OF) == words


def test_one_sample_tells_no_movement() -> None:
    assert action_at(somebody()[:1], 0, OF) == whole_action(somebody()[:1], OF) == "not told"
    assert whole_action(somebody()[:3], OF) == "not told", "too little time to say that they stay"


@pytest.mark.parametrize(
    ("lowest", "height", "name"),
    [
        ("ankle", 0.8, "full shot"),
        ("ankle", 0.3, "long shot"),
        ("knee", 0.9, "medium long shot"),
        ("hip", 0.9, "medium shot"),
        ("shoulder", 0.9, "medium close-up"),
        ("ear", 0.9, "close-up"),
    ],
)
def test_a_shot_is_called_by_the_lowest_point_that_it_shows(lowest: str, height: float, name: str) -> None:
    order = ["nose", "eye", "ear", "shoulder", "elbow", "wrist", "hip", "knee", "ankle"]
    shown = order[: order.index(lowest) + 1]
    assert shot_size([point.rpartition("_")[2] in shown for point in KEYPOINTS], height, 0.5) == name


def test_a_body_without_its_head_has_no_shot_size() -> None:
    is_head = [point.rpartition("_")[2] in ("nose", "eye", "ear") for point in KEYPOINTS]
    assert shot_size([not head for head in is_head], 0.8, 0.5) is None
