from collections.abc import Callable

import numpy as np
import pytest

from actor18m.arrays import Bools, Box, Frame
from actor18m.media.boxes import overlap
from actor18m.media.video import frames
from actor18m.models.selfie_segmenter import SelfieSegmenter
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth


@pytest.fixture(scope="module")
def segmenter(pulled: Callable[..., None]) -> SelfieSegmenter:
    pulled("selfie-segmenter")
    return SelfieSegmenter.load()


def first_picture(name: str) -> tuple[Frame, Box]:
    """And the box of the only person in it."""
    truth = Truth.read(SHIPPED / f"{name}.json")
    _, frame = next(frames(str(SHIPPED / f"{name}.mp4")))
    (box,) = (box for actor in truth.actors if (box := actor.body_box[0]))
    return frame, box


def box_of(mask: Bools) -> Box:
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


@pytest.mark.parametrize("name", ["talk_yaw_1", "talk_pitch_1", "expressions_1", "low_resolution_1"])
def test_who_is_seen_to_the_waist_is_found_where_they_are(segmenter: SelfieSegmenter, name: str) -> None:
    frame, box = first_picture(name)
    (mask,) = segmenter.masks([(frame, box)])
    assert mask is not None
    assert mask.shape == frame.shape[:2]
    assert overlap(box_of(mask), box) > 0.85


def test_where_no_box_is_nothing_is_looked_at(segmenter: SelfieSegmenter) -> None:
    frame, box = first_picture("talk_yaw_1")
    without, beside = segmenter.masks([(frame, None), (np.full_like(frame, 127), box)])
    assert without is None
    assert beside is not None
    assert beside.mean() < 0.02
