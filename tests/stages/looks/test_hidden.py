import pytest

from actor18m.models.roles import KEYPOINTS
from stages.looks.hidden import facing

HEAD = set(KEYPOINTS[:5])


@pytest.mark.parametrize(
    ("yaw", "hidden"),
    [
        (0, set()),
        # Turned to their own left: the left side is the far one.
        (90, {"left_eye", "left_ear", "left_shoulder", "left_elbow", "left_wrist", "left_hip", "left_knee"}),
        (-90, {"right_eye", "right_ear", "right_shoulder", "right_elbow", "right_wrist", "right_hip", "right_knee"}),
        (180, HEAD),
    ],
)
def test_what_looks_away_from_the_camera_is_hidden(yaw: float, hidden: set[str]) -> None:
    told = dict(zip(KEYPOINTS, facing(yaw, yaw).tolist(), strict=True))
    assert {name for name, share in told.items() if share < 0.5} == hidden


def test_a_head_may_look_away_while_the_body_does_not() -> None:
    told = dict(zip(KEYPOINTS, facing(180, 0).tolist(), strict=True))
    assert {name for name, share in told.items() if share < 0.5} == HEAD


def test_a_body_of_unknown_yaw_hides_nothing() -> None:
    assert facing(0, None).tolist()[5:] == [1.0] * (len(KEYPOINTS) - 5)
