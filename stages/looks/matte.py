"""A soft matte of a person from a hard mask: how much of each pixel the person covers, and in which colours.

The matte is the closed-form one: within every small window the person's share is a linear function of the colours
(Levin et al., 2008), and the mask binds what lies clearly within and without. Its Laplacian is never written out:
applied to a matte it is one guided filter (He et al., 2010), so that conjugate gradients need box filters alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Floats, Frame

_WINDOW_PX = 3
_SMOOTHNESS = 1e-5
_BOUND = 10.0
"""How much what is known counts beside the windows."""
_STEPS = 40
_SETTLED = 1e-3
_WIDE, _NARROW = 91, 7
_TINY = 1e-5


@dataclass(frozen=True)
class Band:
    """How far from the mask's edge nothing is known, in shares of the square root of the mask's pixels."""

    inside: float = 0.022
    outside: float = 0.03


def soft_matte(picture: Frame, mask: Bools, band: Band) -> Floats:
    """float32[H, W], 0 to 1, of uint8[H, W, 3] RGB. Where the mask meets the picture's edge, the person goes on."""
    is_person, is_beside = known(mask, band)
    if not is_person.any() or not is_beside.any():
        return mask.astype(np.float32)
    # only the box of what is not known is solved
    rows, columns = (np.flatnonzero((~is_person & ~is_beside).any(axis=axis)) for axis in (1, 0))
    matte = is_person.astype(np.float32)
    if not len(rows):
        return matte
    edge = 2 * _WINDOW_PX
    part = (
        slice(max(0, rows[0] - edge), rows[-1] + edge + 1),
        slice(max(0, columns[0] - edge), columns[-1] + edge + 1),
    )
    colours = picture[part].astype(np.float32) / np.float32(255)
    matte[part] = _solved(colours, is_person[part], is_beside[part], mask[part].astype(np.float32))
    # what is nearly nothing or nearly all is no edge but noise
    return np.asarray(np.clip((matte - 0.03) / 0.94, 0, 1), np.float32)


def known(mask: Bools, band: Band) -> tuple[Bools, Bools]:
    """Where the person surely is, and where surely not: both bool[H, W]."""
    side = float(np.sqrt(mask.sum()))
    inside, outside = (max(1, round(share * side)) for share in (band.inside, band.outside))
    eroded = cv2.erode(mask.astype(np.uint8), _disc(inside), borderType=cv2.BORDER_REPLICATE)
    dilated = cv2.dilate(mask.astype(np.uint8), _disc(outside), borderType=cv2.BORDER_REPLICATE)
    return eroded > 0, dilated == 0


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


def _solved(colours: Floats, is_person: Bools, is_beside: Bools, start: Floats) -> Floats:
    """Conjugate gradients for (L + bound) matte = bound * known, with the bound's own diagonal as preconditioner."""
    bound = np.where(is_person | is_beside, np.float32(_BOUND), np.float32(0))
    laplacian = _laplacian(colours)
    diagonal = bound + 1
    matte = start.copy()
    rest = bound * is_person - (laplacian(matte) + bound * matte)
    aim = np.asarray(rest / diagonal, np.float32)
    way, size = aim, _product(rest, aim)
    first = size
    for _ in range(_STEPS):
        if size <= _SETTLED**2 * first or size <= 0:
            break
        moved = laplacian(way) + bound * way
        step = np.float32(size / _product(way, moved))
        matte += step * way
        rest -= step * moved
        aim = rest / diagonal
        size, before = _product(rest, aim), size
        way = aim + np.float32(size / before) * way
    return np.clip(matte, 0, 1)


def _product(one: npt.NDArray[Any], other: npt.NDArray[Any]) -> float:
    return float(np.sum(one * other, dtype=np.float64))


def _mean(values: npt.NDArray[Any]) -> Floats:
    size = _WINDOW_PX
    return np.asarray(cv2.blur(values, (size, size), borderType=cv2.BORDER_REFLECT), np.float32)


def _laplacian(colours: Floats) -> Callable[[Floats], Floats]:
    """What applies the matting Laplacian of float32[H, W, 3] to float32[H, W], divided by the window's pixels."""
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

    def applied(matte: Floats) -> Floats:
        # in each window the line through the colours that fits the matte best
        mean = _mean(matte)
        with_colours = _mean(colours * matte[..., None]) - middle * mean[..., None]
        x, y, z = (with_colours[..., i] for i in range(3))
        slope = np.stack([c0 * x + c1 * y + c2 * z, c1 * x + c3 * y + c4 * z, c2 * x + c4 * y + c5 * z], axis=-1)
        slope *= scale[..., None]
        offset = mean - (slope * middle).sum(axis=-1)
        # and how far the matte lies from the mean of the lines of all windows that it is in
        return np.asarray(matte - ((_mean(slope) * colours).sum(axis=-1) + _mean(offset)), np.float32)

    return applied
