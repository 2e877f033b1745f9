import numpy as np

from studio.fabrics import fabric, rearranged


def test_another_pattern_has_the_same_pixels_at_other_places() -> None:
    rng = np.random.default_rng(3)
    tile = fabric(rng, plain=0)
    other = rearranged(rng, tile)
    assert sorted(map(tuple, tile.reshape(-1, 3).tolist())) == sorted(map(tuple, other.reshape(-1, 3).tolist()))
    assert np.abs(tile.astype(int) - other).mean() > 5
    assert np.array_equal(rearranged(np.random.default_rng(1), tile), rearranged(np.random.default_rng(1), tile))
