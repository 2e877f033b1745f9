"""Boxes, crops and angles for the backends: pure functions over numbers and arrays."""

import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Box, Frame

Real = npt.NDArray[np.floating]
Region = tuple[int, int, int, int]


def square_around(box: Box, scale: float) -> Region:
    """The square about a box's centre whose side is `scale` times the box's longer side, in whole pixels."""
    x0, y0, x1, y1 = box
    side = max(1, round(max(x1 - x0, y1 - y0) * scale))
    left, top = round((x0 + x1 - side) / 2), round((y0 + y1 - side) / 2)
    return left, top, left + side, top + side


def cut_out(frame: Frame, region: Region) -> Frame:
    """The region of uint8[H, W, 3]; what lies outside the frame is black."""
    x0, y0, x1, y1 = region
    height, width = frame.shape[:2]
    out = np.zeros((y1 - y0, x1 - x0, 3), dtype=np.uint8)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if left < right and top < bottom:
        out[top - y0 : bottom - y0, left - x0 : right - x0] = frame[top:bottom, left:right]
    return out


def put_back(part: Bools, region: Region, height: int, width: int) -> Bools:
    """The inverse of `cut_out` for a mask: bool[h, w] at its place in bool[height, width], False elsewhere."""
    x0, y0, x1, y1 = region
    out = np.zeros((height, width), dtype=np.bool_)
    left, top, right, bottom = max(x0, 0), max(y0, 0), min(x1, width), min(y1, height)
    if left < right and top < bottom:
        out[top:bottom, left:right] = part[top - y0 : bottom - y0, left - x0 : right - x0]
    return out


def body_yaw_deg(right_to_left: Real) -> float:
    """From float[N, 3] vectors that point to the subject's own left (shoulders, hips), x to the image's right, z away
    from the camera. Each counts alike, however long it is."""
    flat = right_to_left[:, [0, 2]].astype(np.float64)
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True).clip(1e-9)
    x, z = unit.sum(axis=0)
    return wrapped_deg(float(np.degrees(np.arctan2(z, x))))


def head_angles_deg(rotation: Real) -> tuple[float, float, float]:
    """Yaw, pitch and roll of float[3, 3], which turns a head that faces the camera (x to the image's right, y up, z to
    the camera): first roll, then pitch, then yaw."""
    forward = rotation[:, 2]
    yaw = np.degrees(np.arctan2(forward[0], forward[2]))
    pitch = np.degrees(np.arcsin(np.clip(forward[1], -1.0, 1.0)))
    roll = np.degrees(np.arctan2(-rotation[1, 0], rotation[1, 1]))
    return wrapped_deg(float(yaw)), float(pitch), float(roll)


def nodded(pitch_deg: float) -> npt.NDArray[np.float64]:
    """float[3, 3]: turns a head by so much upwards, about its own axis from ear to ear."""
    sine, cosine = np.sin(np.radians(pitch_deg)), np.cos(np.radians(pitch_deg))
    return np.array([[1, 0, 0], [0, cosine, sine], [0, -sine, cosine]])


def wrapped_deg(angle: float) -> float:
    """The same angle in (-180, 180]."""
    return 180.0 - (180.0 - angle) % 360.0
