import numpy as np

from actor18m.media.bounds import bounds


def test_the_smallest_box_around_all_of_a_mask() -> None:
    mask = np.zeros((8, 10), np.bool_)
    mask[2, 3] = mask[5, 7] = True
    assert bounds(mask) == (3, 2, 8, 6)
    assert mask[2:6, 3:8].sum() == mask.sum()
