"""Three pictures of one person beside each other: cut out, of one height, on one floor line, in one light.

Height and floor are told by the body's points: a box would make who lifts an arm smaller, and who strides lower.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.bounds import bounds
from actor18m.models.roles import KEYPOINTS
from stages.looks.garments import garments
from stages.looks.outline import faded, outline, own_colours

_HEAD = [KEYPOINTS.index(name) for name in ("nose", "left_eye", "right_eye", "left_ear", "right_ear")]
_SHOULDERS = [KEYPOINTS.index(f"{side}_shoulder") for side in ("left", "right")]
_HIPS = [KEYPOINTS.index(f"{side}_hip") for side in ("left", "right")]
_ANKLES = [KEYPOINTS.index(f"{side}_ankle") for side in ("left", "right")]
_MARGIN = 0.06
"""What is cut around the body's box, in its height: the matte's edge lies there."""
_ONE_HUE = 10.0
_ONE_CLOTH = 1.4
"""Clothes whose colours are no farther apart in Lab, and that are at most so many times as bright, are the same in
another light."""
_DARK = 25.0
"""Lightness below which folds tell more than light does."""


@dataclass(frozen=True, eq=False)
class CutOut:
    """A person in a part of a frame."""

    colours: Floats
    """float32[H, W, 3], 0 to 255: the person's own."""
    matte: Floats
    """float32[H, W], 0 to 1."""
    top_y: float
    """Of the head, in pixels of the part; so are the others."""
    ankle_y: float
    """The middle of both."""
    middle_x: float
    """Of the trunk."""
    scale: float
    """How many times as large as in the frame."""
    cloth: Mapping[str, Floats]
    """float32[3] by region, Lab: the middle colour of upper body and legs, where they are seen."""

    @property
    def height_px(self) -> float:
        """From the ankles to the top of the head."""
        return max(1.0, self.ankle_y - self.top_y)


@dataclass(frozen=True)
class Ground:
    """What a sheet looks like; lengths are in heights from the ankles to the top of the head."""

    grey: int
    around: float
    """Left free above, below and beside the person."""
    max_gain: float
    """By how much a picture may be made brighter or darker so that it agrees with the first."""


@dataclass(frozen=True, eq=False)
class Sheet:
    picture: Frame
    mask: Bools
    scales: list[float]
    """Of each panel: how many times as large as in its frame the person is."""
    gains: list[float]
    """How many times as bright."""


def cut_out(
    frame: Frame, mask: Bools, box: tuple[int, int, int, int], points: Floats, is_seen: Bools, max_px: int
) -> CutOut:
    """Of uint8[H, W, 3] RGB and bool[H, W]; `points` are float32[17, 2] in the frame, of which some are seen.
    Who is higher than `max_px` is made smaller."""
    x0, y0, x1, y1 = box
    margin = round(_MARGIN * (y1 - y0))
    height, width = mask.shape
    left, top, right, bottom = (
        max(0, x0 - margin),
        max(0, y0 - margin),
        min(width, x1 + margin),
        min(height, y1 + margin),
    )
    picture, shape = np.ascontiguousarray(frame[top:bottom, left:right]), mask[top:bottom, left:right]
    own = points - np.array([left, top], dtype=np.float32)
    if (scale := max_px / (y1 - y0)) < 1:
        # what would be made smaller on the sheet is so before its edge is looked for, which takes a while
        size = max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale))
        picture = cv2.resize(picture, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        shape = cv2.resize(shape * np.uint8(255), size, interpolation=cv2.INTER_AREA) > 127
        own = own * np.float32(scale)
    matte = faded(outline(picture, shape))
    ankle_y = float(own[_ANKLES, 1].mean())
    cloth = garments(picture, shape, own, is_seen)
    return CutOut(
        colours=own_colours(picture, matte),
        matte=matte,
        top_y=_top_of_head(matte, own, ankle_y),
        ankle_y=ankle_y,
        middle_x=float((own[_SHOULDERS, 0].mean() + own[_HIPS, 0].mean()) / 2),
        scale=min(1.0, scale),
        cloth={region: np.median(pixels, axis=0).astype(np.float32) for region, pixels in cloth.items()},
    )


def side_by_side(people: Sequence[CutOut], ground: Ground) -> Sheet:
    """In their order, in panels of one width."""
    height_px = round(min(each.height_px for each in people))
    scales = [height_px / each.height_px for each in people]
    gains = [1.0, *(_gain(people[0].cloth, each.cloth, ground.max_gain) for each in people[1:])]
    # every panel holds who reaches farthest to a side, and every one whose feet are lowest
    reaches = [_reach(each) for each in people]
    free = round(ground.around * height_px)
    panel = 2 * (round(max(scale * beside for scale, (beside, _) in zip(scales, reaches, strict=True))) + free)
    below = round(max(scale * under for scale, (_, under) in zip(scales, reaches, strict=True)))
    size = free + height_px + below + free, panel
    shown, mattes = [], []
    for each, scale, gain in zip(people, scales, gains, strict=True):
        premultiplied = _lit(each.colours, gain) * each.matte[..., None]
        # the ankles' middle on one line, the trunk's in the panel's middle
        move = np.array(
            [[scale, 0, panel / 2 - scale * each.middle_x], [0, scale, free + height_px - scale * each.ankle_y]]
        )
        matte = _placed(each.matte, move, scale, size)
        shown.append(_placed(premultiplied, move, scale, size) + ground.grey * (1 - matte[..., None]))
        mattes.append(matte)
    picture = np.clip(np.concatenate(shown, axis=1) + 0.5, 0, 255).astype(np.uint8)
    whole = [scale * each.scale for scale, each in zip(scales, people, strict=True)]
    return Sheet(picture, np.concatenate(mattes, axis=1) > 0.5, whole, gains)


def _top_of_head(matte: Floats, points: Floats, ankle_y: float) -> float:
    """The first row that the person takes above the head: a lifted hand beside it does not count."""
    head = points[_HEAD]
    half = 0.06 * (ankle_y - float(head[:, 1].min()))
    left, right = (max(0, round(float(head[:, 0].mean()) + side * half)) for side in (-1, 1))
    rows = np.flatnonzero((matte[:, left : right + 1] > 0.5).any(axis=1))
    return float(rows[0]) if len(rows) else float(head[:, 1].min())


def _gain(first: Mapping[str, Floats], other: Mapping[str, Floats], most: float) -> float:
    """How many times as bright the other would be to look like the first: by clothes that have one hue in both, since
    an open coat shows from the front what it hides from behind. Of two that disagree the one that changes less counts,
    and of dark ones none."""
    ratios = [
        float(first[region][0] / max(1.0, other[region][0]))
        for region in first
        if region in other
        and min(first[region][0], other[region][0]) >= _DARK
        and float(np.hypot(*(first[region] - other[region])[1:])) <= _ONE_HUE
    ]
    alike = [ratio for ratio in ratios if 1 / _ONE_CLOTH <= ratio <= _ONE_CLOTH]
    least = min(alike, key=lambda ratio: abs(np.log(ratio)), default=1.0)
    return float(np.clip(least, 1 / most, most))


def _lit(colours: Floats, gain: float) -> Floats:
    """`gain` is of lightness as it is seen; what is bright already is not burnt out."""
    if gain <= 1:
        return colours * np.float32(gain)
    share = colours / 255
    return np.asarray(255 * share * gain / (1 + (gain - 1) * share), dtype=np.float32)


def _reach(person: CutOut) -> tuple[float, float]:
    """How far they reach to either side from their middle, and below their ankles."""
    is_there = person.matte > 0.5
    if not is_there.any():
        return 0.0, 0.0
    x0, _, x1, y1 = bounds(is_there)
    return float(max(person.middle_x - x0, x1 - person.middle_x)), max(0.0, y1 - person.ankle_y)


def _placed(values: Floats, move: Floats, scale: float, size: tuple[int, int]) -> Floats:
    """float32 of this height and width. What is made smaller is blurred first, so that no edge is jagged."""
    if scale < 1:
        values = np.asarray(cv2.GaussianBlur(values, (0, 0), 0.5 * (1 / scale - 1) + 1e-3), dtype=np.float32)
    height, width = size
    return np.asarray(cv2.warpAffine(values, move, (width, height), flags=cv2.INTER_LINEAR), dtype=np.float32)
