"""How right are a body's direction, its keypoints, its box and its mask?"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from pycocotools import mask as coco

from accuracy.at import BURNT_OR_BLACK, by_sample, frame_at, is_wanted, mask_at, subject
from accuracy.figures import Figure, Figures, errors, overlaps, share
from accuracy.read import Seen
from actor18m.media.boxes import overlap
from actor18m.media.views import SIDE_FROM_DEG, SIDE_TO_DEG, angle_between, body_view
from actor18m.samples.truth import ActorTruth, Truth
from stages.told import box_of

VISIBLE = 0.25
"""Head and shoulders are a third of a body; of less nothing need be known."""
WHOLE = 0.98
CLEAR_DEG = 10.0
"""A body that is closer to the edge of a viewpoint may be called either."""
SEEN_POINT = 2


@dataclass(frozen=True)
class _Posed:
    true_deg: float
    measured_deg: float | None

    @property
    def error_deg(self) -> float:
        assert self.measured_deg is not None
        return angle_between(self.measured_deg, self.true_deg)


def figures(seen: Sequence[Seen]) -> Figures:
    wanted = [each for each in seen if is_wanted(each)]
    posed = [pose for each in wanted for pose in _posed(each)]
    told = [pose for pose in posed if pose.measured_deg is not None]
    clear = [pose for pose in told if _is_clear(pose.true_deg)]
    masks = [told for each in seen for told in _mask_overlaps(each)]
    views = {
        f"body view right: {view}": _right([pose for pose in clear if body_view(pose.true_deg) == view])
        for view in ("front", "side", "back")
    }
    return {
        "body yaw error (median / p90)": errors(pose.error_deg for pose in told),
        **{
            f"body yaw error: {view}": errors(p.error_deg for p in told if body_view(p.true_deg) == view)
            for view in ("front", "side", "back")
        },
        "body yaw error, every clip": errors(
            p.error_deg for each in seen for p in _posed(each) if p.measured_deg is not None
        ),
        "body yaw known": share(pose.measured_deg is not None for pose in posed),
        f"body view right, {CLEAR_DEG:g}° off an edge": _right(clear),
        **views,
        "keypoint error, % of the body's box": errors(
            (error for each in wanted for error in _keypoint_errors(each)), "percent"
        ),
        "subject's box IoU (mean / p10)": overlaps(value for each in wanted for value in _box_overlaps(each)),
        "body mask IoU, whole body (mean / p10)": overlaps(value for visible, value in masks if visible >= WHOLE),
        "body mask IoU, any": overlaps(value for _, value in masks),
    }


def _right(poses: Sequence[_Posed]) -> Figure:
    return share(body_view(pose.measured_deg or 0.0) == body_view(pose.true_deg) for pose in poses)


def _is_clear(yaw_deg: float) -> bool:
    return all(abs(abs(yaw_deg) - edge) > CLEAR_DEG for edge in (SIDE_FROM_DEG, SIDE_TO_DEG))


def _is_visible(truth: Truth, actor: ActorTruth, frame: int, at_least: float) -> bool:
    """Alone, so that nobody else can be meant."""
    visible = actor.body_visible[frame]
    return truth.people[frame] == 1 and visible is not None and visible >= at_least


def _posed(seen: Seen) -> Iterator[_Posed]:
    """Every sample in which the subject is visible."""
    actor, truth = subject(seen), seen.filmed.truth
    if actor is None or truth is None or truth.script in BURNT_OR_BLACK or "pose" not in seen.rows:
        return
    measured = {pose["sample"]: pose["body_yaw_deg"] for pose in seen.rows["pose"]["poses"]}
    for sample, time_s in enumerate(seen.times_s):
        frame = frame_at(truth, time_s)
        yaw = actor.body_yaw_deg[frame]
        if yaw is not None and _is_visible(truth, actor, frame, VISIBLE):
            yield _Posed(yaw, measured.get(sample))


def _keypoint_errors(seen: Seen) -> Iterator[float]:
    """Of points that can be seen."""
    actor, truth = subject(seen), seen.filmed.truth
    if actor is None or truth is None:
        return
    for frame, pose in by_sample(seen, "pose", "poses"):
        points, box = actor.keypoints[frame], actor.body_box[frame]
        if points is None or box is None or not _is_visible(truth, actor, frame, VISIBLE):
            continue
        true = np.array(points, dtype=float)
        distances = np.linalg.norm(np.reshape(pose["points"], (-1, 2)) - true[:, :2], axis=1)
        size = max(box[2] - box[0], box[3] - box[1])
        yield from (100 * distances[true[:, 2] == SEEN_POINT] / size).tolist()


def _box_overlaps(seen: Seen) -> Iterator[float]:
    """A subject that is missed counts as 0."""
    actor, truth = subject(seen), seen.filmed.truth
    if actor is None or truth is None or "motion" not in seen.rows:
        return
    for time_s, found in zip(seen.times_s, seen.rows["motion"]["subject"], strict=True):
        frame = frame_at(truth, time_s)
        box = actor.body_box[frame]
        if box is not None and _is_visible(truth, actor, frame, VISIBLE):
            yield overlap(box_of(found), box) if found else 0.0


def _mask_overlaps(seen: Seen) -> Iterator[tuple[float, float]]:
    """(visible share of the body, IoU) where the body was found: how often it is, is told by the share of frames with a
    mask.
    """
    actor, truth = subject(seen), seen.filmed.truth
    if actor is None or truth is None or truth.script in BURNT_OR_BLACK or "bodies" not in seen.rows:
        return
    row = seen.rows["bodies"]
    for body, counts in zip(row["bodies"], row["masks"], strict=True):
        time_s = seen.times_s[body["sample"]]
        frame, true = frame_at(truth, time_s), mask_at(truth, actor.body_masks, time_s)
        if true is not None and counts is not None and _is_visible(truth, actor, frame, VISIBLE):
            yield actor.body_visible[frame] or 0.0, mask_overlap(counts, true.encode(), truth.height, truth.width)


def mask_overlap(one: bytes, other: bytes, height: int, width: int) -> float:
    """Of COCO run lengths."""
    first, second = ([_encoded(counts, height, width)] for counts in (one, other))
    return float(np.asarray(coco.iou(first, second, [0]))[0, 0])


def _encoded(counts: bytes, height: int, width: int) -> Any:
    return {"size": [height, width], "counts": counts}
