"""Mattes of what is known: a soft-edged figure before a ground, and a digital actor drawn before black and white."""

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from actor18m.arrays import Bools, Floats, Frame
from stages.looks.matte import Band, clinging, known, person_colours, soft_matte

SIDE = 160
PLACE = np.array((235, 235, 240), np.float32)


def figure(edge_px: float = 2.0) -> tuple[Frame, Floats, Floats]:
    """A picture, its true matte, and the figure's own colours: a red coat that ends at the lower edge, before green."""
    chance = np.random.default_rng(18)
    shape = np.zeros((SIDE, SIDE), np.float32)
    cv2.circle(shape, (80, 70), 34, 1.0, -1)
    cv2.rectangle(shape, (40, 100), (120, SIDE), 1.0, -1)
    matte = cv2.GaussianBlur(shape, (0, 0), edge_px).astype(np.float32)
    own, ground = (colour + chance.normal(0, 3, (SIDE, SIDE, 3)) for colour in ((150, 40, 40), (60, 140, 70)))
    seen = matte[..., None] * own + (1 - matte[..., None]) * ground
    return np.clip(seen, 0, 255).round().astype(np.uint8), matte, own.astype(np.float32)


def rough(matte: Floats, off_px: int) -> Bools:
    """A mask as a segmenter gives it: here too wide, there too narrow."""
    mask = (matte > 0.5).astype(np.uint8)
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * off_px + 1, 2 * off_px + 1))
    wide, narrow = cv2.dilate(mask, disc), cv2.erode(mask, disc)
    return np.where(np.arange(SIDE) < SIDE // 2, wide, narrow).astype(np.bool_)


def off(picture: npt.NDArray[np.floating], true: npt.NDArray[np.floating], where: Bools) -> float:
    return float(np.abs(picture - true)[where].mean())


def test_a_soft_edge_is_found_from_a_mask_that_is_off() -> None:
    seen, true, own = figure()
    mask = rough(true, 2)
    matte = soft_matte(seen, mask, Band(0.05, 0.05))
    edge = (true > 0.02) & (true < 0.98)
    edge[:, :30] = edge[:, -30:] = False
    assert off(matte, true, edge) < 0.08 < 0.25 < off(mask.astype(float), true, edge)
    before = true[..., None] * own + (1 - true[..., None]) * PLACE
    pasted = np.where(mask[..., None], seen, PLACE)
    mixed = matte[..., None] * seen + (1 - matte[..., None]) * PLACE
    clean = matte[..., None] * person_colours(seen, matte) + (1 - matte[..., None]) * PLACE
    errors = [off(picture, before, edge) for picture in (clean, mixed, pasted)]
    assert errors == sorted(errors), "the mask as it is, mixed by the matte, and without the old ground's colour"
    assert errors[0] < errors[2] / 4


def test_the_old_ground_is_gone_from_the_person_s_colours() -> None:
    seen, true, own = figure()
    edge = (true > 0.3) & (true < 0.9)
    assert off(person_colours(seen, true), own, edge) < 10 < 20 < off(seen.astype(float), own, edge)


def test_what_clings_to_the_mask_in_the_ground_s_colours_is_made_less() -> None:
    seen, true, _ = figure()
    mask = (true > 0.5).astype(np.uint8)
    cv2.circle(mask, (118, 66), 8, 1, -1)
    blob, own = np.s_[63:69, 119:124], np.s_[60:80, 60:100]
    spots = clinging(seen, mask > 0, known(mask > 0, mask > 0, Band())[1])
    assert spots[blob].mean() > 0.8
    assert not spots[own].any()
    matte = soft_matte(seen, mask > 0, Band())
    assert matte[blob].mean() < 0.75, "less than before, though not all"
    assert matte[own].min() > 0.95


def test_where_two_masks_differ_the_colours_decide() -> None:
    seen, true, _ = figure()
    body = true > 0.5
    too_wide, too_narrow = body.astype(np.uint8), body.astype(np.uint8)
    cv2.circle(too_wide, (124, 60), 14, 1, -1)
    cv2.circle(too_narrow, (60, 130), 12, 0, -1)
    ground, coat = np.s_[52:68, 120:132], np.s_[122:138, 52:68]
    assert not body[ground].any()
    alone = soft_matte(seen, too_wide > 0, Band())
    both = soft_matte(seen, too_wide > 0, Band(), too_narrow > 0)
    assert alone[ground].mean() > 0.3, "so much of the ground was taken for the person"
    assert both[ground].mean() < 0.1
    assert both[coat].mean() > 0.9, "what either saw is not lost"


def test_where_the_picture_ends_the_person_does_not() -> None:
    seen, true, _ = figure()
    matte = soft_matte(seen, true > 0.5, Band())
    assert matte[-1, 60:100].min() > 0.99
    assert matte[0].max() < 0.01
    is_person, is_beside = known(true > 0.5, true > 0.5, Band())
    assert is_person[-1, 80]
    assert not (is_person & is_beside).any()


@pytest.mark.parametrize("value", [False, True])
def test_nobody_and_nothing_but_somebody_stay_so(value: bool) -> None:
    seen, *_ = figure()
    mask = np.full((SIDE, SIDE), value)
    assert np.array_equal(soft_matte(seen, mask, Band()), mask.astype(np.float32))


@pytest.mark.slow
def test_an_actor_s_edge_has_truer_colours_than_a_pasted_one() -> None:
    from tests.bench.composite_edges import errors
    from tests.bench.edge_truth import cutouts

    for cutout in cutouts(["talk_yaw_1", "expressions_1"], 18, (0.5,)):
        found = errors(cutout, cutout.mask, (226, 232, 236))
        assert found["without spill"] < 0.75 * found["pasted"]
        assert found["without spill"] < 15
