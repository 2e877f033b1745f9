"""Samples as the stages after motion are given them, with the boxes of people that a perfect tracker would find."""

from dataclasses import replace
from typing import Any

from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.models.roles import FACE_PARTS
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Box, Truth
from actor18m.stage import Clip
from stages.told import SIDES

FARTHEST_DEG = 90.0
"""Of a head that is turned farther nobody sees a face."""


def with_boxes(name: str, first: int = 0, last: int | None = None) -> tuple[Clip, Truth]:
    """The clip, and its truth. People are shown at samples `first` to `last` only."""
    truth = Truth.read(SHIPPED / f"{name}.json")
    uri = canonical_uri(SHIPPED / f"{name}.mp4")
    times = [time for time, _ in frames(uri, fps=8)]
    at = [truth.mask_frames[min(sample, len(truth.mask_frames) - 1)] for sample in range(len(times))]
    shown = [
        [_struct(actor.body_box[frame]) if first <= sample < (last or len(at)) else None for actor in truth.actors]
        for sample, frame in enumerate(at)
    ]
    motion = {
        "frame_times": times,
        "subject": [people[0] if people else None for people in shown],
        "people": [sum(box is not None for box in people) for people in shown],
    }
    return Clip(name, uri, upstream={"motion": motion}), truth


def _struct(box: Box | None) -> dict[str, Any] | None:
    return None if box is None else dict(zip(("x0", "y0", "x1", "y1"), map(float, box), strict=True)) | {"score": 0.9}


def measured_by_truth(name: str) -> tuple[Clip, Truth]:
    """Likewise with faces, bodies and poses, as perfect stages would tell of them."""
    clip, truth = with_boxes(name)
    actor, at = truth.actors[0], truth.mask_frames
    here = [(sample, frame) for sample, frame in enumerate(at) if actor.body_box[frame] and actor.body_masks[sample]]
    with_face = [(sample, frame) for sample, frame in here if abs(actor.head_yaw_deg[frame] or 0.0) <= FARTHEST_DEG]
    upstream: dict[str, dict[str, Any]] = {
        "intake": {"width": truth.width, "height": truth.height},
        "faces": {
            "faces": [_face(truth, sample, frame) for sample, frame in with_face],
            "parsing": [dict.fromkeys(FACE_PARTS[1:]) | {"sample": sample} for sample, _ in with_face],
        },
        "bodies": {
            "bodies": [{"sample": s, **dict(zip(SIDES, actor.body_box[f] or (), strict=True))} for s, f in here],
            "masks": [(actor.body_masks[sample] or "").encode() for sample, _ in here],
        },
        "pose": {"poses": [_pose(truth, sample, frame) for sample, frame in here]},
    }
    motion = {**clip.upstream["motion"], "subject_share": len(here) / len(at), "others": []}
    return replace(clip, upstream={**clip.upstream, **upstream, "motion": motion}), truth


def _face(truth: Truth, sample: int, frame: int) -> dict[str, Any]:
    actor = truth.actors[0]
    angles = {"yaw_deg": actor.head_yaw_deg[frame], "pitch_deg": actor.head_pitch_deg[frame], "has_mesh": True}
    seen = {"visibility": actor.face_visible[frame], "expression": actor.expression[frame], "expression_score": 0.9}
    return {"sample": sample, **dict(zip(SIDES, actor.face_box[frame] or (), strict=True)), **angles, **seen}


def _pose(truth: Truth, sample: int, frame: int) -> dict[str, Any]:
    points = truth.actors[0].keypoints[frame] or []
    return {
        "sample": sample,
        "points": [float(value) for x, y, _ in points for value in (x, y)],
        "visibility": [float(state > 0) for *_, state in points],
        "score": 1.0,
        "body_yaw_deg": truth.actors[0].body_yaw_deg[frame],
    }
