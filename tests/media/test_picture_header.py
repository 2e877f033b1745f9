import cv2
import numpy as np
import pytest

from actor18m.media.encoded import encoded
from actor18m.media.picture_header import plain_webp_size, png_size, webp_size

PICTURE = np.full((21, 300, 3), (250, 20, 10), np.uint8)
WITH_ALPHA = np.dstack([PICTURE, np.arange(21 * 300, dtype=np.uint8).reshape(21, 300)])


@pytest.mark.parametrize("quality", [80, 101])
def test_a_webp_tells_its_size_however_it_is_coded(quality: int) -> None:
    content = encoded(".webp", PICTURE, [cv2.IMWRITE_WEBP_QUALITY, quality])
    assert webp_size(content) == plain_webp_size(content) == (300, 21)


def test_so_does_one_with_more_in_it_than_a_picture() -> None:
    _, content = cv2.imencode(".webp", WITH_ALPHA, [cv2.IMWRITE_WEBP_QUALITY, 80])
    assert content.tobytes()[12:16] == b"VP8X"
    assert webp_size(content.tobytes()) == (300, 21)
    assert plain_webp_size(content.tobytes()) is None


def test_a_png_tells_its_size() -> None:
    assert png_size(encoded(".png", PICTURE[..., 0], [])) == (300, 21)


def test_what_is_no_picture_is_told_as_what_it_is() -> None:
    content, png = encoded(".webp", PICTURE, [cv2.IMWRITE_WEBP_QUALITY, 80]), encoded(".png", PICTURE, [])
    for wrong, found in (
        (b"", "is no WebP but empty"),
        (b"not a webp", "is no WebP but 10 bytes that begin with b'not a webp'"),
        (encoded(".jpg", PICTURE, []), "is no WebP but a JPEG"),
        (png, "is no WebP but a PNG"),
        (content[:-3], f"has lost its end: {len(content) - 3} of {len(content)} bytes"),
        (content[:12].replace(content[4:8], (4).to_bytes(4, "little")), "has no picture in it"),
        (content[:26] + bytes(4) + content[30:], "is of 0 x 0 pixels"),
    ):
        with pytest.raises(ValueError, match=r"^is |^begins ") as told:
            webp_size(wrong)
        assert found in str(told.value)
    with pytest.raises(ValueError, match="is no PNG but a WebP"):
        png_size(content)
    with pytest.raises(ValueError, match="is of 0 x 21 pixels"):
        png_size(png[:16] + bytes(4) + png[20:])
