"""FaceDetector: CenterFace on onnxruntime. Boxes and five points of faces from about 10 px upwards, profiles too."""

from collections.abc import Sequence
from typing import Any, Self

import cv2
import numpy as np

from actor18m.arrays import Box, Floats, Frame
from actor18m.media.boxes import overlap
from actor18m.models.libraries import library
from actor18m.models.onnx_shape import any_size
from actor18m.models.roles import Face
from actor18m.models.weights import content_of

_MIN_SCORE = 0.5
"""The published default."""
_LONGER_SIDE = 640
"""A larger frame is scaled down first."""
_STRIDE, _ALIGN = 4, 32
_SAME_FACE_OVERLAP = 0.3
_INPUT = "input.1"
_PUBLISHED_SHAPES = (10, 3, 32, 32), (10, 1, 8, 8), (10, 2, 8, 8), (10, 10, 8, 8)
"""Of the input and of the four maps: the file is fixed to ten images of 32 x 32."""


class CenterFace:
    weights = ("centerface.onnx",)

    def __init__(self, session: Any) -> None:
        self._session = session

    @classmethod
    def load(cls) -> Self:
        """One thread, so that a result does not depend on how busy the machine is."""
        ort = library("onnxruntime", "onnxruntime")
        options = ort.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 3
        model = any_size(content_of(cls.weights[0]), _INPUT.encode(), _PUBLISHED_SHAPES)
        return cls(ort.InferenceSession(model, options, providers=["CPUExecutionProvider"]))

    def detect(self, frames: Sequence[Frame]) -> list[list[Face]]:
        """One frame at a time."""
        return [self._faces(frame) for frame in frames]

    def _faces(self, frame: Frame) -> list[Face]:
        """Of uint8[H, W, 3] RGB."""
        height, width = frame.shape[:2]
        scale = min(1.0, _LONGER_SIDE / max(height, width))
        small = frame
        if scale < 1.0:
            size = max(1, round(width * scale)), max(1, round(height * scale))
            small = cv2.resize(frame, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)
        rows, columns = small.shape[:2]
        padded = np.zeros((1, 3, -(-rows // _ALIGN) * _ALIGN, -(-columns // _ALIGN) * _ALIGN), dtype=np.float32)
        padded[0, :, :rows, :columns] = small.transpose(2, 0, 1)
        heat, size_log, offset, points = (a[0] for a in self._session.run(None, {_INPUT: padded}))
        to_frame = np.array([width / columns, height / rows], dtype=np.float32)
        faces = decode(heat[0], size_log, offset, points, _MIN_SCORE)
        return [Face(_inside(box, to_frame, width, height), score, pts * to_frame) for box, score, pts in faces]


Found = tuple[Box, float, Floats]


def decode(heat: Floats, size_log: Floats, offset: Floats, points: Floats, min_score: float) -> list[Found]:
    """Faces from the network's maps over a grid of 4 px: float32[h, w] scores, [2, h, w] logs of height and width,
    [2, h, w] offsets y and x, [10, h, w] five points (y, x) in units of the box. On each face the surest stays."""
    found: list[Found] = []
    ys, xs = np.nonzero(heat > min_score)
    for i in np.argsort(-heat[ys, xs], kind="stable"):
        y, x = int(ys[i]), int(xs[i])
        h, w = (np.exp(size_log[:, y, x]) * _STRIDE).tolist()
        top = (y + float(offset[0, y, x]) + 0.5) * _STRIDE - h / 2
        left = (x + float(offset[1, y, x]) + 0.5) * _STRIDE - w / 2
        box = left, top, left + w, top + h
        if any(overlap(box, other) >= _SAME_FACE_OVERLAP for other, _, _ in found):
            continue
        relative = points[:, y, x].reshape(5, 2)[:, ::-1]
        found.append((box, float(heat[y, x]), (relative * (w, h) + (left, top)).astype(np.float32)))
    return found


def _inside(box: Box, to_frame: Floats, width: int, height: int) -> Box:
    (sx, sy), (x0, y0, x1, y1) = to_frame.tolist(), box
    return max(0.0, x0 * sx), max(0.0, y0 * sy), min(float(width), x1 * sx), min(float(height), y1 * sy)
