import numpy as np

from actor18m.arrays import Floats, Frame
from actor18m.media.shots import Blend, BlendFinder, dissolves, thumb


def scene(seed: int) -> Frame:
    coarse = np.random.default_rng(seed).integers(0, 256, (24, 24), dtype=np.uint8)
    return np.repeat(np.kron(coarse, np.ones((8, 8), dtype=np.uint8))[:, :, None], 3, axis=2)


def shown(pictures: list[Frame], half: int = 8) -> list[Blend]:
    finder = BlendFinder("cosine", half)
    vectors: list[Floats] = [picture[::16, ::16, 0].ravel().astype(np.float32) - 127 for picture in pictures]
    pairs = zip(map(thumb, pictures), vectors, strict=True)
    return [blend for pair in pairs if (blend := finder.add(*pair))]


def test_a_dissolve_is_found_with_its_ends() -> None:
    one, other = scene(1).astype(np.float32), scene(2).astype(np.float32)
    shares = [0.0] * 12 + [i / 8 for i in range(1, 8)] + [1.0] * 12
    pictures = [np.asarray((1 - share) * one + share * other, dtype=np.uint8) for share in shares]
    (best,) = dissolves([blend for blend in shown(pictures) if blend.residual < 0.45])
    assert (best.first, best.last) == (11, 19)
    assert best.residual < 0.05
    assert best.similarity < 0.5


def test_a_dissolve_is_even_and_what_comes_and_goes_at_once_is_not() -> None:
    one, other = scene(1).astype(np.float32), scene(2).astype(np.float32)

    def bend(shares: list[float]) -> float:
        pictures = [np.asarray((1 - share) * one + share * other, dtype=np.uint8) for share in shares]
        return max(blend.bend for blend in shown(pictures))

    assert bend([0.0] * 12 + [i / 8 for i in range(1, 8)] + [1.0] * 12) < 0.02
    assert bend([0.0] * 12 + [0.25] * 3 + [0.75] * 4 + [1.0] * 12) > 0.1


def test_a_moving_picture_is_no_mixture_of_its_ends() -> None:
    wide = np.concatenate([scene(1), scene(2)], axis=1)
    pictures = [np.ascontiguousarray(wide[:, 6 * i : 6 * i + 192]) for i in range(30)]
    assert min((blend.residual for blend in shown(pictures)), default=1.0) > 0.6


def test_a_still_picture_and_a_cut_are_no_mixtures() -> None:
    assert shown([scene(1)] * 20) == []
    assert shown([scene(1)] * 15 + [scene(2)] * 15) == []


def test_of_dissolves_over_each_other_the_one_that_explains_most_stays() -> None:
    good, poor, later = (
        Blend(at, at - 4, at + 4, 0.5, residual, 0.0, 50) for at, residual in [(10, 0.2), (12, 0.3), (30, 0.1)]
    )
    assert dissolves([poor, later, good]) == [good, later]
