"""The same measurements on single images: a label says what is seen in the image, not what it was cut or made for."""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, ClassVar

import cv2
import numpy as np
from pyarrow import bool_, float32, int32, list_, string, struct
from pydantic import NonNegativeFloat

from actor18m.arrays import Box, Frame
from actor18m.media.chunks import chunks
from actor18m.media.encoded import decoded
from actor18m.media.views import body_view, face_view_of
from actor18m.models.roles import Person, PersonDetector, PoseEstimator
from actor18m.stage import Failure, Image, Row, Stage, schema
from stages.looks.face import FaceParameters, FaceReader
from stages.looks.pose import Posture, PostureParameters, postures_of
from stages.looks.sheet import NO_SHEET, OF_SHEETS, panels_of, told_of_panels
from stages.told import rounded

FIGURE = struct(
    [
        *((name, float32()) for name in ("yaw_deg", "pitch_deg", "roll_deg")),
        ("points", list_(float32())),
        ("visibility", list_(float32())),
    ]
)
"""One face, or one body. `points` are x, y in pixels of the image: a face's five, as in FACE, or COCO's 17 of a body,
which may lie outside; `visibility` is theirs, and null of a face. Pitch and roll are null of a body."""


class AnnotateParameters(FaceParameters, PostureParameters):
    min_person_score: NonNegativeFloat = 0.5
    """Who counts as a person; one who is less sure does where nobody else is, and a face or a body's yaw can be told:
    detectors are unsure of people seen from the side who fill a narrow image."""
    second_margin: NonNegativeFloat = 0.25
    """Where a body's yaw cannot be told, the image is looked at again with so much of its longer side around it."""


class Annotate(Stage[Image]):
    """Measures each image by itself, whoever made it: what it is of is not told to the models."""

    version = 7
    of = "images"
    reads_source = False
    roles: ClassVar[Mapping[str, type]] = {**FaceReader.roles, "people": PersonDetector, "pose": PoseEstimator}
    may_lack: ClassVar = FaceReader.may_lack
    writes = schema(
        "annotate",
        seen_people=int32(),
        seen_viewpoint=string(),
        seen_yaw_deg=float32(),
        seen_pitch_deg=float32(),
        seen_roll_deg=float32(),
        seen_visibility=float32(),
        seen_expression=string(),
        seen_figures=list_(FIGURE),
        has_face=bool_(),
        **OF_SHEETS,
    )
    """Angles and visibility are the face's in an image of a face, the body's in one of a body; null where none is
    seen. A sheet has no viewpoint: OF_SHEETS tells of its panels, its people are those in all of them, and its
    visibility is that of the panel that shows least. `seen_figures` are what the image is of: the face, the body, or
    the bodies of a sheet from left to right; none where none is seen."""
    parameters = AnnotateParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        shown = ((image, decoded(image.files["webp"])) for image in images)
        for chunk in chunks(shown, itemgetter(1)):
            seen = self._seen([picture for _, picture in chunk], [image for image, _ in chunk])
            yield from (Row(image.key, values) for (image, _), values in zip(chunk, seen, strict=True))

    def _seen(self, pictures: Sequence[Frame], images: Sequence[Image]) -> list[dict[str, Any]]:
        regions = [image.region for image in images]
        reader = FaceReader(self.backends, self.parameters)
        faces = reader.find(pictures, [_whole(picture) for picture in pictures])
        of_faces = [
            (picture, face)
            for picture, face, region in zip(pictures, faces, regions, strict=True)
            if region == "face" and face is not None
        ]
        shown = [picture for picture, _ in of_faces]
        read = iter(reader.read(shown, [face for _, face in of_faces], [_whole(picture) for picture in shown]))
        bodies = iter(self._of_bodies([p for p, region in zip(pictures, regions, strict=True) if region == "body"]))
        alone = iter(self._people([p for p, region in zip(pictures, regions, strict=True) if region != "sheet"]))
        found = []
        for picture, image, face in zip(pictures, images, faces, strict=True):
            if image.region == "sheet":
                found.append({"has_face": face is not None, **self._of_sheet(picture, image)})
                continue
            there = next(alone)
            seen = next(bodies) if image.region == "body" else _of_face({} if face is None else next(read)[0])
            is_known = face is not None or seen["seen_viewpoint"] is not None
            counted = self._count(there, is_known)
            found.append({"seen_people": counted, "has_face": face is not None, **seen, **NO_SHEET})
        return found

    def _people(self, pictures: Sequence[Frame]) -> list[list[Person]]:
        return self.backends["people"].people([_no_narrower_than_high(picture) for picture in pictures])  # type: ignore[no-any-return]

    def _count(self, people: Sequence[Person], is_known: bool) -> int:
        """`is_known`: a face or a body's yaw can be told."""
        sure = sum(person.score >= self.parameters.min_person_score for person in people)
        return sure or int(bool(people) and is_known)

    def _of_bodies(self, pictures: Sequence[Frame]) -> list[dict[str, Any]]:
        return [_of_body(*each) for each in self._bodies(pictures)]

    def _of_sheet(self, picture: Frame, image: Image) -> dict[str, Any]:
        """Each panel is looked at as if it were a picture of a body."""
        panels = panels_of(picture)
        lefts = [sum(panel.shape[1] for panel in panels[:number]) for number in range(len(panels))]
        mask = image.files.get("mask.png")
        shapes = None if mask is None else [shape[..., 0] > 127 for shape in panels_of(decoded(mask))]
        bodies = self._bodies(panels)
        people = [
            self._count(there, yaw is not None) for there, (_, yaw) in zip(self._people(panels), bodies, strict=True)
        ]
        postures = [posture for posture, _ in bodies]
        scores = [0.0 if posture is None else posture.score for posture in postures]
        return {
            "seen_people": sum(people),
            **dict.fromkeys(("seen_viewpoint", "seen_yaw_deg", "seen_pitch_deg", "seen_roll_deg", "seen_expression")),
            "seen_visibility": rounded(min(scores)),
            "seen_figures": [each for at, body in enumerate(bodies) for each in _figure_of_body(*body, lefts[at])],
            **told_of_panels(panels, shapes, postures, [yaw for _, yaw in bodies], people),
        }

    def _bodies(self, pictures: Sequence[Frame]) -> list[tuple[Posture | None, float | None]]:
        """Each one's posture and yaw."""
        postures = self._postures(pictures, [_whole(picture) for picture in pictures])
        yaws = [None if posture is None else posture.body_yaw_deg for posture in postures]
        unknown = [number for number, yaw in enumerate(yaws) if yaw is None]
        wider = [self._wider(pictures[number]) for number in unknown]
        again = self._postures([picture for picture, _ in wider], [box for _, box in wider])
        for number, posture in zip(unknown, again, strict=True):
            yaws[number] = None if posture is None else posture.body_yaw_deg
        return list(zip(postures, yaws, strict=True))

    def _wider(self, picture: Frame) -> tuple[Frame, Box]:
        """The picture with its edge going on to all sides, and the box of what it was before."""
        more = round(self.parameters.second_margin * max(picture.shape[:2]))
        x0, y0, x1, y1 = _whole(picture)
        wider = cv2.copyMakeBorder(picture, more, more, more, more, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
        return wider, (x0 + more, y0 + more, x1 + more, y1 + more)

    def _postures(self, pictures: Sequence[Frame], boxes: Sequence[Box]) -> list[Posture | None]:
        return postures_of(pictures, boxes, self.backends["pose"], self.backends["faces"], self.parameters)


def _of_body(posture: Posture | None, yaw_deg: float | None) -> dict[str, Any]:
    return {
        "seen_viewpoint": None if yaw_deg is None else body_view(yaw_deg),
        "seen_yaw_deg": rounded(yaw_deg),
        "seen_pitch_deg": None,
        "seen_roll_deg": None,
        "seen_visibility": None if posture is None else rounded(posture.score),
        "seen_expression": None,
        "seen_figures": _figure_of_body(posture, yaw_deg),
    }


def _figure_of_body(posture: Posture | None, yaw_deg: float | None, left: int = 0) -> list[dict[str, Any]]:
    """FIGURE of a body in a part of the image that begins at this column, or nothing where none is seen."""
    if posture is None:
        return []
    points = posture.points + np.array([left, 0], np.float32)
    return [
        {
            "yaw_deg": rounded(yaw_deg),
            "pitch_deg": None,
            "roll_deg": None,
            "points": [round(value, 1) for value in points.ravel().tolist()],
            "visibility": [rounded(value) for value in posture.visibility.tolist()],
        }
    ]


def _of_face(seen: Mapping[str, Any]) -> dict[str, Any]:
    yaw, pitch = seen.get("yaw_deg"), seen.get("pitch_deg")
    return {
        "seen_viewpoint": face_view_of(yaw, pitch),
        "seen_yaw_deg": yaw,
        "seen_pitch_deg": pitch,
        "seen_roll_deg": seen.get("roll_deg"),
        "seen_visibility": seen.get("visibility"),
        "seen_expression": seen.get("expression"),
        "seen_figures": [_figure_of_face(seen)] if seen else [],
    }


def _figure_of_face(seen: Mapping[str, Any]) -> dict[str, Any]:
    angles = {name: seen[name] for name in ("yaw_deg", "pitch_deg", "roll_deg")}
    return {**angles, "points": [round(value, 1) for value in seen["points"]], "visibility": None}


def _no_narrower_than_high(image: Frame) -> Frame:
    """The edge goes on to both sides: a detector may look at a narrow image in pieces, and find a person in each."""
    height, width = image.shape[:2]
    more = max(0, height - width)
    wider = cv2.copyMakeBorder(image, 0, 0, more // 2, more - more // 2, cv2.BORDER_REPLICATE)
    return wider.astype(np.uint8, copy=False)


def _whole(picture: Frame) -> Box:
    height, width = picture.shape[:2]
    return 0.0, 0.0, float(width), float(height)
