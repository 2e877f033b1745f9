"""Rows of faces, bodies and poses as the stages before would write them, for stages that read nothing else."""

from collections.abc import Mapping, Sequence
from typing import Any

from actor18m.models.roles import KEYPOINTS
from actor18m.stage import Clip

WIDTH, HEIGHT = 640, 480
TURN = [(22.5 * sample + 180) % 360 - 180 for sample in range(17)]
"""Yaws of somebody who turns round once in two seconds, from their back."""
WHOLE = (240, 40, 400, 440)


def face(sample: int, yaw_deg: float, pitch_deg: float = 0.0, **other: Any) -> dict[str, Any]:
    told = {"x0": 270.0, "y0": 50.0, "x1": 350.0, "y1": 150.0, "score": 0.9, "size_px": 80.0, "sharpness": 100.0}
    angles = {"yaw_deg": yaw_deg, "pitch_deg": pitch_deg, "roll_deg": 1.0, "has_mesh": True}
    return {"sample": sample, **told, **angles, "visibility": 0.9, "expression": "neutral"} | other


def body(sample: int, box: tuple[int, int, int, int] = WHOLE, **other: Any) -> dict[str, Any]:
    sides = dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))
    return {"sample": sample, **sides, "others_share": 0.0, "sharpness": 100.0} | other


def pose(sample: int, yaw_deg: float | None, score: float = 0.9, hidden: Sequence[str] = ()) -> dict[str, Any]:
    """Points that are named in part are hidden, and beyond the frame."""
    is_hidden = [any(name in point for name in hidden) for point in KEYPOINTS]
    points = [value for gone in is_hidden for value in (320.0, HEIGHT + 20.0 if gone else 200.0)]
    visibility = [0.0 if gone else score for gone in is_hidden]
    told = {"points": points, "visibility": visibility, "score": sum(visibility) / len(visibility)}
    return {"sample": sample, **told, "body_yaw_deg": yaw_deg}


def clip(
    faces: Sequence[Mapping[str, Any]] = (),
    bodies: Sequence[Mapping[str, Any]] = (),
    poses: Sequence[Mapping[str, Any]] = (),
    key: str = "clip",
) -> Clip:
    samples = [each["sample"] for each in (*faces, *bodies, *poses)]
    upstream: dict[str, dict[str, Any]] = {
        "intake": {"width": WIDTH, "height": HEIGHT},
        "motion": {"frame_times": [sample / 8 for sample in range(max(samples, default=0) + 1)]},
        "faces": {"faces": faces},
        "bodies": {"bodies": bodies, "masks": [b"mask of %d" % each["sample"] for each in bodies]},
        "pose": {"poses": poses},
    }
    return Clip(key, "", upstream=upstream)
