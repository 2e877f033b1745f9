"""A picture of a face as it would look from a little farther round, by the face's own surface: no pixel is invented.

The face's triangles are moved in space and drawn anew with the pixels that they had. What is around the face (hair,
ears, neck) goes along with its edge, less with the distance, so that nothing tears.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Floats, Frame
from actor18m.media.geometry import nodded

Points = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int32]
Angles = tuple[float, float, float]
"""Yaw, pitch and roll, as roles have them."""

_TO_HEAD = np.array([1.0, -1.0, -1.0])
"""From a mesh's axes (y down, z away from the camera) to those of head angles (y up, z towards it), and back."""
_DEEPER = 1.3
"""A mesh tells too little depth: faces that were turned by it read as turned by four fifths, and with so much more by
the whole."""
_REACH, _BESIDE = 1.0, 0.2
"""What is around the face goes along less and less, up to so far from its edge, in widths of the face; and what is not
of the person, up to so far from them."""
_COARSE, _BETWEEN = 4, 6
"""How it goes along is told for a pixel of so many by so many, by so many points from one point of the edge to the
next."""
_STRETCHED = 2.5
"""A triangle that is drawn so many times as large as it was seen shows no more than a smear."""
_SOFT = 0.02
"""Over so much of the picture's side the face's edge blends into what is around it."""


@dataclass(frozen=True, eq=False)
class Turned:
    picture: Frame
    mask: Bools
    unseen_share: float
    """How much of the face that is shown now was turned away, hidden or seen at a grazing angle before."""


def turned(picture: Frame, mask: Bools, points: Floats, now: Angles, then: Angles) -> Turned:
    """uint8[H, W, 3] RGB with bool[H, W] and the face's float32[N, 3] points in it, as `Mesh` has them."""
    height, width = picture.shape[:2]
    source = points.astype(np.float64) * (1, 1, _DEEPER)
    # the points as if the head faced the camera: there, the face is a surface without folds
    level = _rotated(source, _rotation(now).T)
    triangles = _triangles(level[:, :2])
    # and as it will be seen; the head turns about its middle, at the depth of the face's edge
    edge = cv2.convexHull(level[:, :2].astype(np.float32), returnPoints=False).ravel()
    pivot = np.array([*source[:, :2].mean(axis=0), source[edge, 2].mean()])
    target = pivot + _rotated(source - pivot, _rotation(then) @ _rotation(now).T)
    # what is shown then, and which of it was seen before
    areas, areas_then = (_area(each[triangles, :2]) for each in (source, target))
    front = np.sign(np.median(areas))
    shown = front * areas_then > 0
    was_seen = _is_seen(source, triangles, areas * front, (height, width))
    is_clear = was_seen & (areas_then * front <= _STRETCHED * areas * front)
    kept = triangles[shown & was_seen]
    unseen_share = 1 - areas_then[shown & is_clear].sum() / areas_then[shown].sum()
    # where each pixel comes from: on the face by its triangles, elsewhere by the edge of those that are drawn
    which, where = _drawn(target, kept, (height, width))
    come = _around(mask, source[:, :2], target[:, :2], _outline(kept))
    own = np.einsum("hwk,hwkc->hwc", where, source[kept[np.maximum(which, 0)], :2])
    is_face = (which >= 0).astype(np.float32)
    blend = (cv2.GaussianBlur(is_face, (0, 0), max(0.5, _SOFT * width)) * 2 - 1).clip(0, 1) * is_face
    come = (come + blend[..., None] * (own - come)).astype(np.float32)
    x, y = np.ascontiguousarray(come[..., 0]), np.ascontiguousarray(come[..., 1])
    drawn = cv2.remap(picture, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    shape = cv2.remap(mask * np.uint8(255), x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    return Turned(drawn.astype(np.uint8, copy=False), shape > 127, float(unseen_share))


def between_deg(now: Angles, then: Angles) -> float:
    """By how much a head turns from one to the other, about whichever axis."""
    turn = _rotation(then) @ _rotation(now).T
    return float(np.degrees(np.arccos(np.clip((np.trace(turn) - 1) / 2, -1, 1))))


def _rotation(angles: Angles) -> Points:
    """float[3, 3], the inverse of `head_angles_deg`: first roll, then pitch, then yaw."""
    yaw, pitch, roll = np.radians(angles)
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    lean = np.array([[np.cos(roll), np.sin(roll), 0], [-np.sin(roll), np.cos(roll), 0], [0, 0, 1]])
    rotation: Points = turn @ nodded(float(np.degrees(pitch))) @ lean
    return rotation


def _rotated(points: Points, rotation: Points) -> Points:
    """float[N, 3] in a mesh's axes."""
    rotated: Points = (points * _TO_HEAD) @ rotation.T * _TO_HEAD
    return rotated


def _triangles(flat: Points) -> Ints:
    """int[M, 3] of float[N, 2], which they cover without gaps or folds."""
    placed = (flat - flat.min(axis=0) + 1).astype(np.float32)
    x1, y1 = np.ceil(placed.max(axis=0) + 1).astype(int).tolist()
    net = cv2.Subdiv2D((0, 0, x1, y1))
    net.insert(placed.tolist())
    number = {tuple(point): i for i, point in enumerate(placed.tolist())}
    corners = np.reshape(net.getTriangleList(), (-1, 3, 2)).tolist()
    found = [[number.get(tuple(corner), -1) for corner in triangle] for triangle in corners]
    return np.array([each for each in found if min(each) >= 0], np.int32)


def _drawn(points: Points, triangles: Ints, size: tuple[int, int]) -> tuple[Ints, Floats]:
    """int32[H, W], the triangle that each pixel shows or -1; float32[H, W, 3], where in it. The farthest are drawn
    first."""
    which, where = np.full(size, -1, np.int32), np.zeros((*size, 3), np.float32)
    order = np.argsort(-points[triangles, 2].mean(axis=1), kind="stable")
    for number in order:
        corners = points[triangles[number], :2]
        # the pixels of the triangle's box
        x0, y0 = np.maximum(np.floor(corners.min(axis=0)), 0).astype(int)
        x1, y1 = np.minimum(np.ceil(corners.max(axis=0)) + 1, size[::-1]).astype(int)
        edges = np.column_stack([corners[1] - corners[0], corners[2] - corners[0]])
        area = np.linalg.det(edges)
        if x0 >= x1 or y0 >= y1 or abs(area) < 1e-6:
            continue
        # and their weights, as sums of the corners
        grid = np.stack(np.meshgrid(np.arange(x0, x1), np.arange(y0, y1)), axis=-1) - corners[0]
        along = grid @ np.linalg.inv(edges).T
        weights = np.concatenate([1 - along.sum(axis=-1, keepdims=True), along], axis=-1)
        inside = (weights >= -1e-6).all(axis=-1)
        which[y0:y1, x0:x1][inside] = number
        where[y0:y1, x0:x1][inside] = weights[inside]
    return which, where


def _outline(triangles: Ints) -> Ints:
    """int[N, 2]: the sides that belong to one triangle alone."""
    sides = np.sort(np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]]), axis=1)
    found, times = np.unique(sides, axis=0, return_counts=True)
    return np.asarray(found[times == 1], np.int32)


def _around(mask: Bools, source: Points, target: Points, sides: Ints) -> Points:
    """float[H, W, 2]: where each pixel comes from that is not of the face, by how its edge moves: int[N, 2] of points,
    float[M, 2]."""
    height, width = mask.shape
    size = -(-width // _COARSE), -(-height // _COARSE)
    # coarse pixels, and the edge as a line
    grid = np.stack(np.meshgrid(np.arange(size[0]), np.arange(size[1])), axis=-1) * _COARSE + (_COARSE - 1) / 2
    share = np.arange(_BETWEEN)[:, None, None] / _BETWEEN
    ends = [(each[sides[:, 0]], each[sides[:, 1]]) for each in (source, target)]
    line, there = ((first + share * (last - first)).reshape(-1, 2) for first, last in ends)
    # what lies near a point of the edge moves like it
    square = ((grid[:, :, None] - there) ** 2).sum(axis=-1) + 1.0
    weights = 1 / square**2
    moved = np.einsum("hwn,nc->hwc", weights / weights.sum(axis=2, keepdims=True), line - there)
    # and less, the farther it is away
    face_px = float(np.ptp(target[:, 0]))
    off_person = cv2.distanceTransform((~mask).astype(np.uint8), cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    off_person = cv2.resize(off_person, size, interpolation=cv2.INTER_AREA)
    near = _fading(np.sqrt(square.min(axis=2)) / (_REACH * face_px))
    near = near * _fading(off_person.astype(np.float64) / (_BESIDE * face_px))
    whole = cv2.resize((near[..., None] * moved).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR)
    come: Points = np.stack(np.meshgrid(np.arange(width), np.arange(height)), axis=-1) + whole.astype(np.float64)
    return come


def _fading(distance: Points) -> Points:
    """1 at 0, 0 from 1 on, smooth at both ends."""
    near = np.clip(1 - distance, 0, 1)
    fading: Points = near * near * (3 - 2 * near)
    return fading


def _is_seen(points: Points, triangles: Ints, areas: Points, size: tuple[int, int]) -> Bools:
    """bool[M]: triangles that face the camera, and that others do not hide."""
    which, _ = _drawn(points, triangles, size)
    pixels = np.bincount(which[which >= 0], minlength=len(triangles))
    return np.asarray((areas > 0) & (pixels >= 0.5 * areas - 2))


def _area(corners: Points) -> Points:
    """Signed, of float[M, 3, 2]."""
    one, other = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    areas: Points = (one[:, 0] * other[:, 1] - one[:, 1] * other[:, 0]) / 2
    return areas
