"""What one person looks like in one picture, and how far two pictures are apart in it: face, hair, clothes.

Colours are told beside the skin's where a face is seen in both pictures, since another light changes both alike.
Parts are told by where face, shoulders and hips are; what a mask holds there is clothes, and bare arms with them. Below
a face, neck and shoulders may be most of it, so that there only what has not the face's colour is clothes.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.similarity import similarity
from actor18m.models.roles import Face, FaceDetector, FaceEmbedder, FrameEncoder, PoseEstimator
from stages.identity import rough_yaw_deg
from stages.looks.pattern import apart, patterns

_LONGER_SIDE = 512
_MIN_PIXELS = 60
"""Of a part, in a picture of that size: fewer tell no colour."""
_GREY, _GAMMA = 127, 2.2
_WIDER = 0.25
_SURE, _BESIDE = 0.5, 0.3
_FACES_CAMERA_TO_DEG = 45.0
_COLOURFUL, _LIGHT = 15.0, 0.1
_LIGHT_COUNTS = 0.4
"""Lightness changes with shade and exposure; so much of a difference in it counts beside one in colour."""
_SKIN_TO_DEG, _MIN_SKIN = 60.0, 9
_LIKE_SKIN, _DARKER, _LIGHTER = 11.0, 45.0, 15.0
"""Of Lab: what is as near to the face's skin in colour, and no more beside it in light, may be a neck or a shoulder."""
_LEAST_CLOTH = 0.02
"""Of the person: less of a garment, in a picture of a face, tells no colour of it."""
_SCALES_TO, _RELIT_TO = 2.5, 6.0
"""No light is believed to be so many times another, channel by channel; the second where another one was asked for."""
_SHOULDERS, _HIPS, _KNEES = slice(5, 7), slice(11, 13), slice(13, 15)

Colours = npt.NDArray[np.float64]
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
        places = {} if mask is None else _places(inside, _scaled(face, scale), points, region)
        skin = None if face is None else _skin(light, inside, face, scale)
        if region == "face" and skin is not None and "upper" in places:
            places["upper"] = _cloth(light, inside, places["upper"], skin)
        alone = np.where(shape[:, :, None], picture, np.uint8(_GREY))
        return Look(
            face,
            None if face is None else self._backends["identity"].embed([picture], [face])[0],
            skin,
            light[places["head"]].mean(axis=0) if _is_seen(places.get("head")) else None,
            {name: _some(light[where]) for name, where in places.items() if name in PARTS and _is_seen(where)},
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
        distances = {name: _nearer(one.parts.get(name), other.parts.get(name), light) for name in PARTS}
        skins = None if one.skin is None or other.skin is None else _nearer(one.skin[None], other.skin[None], None)
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
    clothes = {name: _dyed(look.parts[name]) for name in ("upper", "lower") if name in look.parts}
    return replace(look, parts={**look.parts, **clothes})


def _dyed(light: Colours) -> Colours:
    """Red, green and blue change places; what is grey anyway becomes blue where it is light, and ochre where dark."""
    other = light[:, ::-1]
    colourful = float(np.linalg.norm(_lab(light)[:, 1:].mean(axis=0)))
    if colourful >= _COLOURFUL:
        return np.asarray(other)
    return np.asarray(other * ((0.35, 0.6, 1.2) if light.mean() > _LIGHT else (4.0, 2.5, 0.8)))


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
    return (small.astype(np.float64) / 255) ** _GAMMA, inside, scale


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


def _places(inside: Bools, face: Floats | None, pose: Floats | None, region: str) -> dict[str, Bools]:
    """Where head, hair, upper and lower clothes are: bool[H, W] each, by the rows that they take of the mask."""
    rows = np.flatnonzero(inside.any(axis=1))
    if not len(rows):
        return {}
    top, found = int(rows[0]), dict[str, Bools]()
    y = np.arange(inside.shape[0])[:, None]
    if face is not None:
        # a chin lies below a mouth by most of what that lies below the eyes
        eyes, mouth = float(face[:2, 1].mean()), float(face[3:, 1].mean())
        chin = mouth + 0.8 * max(4.0, mouth - eyes)
        found["hair"] = inside & (y < top + 0.2 * (chin - top))
        found["upper"] = inside & (y > chin + 0.4 * (chin - eyes))
        found["head"] = inside & (y < chin)
    if region != "face" and pose is not None:
        shoulders, hips, knees = (float(pose[part, 1].mean()) for part in (_SHOULDERS, _HIPS, _KNEES))
        trunk = hips - shoulders
        found.setdefault("head", inside & (y < shoulders - 0.1 * trunk))
        found.setdefault("hair", inside & (y < top + 0.2 * (shoulders - top)))
        found["upper"] = inside & (y > shoulders + 0.1 * trunk) & (y < hips - 0.1 * trunk)
        found["lower"] = inside & (y > hips + 0.15 * trunk) & (y < knees)
    return found


def _cloth(light: Colours, inside: Bools, where: Bools, skin: Colours) -> Bools:
    """What is below a face and not of its skin; nothing, where that is little."""
    off = _plain_lab(light[where]) - _plain_lab(skin[None])
    is_skin = (np.hypot(off[:, 1], off[:, 2]) < _LIKE_SKIN) & (off[:, 0] > -_DARKER) & (off[:, 0] < _LIGHTER)
    cloth = where.copy()
    cloth[where] = ~is_skin
    return cloth if cloth.sum() >= _LEAST_CLOTH * inside.sum() else np.zeros_like(where)


def _skin(light: Colours, inside: Bools, face: Face, scale: float) -> Colours | None:
    """The middle colour between eyes and mouth; None of a face that is turned away."""
    if abs(rough_yaw_deg(face.points)) > _SKIN_TO_DEG:
        return None
    (x0, y0), (x1, y1) = np.floor(face.points.min(axis=0) * scale), np.ceil(face.points.max(axis=0) * scale)
    part = slice(max(0, int(y0)), max(0, int(y1)) + 1), slice(max(0, int(x0)), max(0, int(x1)) + 1)
    pixels = light[part][inside[part]]
    return np.asarray(np.median(pixels, axis=0)) if len(pixels) >= _MIN_SKIN else None


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


def _nearer(one: Colours | None, other: Colours | None, light: Colours | None) -> float | None:
    """As they are, or in one light, whichever is nearer: skin tells the light well on the whole, and shade misleads."""
    if one is None or other is None:
        return None
    as_they_are = _apart(one, other)
    return as_they_are if light is None else min(as_they_are, _apart(one * light, other))


def _some(pixels: Colours) -> Colours:
    return pixels[:: max(1, len(pixels) // 400)]


def _apart(one: Colours, other: Colours) -> float:
    """How far the colours of one part are from the nearest ones of the other, in the mean, and beyond what they are
    from each other: a print has many. Of both ways the nearer: from behind a jacket hides the shirt that it shows from
    the front."""
    a, b = _lab(one), _lab(other)
    return min(max(0.0, _beyond(x, y) - _beyond(x, x)) for x, y in ((a, b), (b, a)))


def _beyond(some: Colours, others: Colours) -> float:
    """From float[N, 3] to the sixtieth of float[M, 3] that is nearest: a single pixel may be a button."""
    apart = np.linalg.norm(some[:, None] - others[None], axis=2)
    near = len(others) // 60
    return float(np.partition(apart, near, axis=1)[:, near].mean())


def _lab(light: Colours) -> Colours:
    return np.asarray(_plain_lab(light) * (_LIGHT_COUNTS, 1.0, 1.0))


def _plain_lab(light: Colours) -> Colours:
    """float[N, 3] of linear RGB; N may be 0."""
    if not len(light):
        return light
    srgb = np.clip(light, 0, 1).astype(np.float32) ** np.float32(1 / _GAMMA)
    return np.asarray(cv2.cvtColor(srgb[None], cv2.COLOR_RGB2Lab)[0].astype(np.float64))
