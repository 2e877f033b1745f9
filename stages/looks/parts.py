"""Where in a picture a person has head, hair, and upper and lower clothes, by face and pose, and which skin they have.

What a mask holds there is clothes, and bare arms with them. Below a face, neck and shoulders may be most of it, so that
there only what has not the face's colour is clothes.
"""

import numpy as np

from actor18m.arrays import Bools, Floats
from actor18m.models.roles import Face
from stages.identity import rough_yaw_deg
from stages.looks.part_colours import Colours, lab

_SKIN_TO_DEG, _MIN_SKIN = 60.0, 9
_LIKE_SKIN, _DARKER, _LIGHTER = 11.0, 45.0, 15.0
"""Of Lab: what is as near to the face's skin in colour, and no more beside it in light, may be a neck or a shoulder."""
_LEAST_CLOTH = 0.02
"""Of the person: less of a garment, in a picture of a face, tells no colour of it."""
_SHOULDERS, _HIPS, _KNEES = slice(5, 7), slice(11, 13), slice(13, 15)


def places_of(inside: Bools, face: Floats | None, pose: Floats | None, region: str) -> dict[str, Bools]:
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


def cloth_of(light: Colours, inside: Bools, where: Bools, skin: Colours) -> Bools:
    """What is below a face and not of its skin; nothing, where that is little."""
    off = lab(light[where]) - lab(skin[None])
    is_skin = (np.hypot(off[:, 1], off[:, 2]) < _LIKE_SKIN) & (off[:, 0] > -_DARKER) & (off[:, 0] < _LIGHTER)
    cloth = where.copy()
    cloth[where] = ~is_skin
    return cloth if cloth.sum() >= _LEAST_CLOTH * inside.sum() else np.zeros_like(where)


def skin_of(light: Colours, inside: Bools, face: Face, scale: float) -> Colours | None:
    """The middle colour between eyes and mouth; None of a face that is turned away."""
    if abs(rough_yaw_deg(face.points)) > _SKIN_TO_DEG:
        return None
    (x0, y0), (x1, y1) = np.floor(face.points.min(axis=0) * scale), np.ceil(face.points.max(axis=0) * scale)
    part = slice(max(0, int(y0)), max(0, int(y1)) + 1), slice(max(0, int(x0)), max(0, int(x1)) + 1)
    pixels = light[part][inside[part]]
    return np.asarray(np.median(pixels, axis=0)) if len(pixels) >= _MIN_SKIN else None
