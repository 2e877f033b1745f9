"""What one person looks like in one picture, and how far two pictures are apart in it: face, hair, clothes.

Colours are told beside the skin's where a face is seen in both pictures, since another light changes both alike.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import cv2
import numpy as np

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.similarity import similarity
from actor18m.models.roles import Face, FaceDetector, FaceEmbedder, FrameEncoder, PoseEstimator
from stages.identity import rough_yaw_deg
from stages.looks.part_colours import Colours, distance, in_other_colours, light_of, sampled
from stages.looks.parts import cloth_of, places_of, skin_of
from stages.looks.pattern import apart, patterns

_LONGER_SIDE = 512
_GREY = 127
_MIN_PIXELS = 60
"""Of a part, in a picture of that size: fewer tell no colour."""
_WIDER = 0.25
_SURE, _BESIDE = 0.5, 0.3
_FACES_CAMERA_TO_DEG = 45.0
_SCALES_TO, _RELIT_TO = 2.5, 6.0
"""No light is believed to be so many times another, channel by channel; the second where another one was asked for."""

PARTS = ("hair", "upper", "lower")


@dataclass(frozen=True, eq=False)
class Look:
    """Of one person in one picture."""

    face: Face | None
    embedding: Floats | None
    skin: Colours | None
    """float[3]: linear RGB of brow, cheeks and nose, as the light shows it."""
    head: Colours | None
    """float[3]: likewise of all above the shoulders."""
    parts: Mapping[str, Colours]
    """float[N, 3], linear RGB, of the parts that are seen; at most a few hundred of their pixels."""
    patterns: Mapping[str, Floats]
    """Of upper and lower clothes, of a body that faces the camera."""
    whole: Floats
    """What the encoder says of the person before grey."""
    has_pose: bool
    has_face_beside: bool
    """Somebody else's, mostly outside the mask."""

    @property
    def face_yaw_deg(self) -> float | None:
        return None if self.face is None else rough_yaw_deg(self.face.points)


@dataclass(frozen=True)
class Likeness:
    """Of two looks; None where one of them does not show it."""

    face_similarity: float | None
    face_yaw_deg: float | None
    """Of the face that is farther from the front."""
    skin_distance: float | None
    """As it is: another light changes it, too."""
    hair_distance: float | None
    upper_distance: float | None
    lower_distance: float | None
    """In the unit of Lab, where 2 is seen by a trained eye and 20 is another colour."""
    upper_pattern: float | None
    lower_pattern: float | None
    """How far patterns are apart, whatever their colours (stages/looks/pattern.py)."""
    whole_similarity: float


class Looker:
    """Looks at pictures, with one backend for each of its roles."""

    roles: ClassVar[Mapping[str, type]] = {
        "faces": FaceDetector,
        "identity": FaceEmbedder,
        "encoder": FrameEncoder,
        "pose": PoseEstimator,
    }

    def __init__(self, backends: Mapping[str, Any]) -> None:
        self._backends = backends

    def look(self, picture: Frame, mask: Bools | None, region: str) -> Look:
        """At uint8[H, W, 3] RGB and bool[H, W]. Without a mask, nothing but the face is told from its surroundings."""
        everywhere: Bools = np.ones(picture.shape[:2], dtype=np.bool_)
        shape = everywhere if mask is None else mask
        faces = self._backends["faces"].detect([picture])[0]
        face = max(faces, key=lambda each: _own(each, shape), default=None)
        pose = self._pose(picture)
        light, inside, scale = _small(picture, shape)
        points = None if pose is None else pose * np.float32(scale)
        places = {} if mask is None else places_of(inside, _scaled(face, scale), points, region)
        skin = None if face is None else skin_of(light, inside, face, scale)
        if region == "face" and skin is not None and "upper" in places:
            places["upper"] = cloth_of(light, inside, places["upper"], skin)
        alone = np.where(shape[:, :, None], picture, np.uint8(_GREY))
        return Look(
            face,
            None if face is None else self._backends["identity"].embed([picture], [face])[0],
            skin,
            light[places["head"]].mean(axis=0) if _is_seen(places.get("head")) else None,
            {name: sampled(light[where]) for name, where in places.items() if name in PARTS and _is_seen(where)},
            {} if mask is None or region == "face" or not _faces_camera(face) else _patterns(picture, mask, pose),
            self._backends["encoder"].encode([alone])[0],
            pose is not None,
            any(each is not face and each.score >= _SURE and _held(each, shape) < _BESIDE for each in faces),
        )

    def _pose(self, picture: Frame) -> Floats | None:
        """float32[17, 2]. Where none is seen, the picture is looked at again with its edge going on to all sides."""
        for more in (0, round(_WIDER * max(picture.shape[:2]))):
            wider = cv2.copyMakeBorder(picture, more, more, more, more, cv2.BORDER_REPLICATE)
            height, width = picture.shape[:2]
            box = float(more), float(more), float(more + width), float(more + height)
            (pose,) = self._backends["pose"].pose([wider.astype(np.uint8, copy=False)], [box])
            if pose is not None:
                return np.asarray(pose.points - np.float32(more))
        return None

    def compare(self, one: Look, other: Look, is_relit: bool = False) -> Likeness:
        """`is_relit`: the other one was asked for in another light, which then is told by the head where no face is."""
        seen = one.embedding is not None and other.embedding is not None
        light = _light(one, other, is_relit)
        distances = {name: distance(one.parts.get(name), other.parts.get(name), light) for name in PARTS}
        skins = None if one.skin is None or other.skin is None else distance(one.skin[None], other.skin[None], None)
        return Likeness(
            face_similarity=similarity(self._backends["identity"].metric, one.embedding, other.embedding)
            if one.embedding is not None and other.embedding is not None
            else None,
            face_yaw_deg=max(abs(one.face_yaw_deg or 0.0), abs(other.face_yaw_deg or 0.0)) if seen else None,
            skin_distance=skins,
            hair_distance=distances["hair"],
            upper_distance=distances["upper"],
            lower_distance=distances["lower"],
            **{f"{name}_pattern": _patterns_apart(one, other, name) for name in ("upper", "lower")},
            whole_similarity=similarity(self._backends["encoder"].metric, one.whole, other.whole),
        )


def dyed(look: Look) -> Look:
    """The same person in clothes of other colours: opposite ones, and light for dark."""
    clothes = {name: in_other_colours(look.parts[name]) for name in ("upper", "lower") if name in look.parts}
    return replace(look, parts={**look.parts, **clothes})


def _faces_camera(face: Face | None) -> bool:
    """A pose alone may be taken for one from behind."""
    return face is not None and abs(rough_yaw_deg(face.points)) <= _FACES_CAMERA_TO_DEG


def _patterns(picture: Frame, mask: Bools, pose: Floats | None) -> dict[str, Floats]:
    return {} if pose is None else patterns(picture, mask, pose)


def _patterns_apart(one: Look, other: Look, name: str) -> float | None:
    return apart(one.patterns[name], other.patterns[name]) if name in one.patterns and name in other.patterns else None


def _small(picture: Frame, mask: Bools) -> tuple[Colours, Bools, float]:
    """float[h, w, 3] in linear RGB, the mask without its edge, and how much smaller they are."""
    scale = min(1.0, _LONGER_SIDE / max(picture.shape[:2]))
    small = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    shape = cv2.resize(mask.astype(np.uint8), small.shape[1::-1], interpolation=cv2.INTER_NEAREST)
    inside: Bools = np.asarray(cv2.erode(shape, np.ones((3, 3), np.uint8)) > 0, dtype=np.bool_)
    return light_of(np.asarray(small, np.uint8)), inside, scale


def _scaled(face: Face | None, scale: float) -> Floats | None:
    return None if face is None else face.points * np.float32(scale)


def _own(face: Face, mask: Bools) -> float:
    """How likely a face is the person's."""
    return face.score * (0.1 + _held(face, mask))


def _held(face: Face, mask: Bools) -> float:
    """How much of a face the mask holds."""
    x0, y0, x1, y1 = (max(0, round(side)) for side in face.box)
    held = mask[y0:y1, x0:x1]
    return float(held.mean()) if held.size else 0.0


def _light(one: Look, other: Look, is_relit: bool) -> Colours | None:
    """float[3]: by what the colours of one are to be multiplied to be seen in the other's light."""
    before, after = (one.skin, other.skin)
    if is_relit and (before is None or after is None):
        before, after = one.head, other.head
    if before is None or after is None:
        return None
    farthest = _RELIT_TO if is_relit else _SCALES_TO
    return np.asarray(np.clip(after / before.clip(1e-3), 1 / farthest, farthest))


def _is_seen(where: Bools | None) -> bool:
    return where is not None and int(where.sum()) >= _MIN_PIXELS
