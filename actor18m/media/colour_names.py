"""Colours by name: which of a few words fits a part of a picture best."""

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Frame

_PALETTE: Mapping[str, Sequence[tuple[int, int, int]]] = {
    "black": [(18, 18, 18)],
    "dark grey": [(70, 70, 70)],
    "grey": [(125, 125, 125)],
    "light grey": [(185, 185, 185)],
    "white": [(240, 240, 240)],
    "dark red": [(105, 25, 30)],
    "red": [(205, 40, 40), (165, 30, 40)],
    "pink": [(230, 150, 170)],
    "orange": [(230, 130, 40)],
    "brown": [(115, 75, 45)],
    "beige": [(215, 190, 155)],
    "yellow": [(230, 205, 60)],
    "olive": [(115, 115, 50)],
    "dark green": [(30, 75, 45)],
    "green": [(60, 150, 70)],
    "light green": [(165, 210, 150)],
    "turquoise": [(60, 170, 170)],
    "light blue": [(150, 190, 225)],
    "blue": [(50, 95, 190), (25, 95, 165)],
    "dark blue": [(30, 40, 90), (20, 25, 55)],
    "purple": [(110, 60, 140)],
    "lilac": [(185, 160, 210)],
}
"""In sRGB. The name of a colour is that of the nearest one."""
_LIGHTNESS = 0.7
"""What a difference in lightness counts beside one in colour: folds and shadows change the first."""

NAMES = tuple(_PALETTE)
_NAMED = np.repeat(np.arange(len(NAMES)), [len(colours) for colours in _PALETTE.values()])
_FAMILIES = tuple(name.removeprefix("dark ").removeprefix("light ") for name in NAMES)


def lab_of(pixels: Frame) -> npt.NDArray[np.float32]:
    """float32[N, 3] L, a, b of uint8[N, 3] RGB."""
    if not pixels.size:
        return np.zeros((0, 3), dtype=np.float32)
    floats = pixels.reshape(-1, 1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(floats, cv2.COLOR_RGB2Lab).reshape(-1, 3), dtype=np.float32)


def counted(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """int64[len(NAMES)]: how many of these pixels have each name."""
    palette = lab_of(np.array([colour for colours in _PALETTE.values() for colour in colours], dtype=np.uint8))
    weights = np.array([_LIGHTNESS, 1, 1], dtype=np.float32)
    apart = (((lab[:, None] - palette[None]) * weights) ** 2).sum(axis=2)
    return np.bincount(_NAMED[apart.argmin(axis=1)], minlength=len(NAMES))


def most(shares: npt.NDArray[np.floating], min_share: float, min_second: float) -> str | None:
    """`mostly dark blue`, `blue and white`, of a share for each of NAMES; None where no one or two colours have so much
    of it. Shades of one colour count together, and the commonest of them names it.
    """
    by_family: dict[str, float] = {}
    for family, share in zip(_FAMILIES, shares.tolist(), strict=True):
        by_family[family] = by_family.get(family, 0.0) + share
    (first, most_share), (second, more) = sorted(by_family.items(), key=lambda each: -each[1])[:2]
    if most_share >= min_share:
        return f"mostly {_shade(first, shares)}"
    if more >= min_second and most_share + more >= min_share:
        return f"{_shade(first, shares)} and {_shade(second, shares)}"
    return None


def _shade(family: str, shares: npt.NDArray[np.floating]) -> str:
    members = [i for i, name in enumerate(_FAMILIES) if name == family]
    return NAMES[max(members, key=lambda i: shares[i])]
