"""Cutting a person out of a picture: where the edge is, how it fades, and which colours are the person's own there.

A segmenter's mask is a few pixels off its edge. The colours on both sides tell where it is: within a narrow band about
the mask's edge, each pixel goes to the side that it resembles, and neighbours stay together (GrabCut; Rother et al.,
2004). Within the fading edge a picture mixes the person with what is behind: there the colours just inside are taken.
"""

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Floats, Frame

BAND = 0.03
"""How far from the mask's edge the true one may be, in shares of the square root of the mask's pixels. On rendered
people a wider band loses parts of the person."""
_ROUNDS = 4
_SMOOTH_PX = 5
_FADE_PX = 0.8
_FROM, _TO = 0.4, 0.9
"""Of the blurred outline: below it is nothing, above it all. A little within the outline, so that no seam is left."""
_SURE = 0.95
_SPREAD_PX = (1.5, 4.0, 12.0)


def outline(picture: Frame, mask: Bools) -> Bools:
    """Of uint8[H, W, 3] RGB and bool[H, W] the mask with its edge where the colours change."""
    side = float(np.sqrt(mask.sum()))
    disc = _disc(max(1, round(BAND * side)))
    shape = mask.astype(np.uint8)
    inside, outside = cv2.erode(shape, disc) > 0, cv2.dilate(shape, disc) == 0
    if not inside.any() or not outside.any():
        return mask
    sides = np.full(mask.shape, cv2.GC_PR_BGD, dtype=np.uint8)
    sides[mask] = cv2.GC_PR_FGD
    sides[inside], sides[outside] = cv2.GC_FGD, cv2.GC_BGD
    # its mixtures of colours begin at random
    cv2.setRNGSeed(0)
    of_beside, of_person = np.zeros((1, 65)), np.zeros((1, 65))
    bgr = np.ascontiguousarray(picture[..., ::-1])
    whole = (0, 0, mask.shape[1], mask.shape[0])
    cv2.grabCut(bgr, sides, whole, of_beside, of_person, _ROUNDS, cv2.GC_INIT_WITH_MASK)
    return _largest((sides == cv2.GC_FGD) | (sides == cv2.GC_PR_FGD))


def faded(mask: Bools) -> Floats:
    """float32[H, W], 0 to 1: how much of each pixel is the person's. Where the mask meets the picture's edge, the
    person goes on."""
    blurred = cv2.GaussianBlur(mask.astype(np.float32), (0, 0), _FADE_PX, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(np.clip((blurred - _FROM) / (_TO - _FROM), 0, 1), dtype=np.float32)


def own_colours(picture: Frame, matte: Floats) -> Floats:
    """float32[H, W, 3], 0 to 255: what is not surely the person takes the colours of what surely is beside it."""
    sure = (matte >= _SURE).astype(np.float32)
    seen = picture.astype(np.float32)
    colours = np.where(sure[..., None] > 0, seen, 0)
    known = sure.copy()
    for spread in _SPREAD_PX:
        weight = cv2.GaussianBlur(sure, (0, 0), spread)
        beside = cv2.GaussianBlur(seen * sure[..., None], (0, 0), spread) / np.maximum(weight, 1e-6)[..., None]
        reached = (known == 0) & (weight > 0.02)
        colours[reached] = beside[reached]
        known[reached] = 1
    return np.asarray(colours, dtype=np.float32)


def _largest(mask: Bools) -> Bools:
    """The largest part, and no hair's breadth that sticks out of it."""
    count, parts, told, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8))
    if count > 1:
        mask = parts == 1 + int(np.argmax(told[1:, cv2.CC_STAT_AREA]))
    return np.asarray(cv2.medianBlur(mask.astype(np.uint8), _SMOOTH_PX) > 0)


def _disc(radius: int) -> npt.NDArray[np.uint8]:
    size = 2 * radius + 1
    return cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (size, size)).astype(np.uint8)
