import cv2
import numpy as np

from actor18m.arrays import Frame
from actor18m.media.flow import flow

HEIGHT, WIDTH = 108, 192


def texture(seed: int) -> Frame:
    coarse = np.random.default_rng(seed).integers(0, 256, (HEIGHT // 12, WIDTH // 12), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (WIDTH, HEIGHT), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def test_a_window_that_moves_is_followed_and_nothing_is_left() -> None:
    whole = texture(1)
    one, other = whole[:-4, 6:], whole[4:, :-6]
    found = flow(np.ascontiguousarray(one), np.ascontiguousarray(other))
    assert np.allclose(found.shift, (6, -4), atol=0.2)
    inner = found.left[20:-20, 20:-20]
    assert inner.mean() < 0.1 * cv2.absdiff(one, other).mean()


def test_what_comes_out_of_nothing_is_left_where_it_comes() -> None:
    one = texture(1)
    other = one.copy()
    other[40:70, 60:100] = texture(2)[40:70, 60:100]
    left = flow(one, other).left
    assert left[45:65, 65:95].mean() > 10
    assert left[:30].mean() < 1
    assert left[80:].mean() < 1
