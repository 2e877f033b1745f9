import numpy as np
import pytest

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
