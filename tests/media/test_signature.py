import weakref
from collections.abc import Iterator
from itertools import combinations

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri
from actor18m.media.signature import BYTES, DUPLICATE_WITHIN, FRAMES, hamming, sample_times, signature
from actor18m.media.video import open_video, upright
from actor18m.samples.shipped import SHIPPED


def sampled(name: str, first: float = 0.0, last: float = 1.0) -> list[Frame]:
    """The frames that a window of a sample is known by; first and last as shares of it."""
    uri = canonical_uri(SHIPPED / f"{name}.mp4")
    with open_video(uri) as video:
        number = len(video.window.pts)
    with open_video(uri, cut=(round(number * first), round(number * last))) as video:
        window = video.window
        return [upright(frame) for _, frame in video.read(window.shown_at(sample_times(window.duration_s)))]


def test_a_copy_that_was_made_smaller_darker_and_cropped_is_known_again() -> None:
    frames = sampled("turn_standing_1")
    original = signature(frames)
    assert len(original) == BYTES
    copies: dict[str, list[Frame]] = {
        "smaller": [_smaller(frame) for frame in frames],
        "darker": [(frame * 0.7).astype(np.uint8) for frame in frames],
        "cropped": [frame[5:-5, 10:-10] for frame in frames],
    }
    distances = {how: hamming(original, signature(copy)) for how, copy in copies.items()}
    assert max(distances.values()) < DUPLICATE_WITHIN / 2, distances


def test_two_windows_of_one_take_are_two_clips() -> None:
    for name in ("talk_yaw_1", "expressions_1", "two_people_2"):
        distance = hamming(signature(sampled(name, 0, 0.5)), signature(sampled(name, 0.5, 1)))
        assert distance > DUPLICATE_WITHIN * 1.5, name


def test_pictures_that_never_move_are_told_apart_by_what_they_show() -> None:
    stills = {name: signature([sampled(name)[0]] * FRAMES) for name in ("talk_yaw_1", "talk_yaw_2", "nobody_1")}
    for one, other in combinations(stills, 2):
        assert hamming(stills[one], stills[other]) > DUPLICATE_WITHIN, (one, other)
    frame = sampled("talk_yaw_1")[0]
    assert hamming(stills["talk_yaw_1"], signature([frame[5:-5, 10:-10]] * FRAMES)) < DUPLICATE_WITHIN


def test_signatures_of_other_lengths_are_not_compared() -> None:
    with pytest.raises(ValueError, match="of 64 and of 8 bytes"):
        hamming(bytes(64), bytes(8))
    assert hamming(bytes(8), b"\xff" * 8) == 1
    assert hamming(bytes(8), bytes(7) + b"\x01") == 1 / 64


def _smaller(frame: Frame) -> Frame:
    return cv2.resize(frame, (240, 136), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def test_one_frame_is_held_at_a_time() -> None:
    held: list[weakref.ref[object]] = []

    def large() -> Iterator[npt.NDArray[np.uint8]]:
        for number in range(FRAMES):
            frame = np.full((64, 64, 3), number, np.uint8)
            held.append(weakref.ref(frame))
            yield frame
            del frame
            assert sum(each() is not None for each in held) <= 1

    assert len(signature(large())) == BYTES
