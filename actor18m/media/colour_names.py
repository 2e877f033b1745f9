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

_MUTED: Mapping[str, Sequence[tuple[int, int, int]]] = {
    "dark red": [(85, 48, 46)],
    "red": [(140, 84, 78), (150, 70, 65)],
    "pink": [(190, 148, 146)],
    "dark brown": [(64, 46, 34)],
    "brown": [(105, 87, 70), (135, 115, 94)],
    "beige": [(178, 160, 138), (205, 190, 170), (152, 134, 114)],
    "olive": [(98, 97, 72)],
    "dark green": [(42, 55, 42)],
    "green": [(88, 110, 86)],
    "light green": [(165, 182, 155)],
    "light blue": [(150, 170, 190)],
    "blue": [(75, 100, 126)],
    "dark blue": [(40, 50, 68)],
    "purple": [(96, 80, 106)],
}
"""What people call by the same names, though it has little colour: walls, floors, stones and wood. Beside the pure
colours alone these would be nearest to a grey."""

NAMES = tuple(_PALETTE)
"""Of the pure colours, by which pictures are compared."""
WORDS = tuple(dict.fromkeys([*_PALETTE, *_MUTED]))
"""For people to read."""
_FAMILIES = tuple(name.removeprefix("dark ").removeprefix("light ") for name in WORDS)
_ONE_SHADE = 0.6
"""Of a colour's share: where no shade has so much of it, the colour is named without one."""
_PART = 0.65
"""Of what is most of a picture: a colour with so much is `among other colours`."""


def lab_of(pixels: Frame) -> npt.NDArray[np.float32]:
    """float32[N, 3] L, a, b of uint8[N, 3] RGB."""
    if not pixels.size:
        return np.zeros((0, 3), dtype=np.float32)
    floats = pixels.reshape(-1, 1, 3).astype(np.float32) / 255
    return np.asarray(cv2.cvtColor(floats, cv2.COLOR_RGB2Lab).reshape(-1, 3), dtype=np.float32)


def counted(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """int64[len(NAMES)]: how many of these pixels have each name."""
    return _nearest(lab, [(NAMES.index(name), colour) for name, all_of in _PALETTE.items() for colour in all_of], NAMES)


def named(lab: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """int64[len(WORDS)]: how many of these pixels people would call by each word, muted colours by theirs."""
    both = [*_PALETTE.items(), *_MUTED.items()]
    return _nearest(lab, [(WORDS.index(name), colour) for name, all_of in both for colour in all_of], WORDS)


def _nearest(
    lab: npt.NDArray[np.float32], palette: Sequence[tuple[int, tuple[int, int, int]]], names: Sequence[str]
) -> npt.NDArray[np.int64]:
    numbers = np.array([number for number, _ in palette])
    colours = lab_of(np.array([colour for _, colour in palette], dtype=np.uint8))
    weights = np.array([_LIGHTNESS, 1, 1], dtype=np.float32)
    apart = (((lab[:, None] - colours[None]) * weights) ** 2).sum(axis=2)
    return np.bincount(numbers[apart.argmin(axis=1)], minlength=len(names))


def most(shares: npt.NDArray[np.floating], mostly_from: float, worth_naming: float, named_from: float) -> str | None:
    """`mostly dark blue`, or `blue, brown and white`, of a share for each of WORDS: up to three colours that are worth
    naming and have together so much of it, or the one that has nearly so much as would be most of it; None where there
    is no such colour. Shades of one colour count together, and are told where most of it has one.
    """
    by_family: dict[str, float] = {}
    for family, share in zip(_FAMILIES, shares.tolist(), strict=True):
        by_family[family] = by_family.get(family, 0.0) + share
    ordered = sorted(by_family.items(), key=lambda each: -each[1])
    first, most_share = ordered[0]
    if most_share >= mostly_from:
        return f"mostly {_shade(first, most_share, shares)}"
    largest = [(family, share) for family, share in ordered[:3] if share >= worth_naming]
    if len(largest) < 2 or sum(share for _, share in largest) < named_from:
        return f"{_shade(first, most_share, shares)} among other colours" if most_share >= mostly_from * _PART else None
    *others, last = [_shade(family, share, shares) for family, share in largest]
    return f"{', '.join(others)} and {last}"


def _shade(family: str, whole: float, shares: npt.NDArray[np.floating]) -> str:
    members = [i for i, name in enumerate(_FAMILIES) if name == family]
    commonest = max(members, key=lambda i: shares[i])
    return WORDS[commonest] if shares[commonest] >= _ONE_SHADE * whole else family
