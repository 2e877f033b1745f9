"""Something to do for each role, so that a backend's speed and memory can be measured alone: frames of a sample clip,
brought to 720p, with the face and the person that are known to be in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import cv2
import numpy as np

from actor18m.arrays import Box, Frame
from actor18m.media.video import frames_at
from actor18m.models import roles
from actor18m.models.roles import Edit, Face
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth

_CLIP, _DISTINCT, _FPS = "talk_yaw_1", 16, 4
_SHADES = 40
_HEIGHT_PX, _EDITED_PX = 720, 1024
_FIVE = np.array([[0.3, 0.4], [0.7, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]])
"""Of a face that looks straight ahead, in its box."""
_POINTS, _WINDOW = 60, 48
"""Points that motion follows, and frames of a clip of 6 s through which it does."""


@dataclass(frozen=True)
class Seen:
    """A frame, and who is in it."""

    frame: Frame
    face: Face
    person: Box


@dataclass(frozen=True)
class Probe:
    ask: Callable[[Any, Sequence[Seen]], object]
    """The backend, about these."""
    is_batched: bool = True
    """Whether it is given many at once; else so many belong together, one after the other."""
    together: int = 1
    """Frames that belong together, where it is not one of them that it is asked about."""
    item: str = "frames"


def seen(count: int, first: int = 0) -> list[Seen]:
    """So many, from the one with this number on: those of the clip again and again, a little brighter each time, since
    a backend may remember what it was asked."""
    distinct = _seen()
    return [
        replace(distinct[number % len(distinct)], frame=_brighter(distinct[number % len(distinct)].frame, number))
        for number in range(first, first + count)
    ]


def _brighter(frame: Frame, number: int) -> Frame:
    added = number // _DISTINCT % _SHADES
    return np.minimum(frame, 255 - added) + np.uint8(added)


@cache
def _seen() -> list[Seen]:
    truth = Truth.model_validate_json((SHIPPED / f"{_CLIP}.json").read_bytes())
    times = [number / _FPS for number in range(_DISTINCT)]
    scale, subject, found = _HEIGHT_PX / truth.height, truth.actors[0], []
    for time_s, frame in zip(times, frames_at(str(SHIPPED / f"{_CLIP}.mp4"), times), strict=True):
        at = int(np.searchsorted(truth.times_s, time_s + 1e-6, side="right")) - 1
        face, body = subject.face_box[at], subject.body_box[at]
        if face is None or body is None:
            continue
        large = cv2.resize(frame, (round(truth.width * scale), _HEIGHT_PX), interpolation=cv2.INTER_LINEAR)
        x0, y0, x1, y1 = (value * scale for value in face)
        points = (np.array([x0, y0]) + _FIVE * np.array([x1 - x0, y1 - y0])).astype(np.float32)
        person = (body[0] * scale, body[1] * scale, body[2] * scale, body[3] * scale)
        found.append(Seen(np.asarray(large, dtype=np.uint8), Face((x0, y0, x1, y1), 0.9, points), person))
    return found


def _frames(given: Sequence[Seen]) -> list[Frame]:
    return [each.frame for each in given]


def _faces(given: Sequence[Seen]) -> list[Face]:
    return [each.face for each in given]


def _boxes(given: Sequence[Seen]) -> list[Box]:
    return [each.face.box for each in given]


def _masks(backend: Any, given: Sequence[Seen]) -> object:
    return list(backend.masks((each.frame, each.person) for each in given))


def _track(backend: Any, given: Sequence[Seen]) -> object:
    (points,) = backend.seed(_frames(given[:1]), [given[0].person], _POINTS)
    return backend.track(_frames(given), points)


def _scores(backend: Any, given: Sequence[Seen]) -> object:
    film = [np.asarray(cv2.resize(frame, backend.size, interpolation=cv2.INTER_AREA)) for frame in _frames(given)]
    return list(backend.scores(film))


def _edit(backend: Any, given: Sequence[Seen]) -> object:
    turned = "Turn the camera to a top-down view."
    return backend.edit([Edit([frame], turned, 0, _EDITED_PX, _EDITED_PX) for frame in _frames(given)])


PROBES: Mapping[type, Probe] = {
    roles.FaceDetector: Probe(lambda backend, given: backend.detect(_frames(given))),
    roles.FaceEmbedder: Probe(lambda backend, given: backend.embed(_frames(given), _faces(given)), item="faces"),
    roles.FaceMesh: Probe(lambda backend, given: backend.mesh(_frames(given), _boxes(given)), item="faces"),
    roles.FaceParser: Probe(
        lambda backend, given: backend.parse(_frames(given), _faces(given), [None] * len(given)), item="faces"
    ),
    roles.HeadPose: Probe(
        lambda backend, given: backend.heads(_frames(given), [each.person for each in given], _faces(given)),
        item="faces",
    ),
    roles.ExpressionReader: Probe(
        lambda backend, given: backend.read(_frames(given), _faces(given), [None] * len(given)), item="faces"
    ),
    roles.HeadPose: Probe(
        lambda backend, given: backend.heads(_frames(given), [each.person for each in given], _faces(given)),
        item="faces",
    ),
    roles.PersonDetector: Probe(lambda backend, given: backend.people(_frames(given))),
    roles.PoseEstimator: Probe(
        lambda backend, given: backend.pose(_frames(given), [each.person for each in given]), item="people"
    ),
    roles.FrameEncoder: Probe(lambda backend, given: backend.encode(_frames(given))),
    roles.Depiction: Probe(lambda backend, given: backend.drawn(_frames(given), _boxes(given)), item="faces"),
    roles.ShotDetector: Probe(_scores, together=50),
    roles.PersonSegmenter: Probe(_masks, is_batched=False, together=8),
    roles.PointTracker: Probe(_track, is_batched=False, together=_WINDOW),
    roles.ImageEditor: Probe(_edit, is_batched=False, item="images"),
}
"""By role. Whoever plays another one is asked over the network, where his memory is his own."""
