"""One face in one picture: where it is, where it looks, how much of it is seen, how sharp it is, what it expresses.

The same for a frame of a video and for a single image, so that their measurements can be compared.
"""

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt
from pyarrow import bool_, float32, int32, list_, string, struct
from pydantic import NonNegativeFloat, PositiveFloat

from actor18m.arrays import Box, Frame
from actor18m.media.views import angle_between
from actor18m.models.roles import (
    FACE_PARTS,
    ExpressionReader,
    Face,
    FaceDetector,
    FaceMesh,
    FaceParser,
    Head,
    HeadPose,
    Mesh,
    Parsing,
)
from actor18m.stage import Parameters
from stages.identity import rough_yaw_deg, sharpness_of
from stages.looks.heads import farther_yaw_deg, heads_without_mesh
from stages.told import SIDES, rounded, rounded_fields, sides

_IN_THE_FACE = tuple(FACE_PARTS.index(name) for name in FACE_PARTS[1:6] + FACE_PARTS[10:14])
"""Skin and features."""

FACE = struct(
    [
        ("sample", int32()),
        *((side, float32()) for side in SIDES),
        ("score", float32()),
        ("points", list_(float32())),
        ("size_px", float32()),
        ("sharpness", float32()),
        ("yaw_deg", float32()),
        ("pitch_deg", float32()),
        ("roll_deg", float32()),
        ("has_mesh", bool_()),
        ("visibility", float32()),
        ("expression", string()),
        ("expression_score", float32()),
    ]
)
"""`points` are the detector's five, x before y: right eye, left eye, nose, right and left corner of the mouth. Angles
are the mesh's where there is one; without it yaw and roll are rough ones by the five points, and pitch is null. Where a
model of head poses is there to be asked, pitch is its own then, and so is the yaw of heads that are turned past a
profile.
`visibility` is the share of the face's hull that is parsed as skin or features. The expression is null where its reader
cannot tell."""
PARSING = struct([("sample", int32()), *((name, float32()) for name in FACE_PARTS[1:])])
"""Shares of the face's box; null where the parser cannot tell a part."""


class FaceParameters(Parameters):
    """How a face is looked for and believed."""

    margin: NonNegativeFloat = 0.08
    """What is looked at around the subject's box, in its longer sides."""
    detect_px: PositiveFloat = 224.0
    """What is looked at is made smaller until it has the area of a square with this side."""
    max_apart: PositiveFloat = 0.25
    """A mesh whose eyes, nose and mouth are farther from the detector's, in heights of its box, is another face's."""
    max_yaw_apart_deg: PositiveFloat = 12.0
    """Where mesh and points tell yaws that are farther apart, the points are right: on rendered heads the mesh is then
    12 to 50 degrees off (median), they are 2 to 6."""


class FaceReader:
    """Finds people's faces and measures them, with one backend for each of its roles; `heads` may be left unplayed."""

    roles: ClassVar[Mapping[str, type]] = {
        "faces": FaceDetector,
        "mesh": FaceMesh,
        "parsing": FaceParser,
        "expression": ExpressionReader,
        "heads": HeadPose,
    }
    may_lack: ClassVar[Set[str]] = frozenset({"heads"})

    def __init__(self, backends: Mapping[str, Any], parameters: FaceParameters) -> None:
        self._backends = backends
        self._parameters = parameters

    @property
    def parsing_method(self) -> str:
        return str(self._backends["parsing"].method)

    def find(self, frames: Sequence[Frame], people: Sequence[Box]) -> list[Face | None]:
        """Of each frame, uint8[H, W, 3] RGB, the face of the person in the box."""
        views = [self._view(frame, person) for frame, person in zip(frames, people, strict=True)]
        detected = iter(self._backends["faces"].detect([view.picture for view in views if view is not None]))
        return [
            None if view is None else _own_face([view.in_frame(face) for face in next(detected)], person)
            for view, person in zip(views, people, strict=True)
        ]

    def _view(self, frame: Frame, person: Box) -> "_View | None":
        """What is looked at of a person; None where the box is nowhere in the frame."""
        height, width = frame.shape[:2]
        margin = self._parameters.margin * max(person[2] - person[0], person[3] - person[1])
        left, top = max(0, round(person[0] - margin)), max(0, round(person[1] - margin))
        right, bottom = min(width, round(person[2] + margin)), min(height, round(person[3] + margin))
        if left >= right or top >= bottom:
            return None
        view = frame[top:bottom, left:right]
        scale = min(1.0, self._parameters.detect_px / ((right - left) * (bottom - top)) ** 0.5)
        size = max(1, round((right - left) * scale)), max(1, round((bottom - top) * scale))
        small = np.ascontiguousarray(cv2.resize(view, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
        return _View(small, np.array([(right - left) / size[0], (bottom - top) / size[1]]), np.array([left, top]))

    def read(
        self, frames: Sequence[Frame], faces: Sequence[Face], people: Sequence[Box]
    ) -> list[tuple[dict[str, Any], dict[str, float | None]]]:
        """The fields of `FACE` and of `PARSING` of a face in each frame, without the sample. Whose face it is is in the
        box of `people`."""
        seen = self._backends["mesh"].mesh(frames, [face.box for face in faces])
        meshes = [believed(mesh, face, self._parameters) for mesh, face in zip(seen, faces, strict=True)]
        parsings = self._backends["parsing"].parse(frames, faces, meshes)
        likely = self._backends["expression"].read(frames, faces, meshes)
        heads = heads_without_mesh(self._backends.get("heads"), frames, people, faces, meshes)
        return [self._told(*of_face) for of_face in zip(frames, faces, meshes, heads, parsings, likely, strict=True)]

    def _told(
        self,
        frame: Frame,
        face: Face,
        mesh: Mesh | None,
        head: Head | None,
        parsing: Parsing,
        likely: Mapping[str, float],
    ) -> tuple[dict[str, Any], dict[str, float | None]]:
        expression = max(likely, key=lambda name: likely[name], default=None)
        x0, y0, x1, y1 = face.box
        pitch_deg = mesh.pitch_deg if mesh is not None else None if head is None else head.pitch_deg
        measured = {
            **sides(face.box),
            "score": face.score,
            "points": [rounded(value) for value in face.points.ravel().tolist()],
            "size_px": min(x1 - x0, y1 - y0),
            "sharpness": sharpness_of(frame, face),
            "yaw_deg": farther_yaw_deg(rough_yaw_deg(face.points), head) if mesh is None else mesh.yaw_deg,
            "pitch_deg": pitch_deg,
            "roll_deg": rough_roll_deg(face) if mesh is None else mesh.roll_deg,
            "has_mesh": mesh is not None,
            "visibility": visibility(parsing),
            "expression": expression,
            "expression_score": None if expression is None else likely[expression],
        }
        return rounded_fields(measured), rounded_fields(self._shares(parsing, face))

    def _shares(self, parsing: Parsing, face: Face) -> dict[str, float | None]:
        x0, y0, x1, y1 = (round(value) - parsing.region[i % 2] for i, value in enumerate(face.box))
        inside = parsing.parts[max(0, y0) : y1, max(0, x0) : x1]
        counts = np.bincount(inside.ravel(), minlength=len(FACE_PARTS)) / max(1, inside.size)
        told = self._backends["parsing"].tells
        return {name: float(counts[i]) if name in told else None for i, name in enumerate(FACE_PARTS) if i}


@dataclass(frozen=True, eq=False)
class _View:
    """A part of a frame, made smaller, and the way back."""

    picture: Frame
    to_frame: npt.NDArray[np.float64]
    """float[2]: a pixel of the picture in pixels of the frame."""
    origin: npt.NDArray[np.int_]
    """int[2]: where in the frame the picture's corner is."""

    def in_frame(self, face: Face) -> Face:
        x0, y0, x1, y1 = (np.reshape(face.box, (2, 2)) * self.to_frame + self.origin).ravel().tolist()
        points = (face.points * self.to_frame + self.origin).astype(np.float32)
        return Face((x0, y0, x1, y1), face.score, points)


def _own_face(faces: Sequence[Face], person: Box) -> Face | None:
    return max(faces, key=lambda face: face.score * _centred(face.box, person), default=None)


def believed(mesh: Mesh | None, face: Face, parameters: FaceParameters) -> Mesh | None:
    """None where it is of another face, or tells another yaw than the points."""
    if mesh is None:
        return None
    apart = float(np.linalg.norm(mesh.five_points - face.points, axis=1).mean()) / (face.box[3] - face.box[1])
    disagree = angle_between(mesh.yaw_deg, rough_yaw_deg(face.points)) > parameters.max_yaw_apart_deg
    return None if apart > parameters.max_apart or disagree else mesh


def visibility(parsing: Parsing) -> float | None:
    hull = int(parsing.hull.sum())
    return float(np.isin(parsing.parts[parsing.hull], _IN_THE_FACE).sum()) / hull if hull else None


def rough_roll_deg(face: Face) -> float:
    """By the line from the eyes to the mouth, which stays when a face is seen from the side."""
    right_eye, left_eye, _, right_mouth, left_mouth = face.points.astype(np.float64)
    x, y = (right_eye + left_eye - right_mouth - left_mouth) / 2
    return float(np.degrees(np.arctan2(x, -y)))


def _centred(face: Box, person: Box) -> float:
    """1 for a face in the middle of the person's width, less towards the sides: there, others look into the box."""
    middle, half = (person[0] + person[2]) / 2, max(1.0, (person[2] - person[0]) / 2)
    return 1 / (1 + (((face[0] + face[2]) / 2 - middle) / half) ** 2)
