"""FaceParser: polygons over MediaPipe's face mesh, and the skin's own colour. No weights.

A mesh lies over a face as if nothing hid it: what it covers in another colour than the rest of the skin is taken for
something in front of the face, or for hair. It tells no glasses, ears, hair, hats or clothes.
"""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Frame
from actor18m.media.geometry import cut_out, square_around
from actor18m.models.roles import FACE_PARTS, Face, Mesh, Parsing

_CORNERS = (61, 291), (78, 308)
"""Of the mouth, the subject's right before the left: outside and inside of the lips."""
_UPPER = (185, 40, 39, 37, 0, 267, 269, 270, 409), (191, 80, 81, 82, 13, 312, 311, 310, 415)
_LOWER = (146, 91, 181, 84, 17, 314, 405, 321, 375), (95, 88, 178, 87, 14, 317, 402, 318, 324)


def _lip(rows: tuple[tuple[int, ...], tuple[int, ...]]) -> tuple[int, ...]:
    (right, left), (inner_right, inner_left) = _CORNERS
    return right, *rows[0], left, inner_left, *rows[1][::-1], inner_right


_POLYGONS = {
    "nose": (168, 351, 419, 399, 420, 360, 278, 294, 327, 326, 2, 97, 98, 64, 48, 131, 198, 174, 196, 122),
    "left_brow": (276, 283, 282, 295, 285, 336, 296, 334, 293, 300),
    "right_brow": (46, 53, 52, 65, 55, 107, 66, 105, 63, 70),
    "left_eye": (263, 249, 390, 373, 374, 380, 381, 382, 362, 398, 384, 385, 386, 387, 388, 466),
    "right_eye": (33, 7, 163, 144, 145, 153, 154, 155, 133, 173, 157, 158, 159, 160, 161, 246),
    "upper_lip": _lip(_UPPER),
    "lower_lip": _lip(_LOWER),
    "mouth": (_CORNERS[1][0], *_UPPER[1], _CORNERS[1][1], *_LOWER[1][::-1]),
}
"""Points of the mesh, in the order they are drawn; left and right are the subject's own."""

MARGIN = 1.5
"""Side of the square that is parsed, in face boxes: a mesh's forehead and chin reach beyond the box."""
CHROMA = 14.0
DARKEST = 0.35
"""Skin is no farther than this from the face's median colour, in units of Cr and Cb, and not darker than this share of
its median brightness."""


class MeshParsing:
    digest = "mesh-parsing-1"
    method = "geometric"
    tells = ("background", "skin", *_POLYGONS)

    @classmethod
    def load(cls) -> Self:
        return cls()

    def parse(self, frames: Sequence[Frame], faces: Sequence[Face], meshes: Sequence[Mesh | None]) -> list[Parsing]:
        """One face at a time."""
        return [self._parsed(frame, face, mesh) for frame, face, mesh in zip(frames, faces, meshes, strict=True)]

    def _parsed(self, frame: Frame, face: Face, mesh: Mesh | None) -> Parsing:
        """Without a mesh the ellipse in the box stands for the face, all of it skin."""
        region = square_around(face.box, MARGIN)
        side = region[2] - region[0]
        hull = np.zeros((side, side), np.uint8)
        parts = np.zeros((side, side), np.uint8)
        if mesh is None:
            x0, y0, x1, y1 = (value - region[i % 2] for i, value in enumerate(face.box))
            cv2.ellipse(hull, (((x0 + x1) / 2, (y0 + y1) / 2), (x1 - x0, y1 - y0), 0.0), 1, cv2.FILLED)
        else:
            at = np.rint(mesh.points[:, :2] - region[:2]).astype(np.int32)
            cv2.fillPoly(hull, [cv2.convexHull(at)], 1)
            for name, polygon in _POLYGONS.items():
                cv2.fillPoly(parts, [at[list(polygon)]], FACE_PARTS.index(name))
        inside = hull.astype(np.bool_)
        parts[~(inside & _in_frame(frame, region))] = 0
        skin = inside & (parts == 0) & _in_frame(frame, region)
        seen = _like_skin(cut_out(frame, region), skin | (parts == FACE_PARTS.index("nose")))
        parts[skin & seen] = FACE_PARTS.index("skin")
        return Parsing(region, parts, inside)


def _like_skin(crop: Frame, skin: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """bool[h, w] of uint8[h, w, 3]: pixels coloured like the median of those that should be skin."""
    brightness, red, blue = np.moveaxis(cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb).astype(np.float32), 2, 0)
    if not skin.any():
        return np.zeros(skin.shape, np.bool_)
    far = np.hypot(red - np.median(red[skin]), blue - np.median(blue[skin]))
    return np.asarray((far <= CHROMA) & (brightness >= DARKEST * np.median(brightness[skin])))


def _in_frame(frame: Frame, region: tuple[int, int, int, int]) -> npt.NDArray[np.bool_]:
    x0, y0, x1, y1 = region
    rows, columns = np.arange(y0, y1), np.arange(x0, x1)
    inside = ((rows >= 0) & (rows < frame.shape[0]))[:, None] & ((columns >= 0) & (columns < frame.shape[1]))[None]
    return np.asarray(inside)
