"""How well the people in a sheet stand beside each other, measured on the sheet by what is true of their frames."""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.media.views import body_view
from actor18m.models.roles import KEYPOINTS
from actor18m.samples.truth import ActorTruth, Truth

_ANKLES = [KEYPOINTS.index(f"{side}_ankle") for side in ("left", "right")]
_SHOULDERS = [KEYPOINTS.index(f"{side}_shoulder") for side in ("left", "right")]
Mask = npt.NDArray[np.bool_]


def mask_of(files: Mapping[str, bytes]) -> Mask:
    shape = cv2.imdecode(np.frombuffer(files["mask.png"], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert shape is not None
    return np.asarray(shape > 127)


def true_views(anchors: Sequence[Mapping[str, Any]], truth: Truth) -> list[str]:
    """From where the body is seen in the frames of the panels, in their order."""
    yaws = [truth.actors[0].body_yaw_deg[truth.mask_frames[anchor["sample"]]] for anchor in anchors]
    return [body_view(yaw) for yaw in yaws if yaw is not None]


def off_lines(
    mask: Mask, scales: Sequence[float], anchors: Sequence[Mapping[str, Any]], truth: Truth
) -> dict[str, float]:
    """How far apart the panels' lines are, in heights of the person: the true ankles, shoulders and tops of the heads.

    Where a frame's point is in its panel follows from where the person's true mask is found again in it.
    """
    lines: dict[str, list[float]] = {"ankles": [], "shoulders": [], "tops": []}
    for number, (scale, anchor) in enumerate(zip(scales, anchors, strict=True)):
        actor, frame = truth.actors[0], truth.mask_frames[anchor["sample"]]
        true = truth.mask(actor.body_masks[anchor["sample"]] or "")
        panel = mask[:, round(mask.shape[1] * number / 3) : round(mask.shape[1] * (number + 1) / 3)]
        shift = _found_again(cv2.resize(true.astype(np.uint8), None, fx=scale, fy=scale), panel)
        lines["tops"].append(np.flatnonzero(true.any(axis=1))[0] * scale + shift)
        lines["ankles"].append(_middle_y(actor, frame, _ANKLES) * scale + shift)
        lines["shoulders"].append(_middle_y(actor, frame, _SHOULDERS) * scale + shift)
    height = float(np.mean(lines["ankles"]) - np.mean(lines["tops"]))
    return {name: float(np.ptp(each)) / height for name, each in lines.items()}


def _middle_y(actor: ActorTruth, frame: int, points: Sequence[int]) -> float:
    known = actor.keypoints[frame]
    assert known is not None
    return float(np.mean([known[point][1] for point in points]))


def _found_again(true: npt.NDArray[Any], panel: Mask) -> int:
    """How much farther down the panel has it: where most of both lie on each other."""
    profile, wanted = panel.sum(axis=1).astype(float), true.sum(axis=1).astype(float)
    shifts = range(-len(wanted), len(profile))
    padded = np.concatenate([np.zeros(len(wanted)), profile, np.zeros(len(wanted))])
    apart = [float(np.abs(padded[len(wanted) + s : 2 * len(wanted) + s] - wanted).sum()) for s in shifts
             if len(wanted) + s >= 0 and 2 * len(wanted) + s <= len(padded)]  # fmt: skip
    return list(shifts)[int(np.argmin(apart))]
