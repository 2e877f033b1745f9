"""The same measurements on single images: a label says what is seen in the image, not what it was cut or made for."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import cv2
import numpy as np
from pyarrow import bool_, float32, int32, string
from pydantic import NonNegativeFloat

from actor18m.media.encoded import decoded
from actor18m.media.views import body_view, face_view_of
from actor18m.models.roles import Box, Frame, PersonDetector, PoseEstimator
from actor18m.stage import Failure, Image, Row, Stage, schema
from stages.looks.face import FaceParameters, FaceReader
from stages.looks.pose import Posture, PostureParameters, posture_of
from stages.told import rounded


class AnnotateParameters(FaceParameters, PostureParameters):
    min_person_score: NonNegativeFloat = 0.5
    """Who counts as a person; one who is less sure does where nobody else is, and a face or a body's yaw can be told:
    detectors are unsure of people seen from the side who fill a narrow image."""
    second_margin: NonNegativeFloat = 0.25
    """Where a body's yaw cannot be told, the image is looked at again with so much of its longer side around it."""


class Annotate(Stage[Image]):
    """Measures each image by itself, whoever made it: what it is of is not told to the models."""

    version = 5
    of = "images"
    reads_source = False
    roles: ClassVar[Mapping[str, type]] = {**FaceReader.roles, "people": PersonDetector, "pose": PoseEstimator}
    writes = schema(
        "annotate",
        seen_people=int32(),
        seen_viewpoint=string(),
        seen_yaw_deg=float32(),
        seen_pitch_deg=float32(),
        seen_roll_deg=float32(),
        seen_visibility=float32(),
        seen_expression=string(),
        has_face=bool_(),
    )
    """Angles and visibility are the face's in an image of a face, the body's in one of a body; null where none is
    seen."""
    parameters = AnnotateParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            yield Row(image.key, self._seen(decoded(image.files["webp"]), image.region))

    def _seen(self, image: Frame, region: str) -> dict[str, Any]:
        height, width = image.shape[:2]
        whole = (0.0, 0.0, float(width), float(height))
        found = self.backends["people"].people(_no_narrower_than_high(image))
        reader = FaceReader(self.backends, self.parameters)
        face = reader.find(image, whole)
        if region == "face":
            seen = _of_face({} if face is None else reader.read(image, face)[0])
        else:
            seen = self._of_body(image, whole)
        sure = sum(person.score >= self.parameters.min_person_score for person in found)
        unsure = bool(found) and (face is not None or seen["seen_viewpoint"] is not None)
        return {"seen_people": sure or int(unsure), "has_face": face is not None, **seen}

    def _of_body(self, image: Frame, whole: Box) -> dict[str, Any]:
        posture = self._posture(image, whole)
        yaw = None if posture is None else posture.body_yaw_deg
        if yaw is None:
            more = round(self.parameters.second_margin * max(image.shape[:2]))
            wider = cv2.copyMakeBorder(image, more, more, more, more, cv2.BORDER_REPLICATE).astype(np.uint8, copy=False)
            again = self._posture(wider, (more, more, whole[2] + more, whole[3] + more))
            yaw = None if again is None else again.body_yaw_deg
        return {
            "seen_viewpoint": None if yaw is None else body_view(yaw),
            "seen_yaw_deg": rounded(yaw),
            "seen_pitch_deg": None,
            "seen_roll_deg": None,
            "seen_visibility": None if posture is None else rounded(posture.score),
            "seen_expression": None,
        }

    def _posture(self, image: Frame, box: Box) -> Posture | None:
        return posture_of(image, box, self.backends["pose"], self.backends["faces"], self.parameters)


def _of_face(seen: Mapping[str, Any]) -> dict[str, Any]:
    yaw, pitch = seen.get("yaw_deg"), seen.get("pitch_deg")
    return {
        "seen_viewpoint": face_view_of(yaw, pitch),
        "seen_yaw_deg": yaw,
        "seen_pitch_deg": pitch,
        "seen_roll_deg": seen.get("roll_deg"),
        "seen_visibility": seen.get("visibility"),
        "seen_expression": seen.get("expression"),
    }


def _no_narrower_than_high(image: Frame) -> Frame:
    """The edge goes on to both sides: a detector may look at a narrow image in pieces, and find a person in each."""
    height, width = image.shape[:2]
    more = max(0, height - width)
    wider = cv2.copyMakeBorder(image, 0, 0, more // 2, more - more // 2, cv2.BORDER_REPLICATE)
    return wider.astype(np.uint8, copy=False)
