"""The clear pictures of a clip: faces and bodies that are worth showing, each with its box, angles and quality.

Told by the rows of other stages alone: nothing is looked at.
"""

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np
from pydantic import NonNegativeFloat, PositiveFloat

from actor18m.media.boxes import square, with_margin
from actor18m.media.views import angle_between, body_view, face_view
from actor18m.models.roles import KEYPOINTS
from actor18m.stage import Clip, Parameters, Stage
from stages.bodies import Bodies
from stages.faces import Faces
from stages.intake import Intake
from stages.looks.extent import own_points, with_points
from stages.looks.spread import Picture
from stages.motion import Motion
from stages.pose import Pose
from stages.told import box_of

NEEDS: Mapping[type[Stage], Sequence[str]] = {
    Intake: ("width", "height"),
    Motion: ("frame_times",),
    Faces: ("faces",),
    Bodies: ("bodies", "masks"),
    Pose: ("poses",),
}
"""Of a stage that reads them."""
_TRUNK = "shoulder", "elbow", "hip"
_BODY = *_TRUNK, "wrist", "knee", "ankle"
_SOME_SHARPNESS, _SHARP, _USUAL = 1e-6, 0.75, 0.5
"""Faces are compared with a sharp one of those alike, of which a quarter is sharper. Bodies with a usual one: clothes
move, and of who turns, a view that fits is worth more."""


class ClearParameters(Parameters):
    """How clear they must be."""

    min_face_px: PositiveFloat = 48.0
    """The shorter side of a face's box."""
    min_face_visibility: NonNegativeFloat = 0.5
    half_face_px: PositiveFloat = 64.0
    """Where a face is half as good as a large one; likewise for bodies, by height, and for the sharpness of faces."""
    half_body_px: PositiveFloat = 160.0
    half_sharpness: PositiveFloat = 40.0
    alike_deg: PositiveFloat = 30.0
    """Pictures whose yaws differ by so much can be compared in sharpness."""
    min_body_px: PositiveFloat = 128.0
    min_trunk: NonNegativeFloat = 0.5
    """How much of shoulders, elbows and hips is seen, each by its better side. Two of them make a body, shoulders alone
    are a face's."""
    max_others_share: NonNegativeFloat = 0.05
    """What others may take of a body's crop."""
    face_margin: NonNegativeFloat = 0.4
    """Around the box, in its longer sides, on each side; faces are cut square."""
    body_margin: NonNegativeFloat = 0.06


def clear_faces(clip: Clip, of: ClearParameters) -> list[Picture]:
    """Those whose angles are known, in samples where the body is known, too: its mask goes with the crop."""
    times, frame = clip.upstream["motion"]["frame_times"], _frame(clip)
    bodies = {body["sample"]: body for body in clip.upstream["bodies"]["bodies"]}
    with_mesh = [face for face in clip.upstream["faces"]["faces"] if face["has_mesh"]]
    found = []
    for face, sharp in zip(with_mesh, _as_sharp(with_mesh, _SHARP, of), strict=True):
        body = bodies.get(face["sample"])
        if body is None or face["size_px"] < of.min_face_px:
            continue
        if (face["visibility"] or 0.0) < of.min_face_visibility or body["others_share"] > of.max_others_share:
            continue
        quality = (
            face["score"]
            * face["visibility"]
            * _half_at(face["size_px"], of.half_face_px)
            * _half_at(face["sharpness"], of.half_sharpness)
            * sharp
        )
        told = {
            "sample": face["sample"],
            "viewpoint": face_view(face["yaw_deg"], face["pitch_deg"]),
            **{name: face[name] for name in ("pitch_deg", "roll_deg", "visibility", "expression")},
            "others_share": body["others_share"],
            **square(box_of(face), of.face_margin, *frame),
        }
        found.append(Picture(told, quality, times[face["sample"]], face["yaw_deg"], face["pitch_deg"]))
    return found


def clear_bodies(clip: Clip, of: ClearParameters) -> list[Picture]:
    times, frame = clip.upstream["motion"]["frame_times"], _frame(clip)
    bodies = {body["sample"]: body for body in clip.upstream["bodies"]["bodies"]}
    found = []
    seen = [(pose, bodies[pose["sample"]]) for pose in clip.upstream["pose"]["poses"] if pose["sample"] in bodies]
    facing = [(pose, body) for pose, body in seen if pose["body_yaw_deg"] is not None]
    sharpness = _as_sharp([body | {"yaw_deg": pose["body_yaw_deg"]} for pose, body in facing], _USUAL, of)
    for (pose, body), sharp in zip(facing, sharpness, strict=True):
        yaw = pose["body_yaw_deg"]
        height = body["y1"] - body["y0"]
        if height < of.min_body_px or _shown(pose["visibility"], _TRUNK) < of.min_trunk:
            continue
        if body["others_share"] > of.max_others_share:
            continue
        told = {
            "sample": pose["sample"],
            "viewpoint": body_view(yaw),
            **dict.fromkeys(("pitch_deg", "roll_deg", "expression")),
            "visibility": pose["score"],
            "others_share": body["others_share"],
            **with_margin(with_points(box_of(body), pose, *frame), of.body_margin, *frame),
        }
        shown = _shown(pose["visibility"], _BODY)
        quality = shown * _half_at(height, of.half_body_px) * sharp
        in_frame, points = _in_frame(pose["points"], *frame), own_points(pose, height)
        found.append(Picture(told, quality, times[pose["sample"]], yaw, shown=shown, in_frame=in_frame, points=points))
    return found


def masks_of(clip: Clip) -> dict[int, bytes]:
    """By sample, the person's in the whole frame, as run lengths."""
    bodies = clip.upstream["bodies"]
    return {body["sample"]: mask for body, mask in zip(bodies["bodies"], bodies["masks"], strict=True)}


def _as_sharp(pictures: Sequence[Mapping[str, Any]], rank: float, of: ClearParameters) -> list[float]:
    """How sharp each is beside the one of that rank among those that are seen from the same side: what it shows
    there, and the light, say how sharp it can be, so that only pictures alike tell which of them are blurred."""
    found = []
    for one in pictures:
        alike = [
            other["sharpness"] for other in pictures if angle_between(one["yaw_deg"], other["yaw_deg"]) <= of.alike_deg
        ]
        found.append(min(1.0, one["sharpness"] / max(float(np.quantile(alike, rank)), _SOME_SHARPNESS)))
    return found


def _frame(clip: Clip) -> tuple[int, int]:
    return clip.upstream["intake"]["width"], clip.upstream["intake"]["height"]


def _shown(visibility: Sequence[float], parts: Sequence[str]) -> float:
    """Each by its better side."""
    sides = [(KEYPOINTS.index(f"left_{part}"), KEYPOINTS.index(f"right_{part}")) for part in parts]
    return fmean(max(visibility[left], visibility[right]) for left, right in sides)


def _in_frame(points: Sequence[float], width: int, height: int) -> float:
    """Of x, y, x, y and so on."""
    return fmean(0 <= x < width and 0 <= y < height for x, y in zip(points[::2], points[1::2], strict=True))


def _half_at(value: float, half: float) -> float:
    return value / (value + half)
