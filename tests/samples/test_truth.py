import numpy as np
import pytest
from pydantic import ValidationError

from actor18m.samples.truth import ActorTruth, Expected, Truth, encode_mask, mask_frames


def actor(frames: int, masks: int) -> ActorTruth:
    return ActorTruth(
        identity="someone",
        role="subject",
        body_yaw_deg=[0.0] * frames,
        head_yaw_deg=[0.0] * frames,
        head_pitch_deg=[0.0] * frames,
        head_roll_deg=[0.0] * frames,
        expression=["neutral"] * frames,
        body_box=[(0, 0, 4, 4)] * frames,
        face_box=[None] * frames,
        body_visible=[1.0] * frames,
        face_visible=[0.0] * frames,
        keypoints=[None] * frames,
        body_masks=[None] * masks,
        face_masks=[None] * masks,
    )


def truth(frames: int = 24, actors: list[ActorTruth] | None = None) -> Truth:
    times = [k / 24 for k in range(frames)]
    return Truth(
        schema_version=1,
        name="clip",
        script="script",
        seed=1,
        width=32,
        height=18,
        rotation=0,
        fps=24.0,
        duration_s=frames / 24,
        frame_count=frames,
        expected=Expected(state="accepted", rules=[], why="a test"),
        cuts=[],
        occlusions=[],
        times_s=times,
        people=[1] * frames,
        mask_frames=mask_frames(np.array(times)),
        actors=[actor(frames, 8)] if actors is None else actors,
    )


def test_a_column_that_is_too_short_is_refused_by_name() -> None:
    with pytest.raises(ValidationError, match=r"actors\[0\].body_yaw_deg has 23 entries, the clip 24 frames"):
        truth(actors=[actor(24, 8).model_copy(update={"body_yaw_deg": [0.0] * 23})])


def test_masks_must_match_the_mask_frames() -> None:
    with pytest.raises(ValidationError, match=r"actors\[0\].body_masks has 7 entries, mask_frames 8"):
        truth(actors=[actor(24, 7)])


def test_unknown_fields_are_refused() -> None:
    with pytest.raises(ValidationError, match="identiy"):
        Expected.model_validate({"state": "accepted", "rules": [], "why": "", "identiy": "x"})


def test_a_mask_comes_back_as_it_was() -> None:
    mask = np.zeros((18, 32), np.bool_)
    mask[3:9, 5:20] = True
    mask[4, 6] = False
    assert np.array_equal(truth().mask(encode_mask(mask)), mask)


def test_eighths_of_a_second_take_the_last_frame_shown_by_then() -> None:
    assert mask_frames(np.arange(24) / 24) == [0, 3, 6, 9, 12, 15, 18, 21]
    assert mask_frames(np.array([0.0, 0.1, 0.13, 0.24, 0.5])) == [0, 1, 3, 3, 4]
