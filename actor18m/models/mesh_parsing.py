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
from actor18m.media.geometry import Region, cut_out, square_around
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
        inside, is_there = hull(region, face, mesh), in_frame(frame, region)
        parts = np.zeros(inside.shape, np.uint8)
        if mesh is not None:
            at = _within(region, mesh)
            for name, polygon in _POLYGONS.items():
                cv2.fillPoly(parts, [at[list(polygon)]], FACE_PARTS.index(name))
        parts[~(inside & is_there)] = 0
        skin = inside & (parts == 0) & is_there
        seen = _like_skin(cut_out(frame, region), skin | (parts == FACE_PARTS.index("nose")))
        parts[skin & seen] = FACE_PARTS.index("skin")
        return Parsing(region, parts, inside)


def hull(region: Region, face: Face, mesh: Mesh | None) -> npt.NDArray[np.bool_]:
    """bool[h, w] of the region: what the face would cover if nothing hid it; without a mesh the ellipse in its box."""
    x0, y0, x1, y1 = region
    covered = np.zeros((y1 - y0, x1 - x0), np.uint8)
    if mesh is None:
        left, top, right, bottom = (value - region[i % 2] for i, value in enumerate(face.box))
        size = right - left, bottom - top
        cv2.ellipse(covered, (((left + right) / 2, (top + bottom) / 2), size, 0.0), 1, cv2.FILLED)
    else:
        cv2.fillPoly(covered, [cv2.convexHull(_within(region, mesh))], 1)
    return covered.astype(np.bool_)


def in_frame(frame: Frame, region: Region) -> npt.NDArray[np.bool_]:
    """bool[h, w]: which pixels of the region the frame has."""
    x0, y0, x1, y1 = region
    rows, columns = np.arange(y0, y1), np.arange(x0, x1)
    inside = ((rows >= 0) & (rows < frame.shape[0]))[:, None] & ((columns >= 0) & (columns < frame.shape[1]))[None]
    return np.asarray(inside)


def _within(region: Region, mesh: Mesh) -> npt.NDArray[np.int32]:
    """int32[N, 2]: the mesh's points in pixels of the region."""
    return np.asarray(np.rint(mesh.points[:, :2] - region[:2]), np.int32)


def _like_skin(crop: Frame, skin: npt.NDArray[np.bool_]) -> npt.NDArray[np.bool_]:
    """bool[h, w] of uint8[h, w, 3]: pixels coloured like the median of those that should be skin."""
    brightness, red, blue = np.moveaxis(cv2.cvtColor(crop, cv2.COLOR_RGB2YCrCb).astype(np.float32), 2, 0)
    if not skin.any():
        return np.zeros(skin.shape, np.bool_)
    far = np.hypot(red - np.median(red[skin]), blue - np.median(blue[skin]))
    return np.asarray((far <= CHROMA) & (brightness >= DARKEST * np.median(brightness[skin])))
