import cv2
import numpy as np
import pytest

from actor18m.media.encoded import decoded, encoded

RED = np.full((6, 8, 3), (250, 20, 10), np.uint8)


def test_colours_are_as_a_viewer_shows_them_and_come_back() -> None:
    content = encoded(".png", RED, [])
    seen = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert seen is not None
    assert seen[0, 0].tolist() == [10, 20, 250], "OpenCV tells blue first"
    assert np.array_equal(decoded(content), RED)


def test_a_mask_has_one_channel_and_what_is_no_image_is_an_error() -> None:
    content = encoded(".png", RED[:, :, 0], [])
    mask = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_UNCHANGED)
    assert mask is not None
    assert np.array_equal(mask, RED[:, :, 0])
    with pytest.raises(ValueError, match="cannot be read again"):
        decoded(content[:20])
