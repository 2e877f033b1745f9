from collections.abc import Callable

import numpy as np
import pytest

from actor18m.media.similarity import similarity
from actor18m.media.video import frames
from actor18m.models.efficientnet import EfficientNet
from actor18m.samples.shipped import SHIPPED


@pytest.fixture(scope="module")
def encoder(pulled: Callable[..., None]) -> EfficientNet:
    pulled("efficientnet")
    return EfficientNet.load()


def test_pictures_of_one_shot_are_more_alike_than_those_of_two(encoder: EfficientNet) -> None:
    start, _, before, after = (frame for _, frame in list(frames(str(SHIPPED / "cut_same_actor_1.mp4"), fps=1))[:4])
    one, two, other = (encoder.encode([frame])[0] for frame in (start, before, after))
    assert one.shape == (1280,)
    assert similarity("cosine", two, other) > 0.9
    assert similarity("cosine", one, other) < 0.6
    assert np.array_equal(encoder.encode([start])[0], one)


def test_any_part_of_a_frame_is_a_picture(encoder: EfficientNet) -> None:
    strip = np.random.default_rng(0).integers(0, 256, (300, 7, 3), dtype=np.uint8)
    assert np.isfinite(encoder.encode([strip])[0]).all()


def test_what_is_not_in_the_frame_is_not_drawn(encoder: EfficientNet) -> None:
    frame = np.full((60, 80, 3), 127, dtype=np.uint8)
    beyond, at_the_edge = encoder.drawn([frame, frame], [(300, 300, 340, 350), (-20, -20, 10, 15)])
    assert beyond == 0
    assert 0 < at_the_edge < 1
