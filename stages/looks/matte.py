"""A soft matte of a person from a hard mask: how much of each pixel the person covers, and in which colours.

The matte is the closed-form one: within every small window the person's share is a linear function of the colours
(Levin et al., 2008), and the mask binds what lies clearly within and without. Its Laplacian is never written out:
applied to a matte it is one guided filter (He et al., 2010), so that conjugate gradients need box filters alone.
"""

from collections.abc import Callable
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.bounds import bounds

Doubles = npt.NDArray[np.float64]
_WINDOW_PX = 3
_SMOOTHNESS = 1e-6
_BOUND = 10.0
"""How much what is known counts beside the windows."""
_LEANING = 0.0003
"""Likewise the mask where nothing is known, for where colours do not tell."""
_SOLVED_PX = 320
"""The longer side of what is solved."""
_STEPS = 50
_SETTLED = 1e-3
_DEEP, _SPECK = 0.07, 0.012
"""In shares of the square root of the mask's pixels: what lies so deep is the person's, what is so small is texture."""
_MORE_LIKELY = 8
_WIDE, _NARROW = 91, 7
_TINY = 1e-5


@dataclass(frozen=True)
class Band:
    """How far from the mask's edge nothing is known, in shares of the square root of the mask's pixels."""

    inside: float = 0.022
    outside: float = 0.03


def soft_matte(picture: Frame, mask: Bools, band: Band, second: Bools | None = None) -> Floats:
    """float32[H, W], 0 to 1, of uint8[H, W, 3] RGB. Where the mask meets the picture's edge, the person goes on.
    `second` is another's opinion of the mask: where the two differ, nothing is known."""
    other = mask if second is None else second
    is_person, is_beside = known(mask & other, mask | other, band)
    if not is_person.any() or not is_beside.any():
        return mask.astype(np.float32)
    is_person &= ~clinging(picture, mask, is_beside)
    # only the box of what is not known is solved
    is_open = ~is_person & ~is_beside
    matte = is_person.astype(np.float32)
    if not is_open.any():
        return matte
    (x0, y0, x1, y1), edge = bounds(is_open), 2 * _WINDOW_PX
    part = slice(max(0, y0 - edge), y1 + edge), slice(max(0, x0 - edge), x1 + edge)
    found = _sized(picture[part] / 255.0, is_person[part], is_beside[part], ((mask + 1.0 * other) / 2)[part])
    matte[part] = np.where(is_person[part], 1, np.where(is_beside[part], 0, found))
    # what is nearly nothing or nearly all is no edge but noise
    return np.asarray(np.clip((matte - 0.03) / 0.94, 0, 1), np.float32)


def known(least: Bools, most: Bools, band: Band) -> tuple[Bools, Bools]:
    """Where the person surely is, and where surely not, both bool[H, W], from a mask of what is certainly the person's
    and one of what may be."""
    side = float(np.sqrt(most.sum()))
    inside, outside = (max(1, round(share * side)) for share in (band.inside, band.outside))
    eroded = cv2.erode(least.astype(np.uint8), _disc(inside), borderType=cv2.BORDER_REPLICATE)
    dilated = cv2.dilate(most.astype(np.uint8), _disc(outside), borderType=cv2.BORDER_REPLICATE)
    return eroded > 0, dilated == 0


def clinging(picture: Frame, mask: Bools, is_beside: Bools) -> Bools:
    """bool[H, W]: spots at the mask's edge in colours that are the ground's and hardly the person's, as where a branch
    behind the head was taken for hair. Whose they are the matte has to find out."""
    side, inner = float(np.sqrt(mask.sum())), mask.astype(np.uint8)
    deep = cv2.erode(inner, _disc(max(1, round(_DEEP * side))), borderType=cv2.BORDER_REPLICATE) > 0
    if not deep.any():
        return np.zeros_like(mask)
    # each colour's share of the person's inside and of the ground, in steps of 16 of lightness and of 8 of hue
    lab = cv2.cvtColor(cv2.GaussianBlur(picture, (0, 0), 1.5), cv2.COLOR_RGB2Lab).astype(np.int64)
    colour = lab[..., 0] // 16 * 1024 + lab[..., 1] // 8 * 32 + lab[..., 2] // 8
    own, ground = (np.bincount(colour[where], minlength=16384) / where.sum() for where in (deep, is_beside))
    odd = mask & ~deep & (ground[colour] > _MORE_LIKELY * own[colour] + 1e-4)
    # specks are texture; what does not touch the edge is the person's
    spots = cv2.morphologyEx(odd.astype(np.uint8), cv2.MORPH_OPEN, _disc(max(1, round(_SPECK * side))))
    _, numbers = cv2.connectedComponents(spots)
    edge = mask & (cv2.erode(inner, _disc(max(1, round(0.015 * side))), borderType=cv2.BORDER_REPLICATE) == 0)
    return np.isin(numbers, np.setdiff1d(numbers[edge], [0]))


def person_colours(picture: Frame, matte: Floats) -> Floats:
    """float32[H, W, 3], 0 to 255: the person's own colours, also where the old background shines through.

    Colours of both are spread over the edge by blurring, first widely and then closely, and corrected so that mixed by
    the matte they give the picture (Forte, 2021).
    """
    seen, share = picture.astype(np.float32), matte[..., None]
    person = beside = seen
    for size in (_WIDE, _NARROW):
        spread = cv2.blur(share, (size, size), borderType=cv2.BORDER_REFLECT)[..., None]
        person = cv2.blur(person * share, (size, size), borderType=cv2.BORDER_REFLECT) / (spread + _TINY)
        beside = cv2.blur(beside * (1 - share), (size, size), borderType=cv2.BORDER_REFLECT) / (1 - spread + _TINY)
        person = np.clip(person + share * (seen - share * person - (1 - share) * beside), 0, 255)
    return person


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * radius + 1, 2 * radius + 1)).astype(np.uint8)


def _sized(colours: Doubles, is_person: Bools, is_beside: Bools, start: Doubles) -> Doubles:
    """Of a large picture a smaller one is solved: its windows' lines, applied to the picture's own colours, are as fine
    as the picture."""
    height, width = start.shape
    scale = _SOLVED_PX / max(height, width)
    if scale >= 1:
        return _solved(colours, is_person, is_beside, start)
    size = max(1, round(width * scale)), max(1, round(height * scale))

    def small(values: Doubles) -> Doubles:
        return np.asarray(cv2.resize(values, size, interpolation=cv2.INTER_AREA), np.float64)

    fewer = small(colours)
    matte = _solved(
        fewer, small(is_person.astype(np.float64)) > 0.99, small(is_beside.astype(np.float64)) > 0.99, small(start)
    )
    slope, offset = (_mean(each) for each in _lines(fewer)(matte))
    wide = [cv2.resize(each, (width, height), interpolation=cv2.INTER_LINEAR) for each in (slope, offset)]
    return np.asarray(np.clip((wide[0] * colours).sum(axis=-1) + wide[1], 0, 1), np.float64)


def _solved(colours: Doubles, is_person: Bools, is_beside: Bools, start: Doubles) -> Doubles:
    """Conjugate gradients for (L + bound) matte = bound * known, with the bound's own diagonal as preconditioner."""
    bound = np.where(is_person | is_beside, _BOUND, _LEANING)
    lines = _lines(colours)

    def laplacian(matte: Doubles) -> Doubles:
        # how far a matte lies from the mean of the lines of all windows that each pixel is in
        slope, offset = lines(matte)
        return np.asarray(matte - (_mean(slope) * colours).sum(axis=-1) - _mean(offset), np.float64)

    diagonal = bound + 1
    matte = start.copy()
    rest = bound * start - (laplacian(matte) + bound * matte)
    aim = rest / diagonal
    way, size = aim, _product(rest, aim)
    first = size
    for _ in range(_STEPS):
        if size <= _SETTLED**2 * first or size <= 0:
            break
        moved = laplacian(way) + bound * way
        step = size / _product(way, moved)
        matte += step * way
        rest -= step * moved
        aim = rest / diagonal
        size, before = _product(rest, aim), size
        way = aim + size / before * way
    return np.clip(matte, 0, 1)


def _product(one: Doubles, other: Doubles) -> float:
    return float(np.sum(one * other, dtype=np.float64))


def _mean(values: Doubles) -> Doubles:
    size = _WINDOW_PX
    return np.asarray(cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT), np.float64)


def _lines(colours: Doubles) -> Callable[[Doubles], tuple[Doubles, Doubles]]:
    """What finds, for the window about each pixel of float64[H, W, 3], the line through the colours that fits a matte
    best: float64[H, W, 3] and float64[H, W]."""
    red, green, blue = (np.ascontiguousarray(colours[..., i]) for i in range(3))
    middle = _mean(colours)
    # each window's covariance of colours, as the six numbers of a symmetric matrix
    pairs = ((0, 0), (0, 1), (0, 2), (1, 1), (1, 2), (2, 2))
    planes = red, green, blue
    rr, rg, rb, gg, gb, bb = (
        _mean(planes[i] * planes[j]) - middle[..., i] * middle[..., j] + (_SMOOTHNESS if i == j else 0)
        for i, j in pairs
    )
    # and its inverse, by cofactors
    c0, c1, c2 = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c3, c4, c5 = rr * bb - rb * rb, rg * rb - rr * gb, rr * gg - rg * rg
    scale = 1 / (rr * c0 + rg * c1 + rb * c2)

    def fitted(matte: Doubles) -> tuple[Doubles, Doubles]:
        mean = _mean(matte)
        with_colours = _mean(colours * matte[..., None]) - middle * mean[..., None]
        x, y, z = (with_colours[..., i] for i in range(3))
        slope = np.stack([c0 * x + c1 * y + c2 * z, c1 * x + c3 * y + c4 * z, c2 * x + c4 * y + c5 * z], axis=-1)
        slope *= scale[..., None]
        return slope, np.asarray(mean - (slope * middle).sum(axis=-1), np.float64)

    return fitted
