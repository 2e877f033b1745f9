import cv2
import numpy as np
import pytest

from actor18m.arrays import Bools
from stages.looks.body import body_of, near, others_share, sharpness_of


def mask_of(*boxes: tuple[int, int, int, int]) -> Bools:
    """bool[80, 100] with these boxes filled."""
    mask = np.zeros((80, 100), dtype=np.bool_)
    for x0, y0, x1, y1 in boxes:
        mask[y0:y1, x0:x1] = True
    return mask


def test_a_body_is_told_by_its_mask() -> None:
    body = body_of(mask_of((10, 20, 30, 60), (30, 40, 50, 60)), at_edge=0.05)
    assert body is not None
    assert body.box == (10, 20, 50, 60)
    assert body.area_share == pytest.approx(1200 / 8000)
    assert body.coverage == pytest.approx(1200 / 1600)
    assert [body.cut_left, body.cut_top, body.cut_right, body.cut_bottom] == [False] * 4


def test_no_pixels_are_no_body() -> None:
    assert body_of(mask_of(), at_edge=0.05) is None


@pytest.mark.parametrize(
    ("box", "side"),
    [((0, 20, 30, 60), "left"), ((10, 0, 30, 60), "top"), ((80, 20, 100, 60), "right"), ((10, 20, 30, 80), "bottom")],
)
def test_a_body_that_goes_on_beyond_one_edge_is_cut_off_there(box: tuple[int, int, int, int], side: str) -> None:
    body = body_of(mask_of(box), at_edge=0.05)
    assert body is not None
    assert [name for name in ("left", "top", "right", "bottom") if getattr(body, f"cut_{name}")] == [side]


def test_a_fingertip_at_the_edge_is_not_a_body_that_goes_on() -> None:
    arm = mask_of((40, 20, 80, 70), (80, 40, 100, 42))
    fingertip, hand = body_of(arm, at_edge=0.05), body_of(arm, at_edge=0.03)
    assert fingertip is not None
    assert hand is not None
    assert (fingertip.cut_right, hand.cut_right) == (False, True)


def test_others_count_in_the_crop_and_where_the_body_is_not() -> None:
    mask = mask_of((20, 20, 40, 60))
    body = body_of(mask, at_edge=0.05)
    assert body is not None
    behind = mask_of((30, 20, 50, 40))  # 10 of its 20 columns are hidden by the body, 6 lie beyond the margin of 4
    assert others_share(mask, body.box, 0.1, [behind]) == pytest.approx(4 * 20 / (28 * 48))
    assert others_share(mask, body.box, 0.1, [behind, behind]) == pytest.approx(4 * 20 / (28 * 48))
    assert others_share(mask, body.box, 0.1, []) == 0


def test_a_crop_reaches_as_far_as_its_margin() -> None:
    box = (20, 20, 40, 60)
    assert near(box, 0.1, (43, 20, 50, 30))
    assert not near(box, 0.1, (44, 20, 50, 30))
    assert not near(box, 0.1, (20, 64, 40, 70))


def test_sharpness_is_the_bodys_at_any_size_and_not_its_surroundings() -> None:
    grain = np.random.default_rng(0).integers(0, 255, (80, 100, 3)).astype(np.uint8)
    smooth = np.full_like(grain, 120)
    mask = mask_of((20, 10, 60, 40), (20, 40, 40, 70))
    worn = np.where(mask[:, :, None], grain, smooth).astype(np.uint8)
    behind = np.where(mask[:, :, None], smooth, grain).astype(np.uint8)
    box = (20, 10, 60, 70)
    assert sharpness_of(behind, mask, box) == 0
    assert sharpness_of(worn, mask, box) == pytest.approx(sharpness_of(grain, mask, box))
    large = cv2.resize(worn, None, fx=8, fy=8, interpolation=cv2.INTER_NEAREST).astype(np.uint8)
    of_large = sharpness_of(large, np.kron(mask, np.ones((8, 8), np.bool_)), (160, 80, 480, 560))
    assert of_large == pytest.approx(sharpness_of(worn, mask, box), rel=0.1)
    blurred = cv2.GaussianBlur(worn, (0, 0), 2).astype(np.uint8)
    assert sharpness_of(blurred, mask, box) < sharpness_of(worn, mask, box) / 4
