"""What is seen in a sheet of three views: each panel as a picture of its own, and how well they stand together."""

from collections.abc import Sequence
from itertools import combinations, pairwise
from typing import Any

import numpy as np
from pyarrow import DataType, float32, int32, list_, string

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.colour_names import counted
from actor18m.media.views import body_view
from actor18m.models.roles import KEYPOINTS
from stages.looks.garments import garments
from stages.looks.pose import Posture
from stages.told import rounded

OF_SHEETS: dict[str, DataType] = {
    "seen_views": list_(string()),
    "panel_people": list_(int32()),
    "clothes_likeness": float32(),
    "line_spread": float32(),
}
"""Columns that are null for what is no sheet. Of each panel, from left to right: from where the body is seen (front,
side, back, or `unknown`), and how many people are. `clothes_likeness` is of the two panels whose clothes are least
alike how much of their colours they share, 0 to 1, by upper body or legs, whichever are more alike: an open coat hides
from behind what it shows from the front. `line_spread` is how far the panels' shoulders, hips and ankles are from one
line, in heights from ankles to shoulders."""
NO_SHEET: dict[str, None] = dict.fromkeys(OF_SHEETS)
UNKNOWN = "unknown"
PANELS = 3
_SEEN = 0.5
"""The visibility of a point by which clothes are looked for."""
_LINES = ("shoulder", "hip", "ankle")


def panels_of(picture: Frame) -> list[Frame]:
    """Its thirds, from left to right, of uint8[H, W, 3]."""
    ends = [round(picture.shape[1] * number / PANELS) for number in range(PANELS + 1)]
    return [np.ascontiguousarray(picture[:, start:end]) for start, end in pairwise(ends)]


def told_of_panels(
    panels: Sequence[Frame],
    masks: Sequence[Bools] | None,
    postures: Sequence[Posture | None],
    yaws_deg: Sequence[float | None],
    people: Sequence[int],
) -> dict[str, Any]:
    """The values of OF_SHEETS. Without masks, nothing is told of the clothes."""
    clothes = [
        _clothes(panel, mask, posture)
        for panel, mask, posture in zip(panels, masks or (), postures, strict=bool(masks))
        if posture is not None
    ]
    return {
        "seen_views": [UNKNOWN if yaw is None else body_view(yaw) for yaw in yaws_deg],
        "panel_people": list(people),
        "clothes_likeness": rounded(_likeness(clothes)),
        "line_spread": rounded(_line_spread(postures)),
    }


def _clothes(panel: Frame, mask: Bools, posture: Posture) -> dict[str, Floats]:
    """By region, upper body and legs, the share of each colour's name."""
    seen = garments(panel, mask, posture.points, posture.visibility >= _SEEN)
    counts = {region: counted(pixels) for region, pixels in seen.items()}
    return {region: np.asarray(each / each.sum(), dtype=np.float32) for region, each in counts.items()}


def _likeness(clothes: Sequence[dict[str, Floats]]) -> float | None:
    """None where no two can be compared."""
    shared = []
    for one, other in combinations(clothes, 2):
        both = [float(np.minimum(one[region], other[region]).sum()) for region in one if region in other]
        shared.extend([max(both)] if both else [])
    return min(shared, default=None)


def _line_spread(postures: Sequence[Posture | None]) -> float | None:
    """None where a panel shows no body."""
    known = [posture.points for posture in postures if posture is not None]
    if len(known) < PANELS:
        return None
    pairs = [[KEYPOINTS.index(f"{side}_{part}") for side in ("left", "right")] for part in _LINES]
    lines = np.array([[points[pair, 1].mean() for pair in pairs] for points in known])
    height = float(np.mean(lines[:, -1] - lines[:, 0]))
    return float(np.ptp(lines, axis=0).max() / height) if height > 0 else None
