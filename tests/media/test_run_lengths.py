import warnings

import numpy as np
import pytest
from pycocotools import mask as coco

from actor18m.media.run_lengths import from_run_lengths, to_run_lengths


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_a_mask_comes_back_as_it_was(share: float) -> None:
    mask = np.random.default_rng(0).random((7, 5)) < share
    back = from_run_lengths(to_run_lengths(mask), 7, 5)
    assert back.dtype == np.bool_
    assert np.array_equal(back, mask)


def test_runs_go_down_the_columns_as_coco_has_them() -> None:
    mask = np.zeros((3, 2), dtype=np.bool_)
    mask[1:, 0] = True
    assert to_run_lengths(mask) == b"123"  # one off, two on, three off


def test_what_is_read_is_what_coco_reads_and_nobody_is_warned(recwarn: pytest.WarningsRecorder) -> None:
    """Noise, and large runs that grow and shrink."""
    dice = np.random.default_rng(1)
    masks = [dice.random((int(h), int(w))) < share for h, w in dice.integers(1, 90, (40, 2)) for share in (0.02, 0.6)]
    for _ in range(20):
        mask = np.zeros((720, 1280), dtype=np.bool_)
        top, left = dice.integers(0, 600, 2)
        mask[top : top + dice.integers(1, 300), left : left + dice.integers(1, 600)] = True
        mask[dice.integers(0, 720, 9), dice.integers(0, 1280, 9)] ^= True
        masks.append(mask)
    told = [to_run_lengths(mask) for mask in masks]
    back = [from_run_lengths(counts, *mask.shape) for counts, mask in zip(told, masks, strict=True)]
    assert not recwarn.list
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        of_coco = [
            coco.decode({"size": list(m.shape), "counts": counts}) for counts, m in zip(told, masks, strict=True)
        ]
    for ours, theirs, mask in zip(back, of_coco, masks, strict=True):
        assert np.array_equal(ours, theirs.astype(np.bool_))
        assert np.array_equal(ours, mask)
        assert ours.dtype == np.bool_
