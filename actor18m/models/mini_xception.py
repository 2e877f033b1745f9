"""ExpressionReader: mini-Xception, trained on FER2013, as a quantised TFLite file. Seven classes: no contempt.

Its training pictures are small, grey, and hold little but the face.
"""

from collections.abc import Sequence
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Floats, Frame
from actor18m.models.litert import Network
from actor18m.models.roles import Face, Mesh

_SIDE = 64
_OUTPUT = "Identity"
WIDTHS = (1.0, 1.15, 1.3)
"""Sides of the squares that are looked at, in widths of the face, each as it is and mirrored: what the model says of
one picture changes with a few pixels more or less, their mean less."""


class MiniXception:
    weights = ("emotion_model_quantized.tflite",)
    tells = ("anger", "disgust", "fear", "happiness", "sadness", "surprise", "neutral")

    def __init__(self, network: Network) -> None:
        self._network = network

    @classmethod
    def load(cls) -> Self:
        return cls(Network(cls.weights[0], (_OUTPUT,)))

    def read(
        self, frames: Sequence[Frame], faces: Sequence[Face], meshes: Sequence[Mesh | None]
    ) -> list[dict[str, float]]:
        """One face at a time."""
        return [self._read(frame, face, mesh) for frame, face, mesh in zip(frames, faces, meshes, strict=True)]

    def _read(self, frame: Frame, face: Face, mesh: Mesh | None) -> dict[str, float]:
        """Of the face in uint8[H, W, 3] RGB, turned upright; the mesh knows better than the box where it is."""
        centre, width, lean = _extent(face, mesh)
        looks = [_upright(frame, centre, width * scale, lean) for scale in WIDTHS]
        likely = np.mean([self._ask(view) for look in looks for view in (look, look[:, ::-1])], axis=0)
        return dict(zip(self.tells, (likely / likely.sum()).tolist(), strict=True))

    def _ask(self, grey: npt.NDArray[np.uint8]) -> Floats:
        scaled = grey.astype(np.float32) / 127.5 - 1.0
        (likely,) = self._network(scaled[:, :, None])
        return np.array(likely, dtype=np.float32)


def _extent(face: Face, mesh: Mesh | None) -> tuple[tuple[float, float], float, float]:
    """The face's middle, its width from side to side, and how many degrees it leans; a box alone knows no lean."""
    if mesh is None:
        x0, y0, x1, y1 = face.box
        return ((x0 + x1) / 2, (y0 + y1) / 2), x1 - x0, 0.0
    across = (mesh.five_points[1] - mesh.five_points[0]).astype(np.float64)
    across /= max(float(np.linalg.norm(across)), 1e-6)
    axes = np.array([across, (-across[1], across[0])])
    along = mesh.points[:, :2] @ axes.T
    low, high = along.min(axis=0), along.max(axis=0)
    x, y = (low + high) / 2 @ axes
    return (float(x), float(y)), float(high[0] - low[0]), float(np.degrees(np.arctan2(across[1], across[0])))


def _upright(frame: Frame, centre: tuple[float, float], side: float, lean_deg: float) -> npt.NDArray[np.uint8]:
    """uint8[64, 64] grey: the square about the centre, turned by the lean; the edge's pixels go on beyond the frame."""
    fine = 2 * _SIDE  # a turn looks at single pixels; halved, they are averaged
    warp = cv2.getRotationMatrix2D(centre, lean_deg, fine / max(side, 1.0))
    warp[:, 2] += np.array([fine / 2 - centre[0], fine / 2 - centre[1]])
    turned = cv2.warpAffine(frame, warp, (fine, fine), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
    small = cv2.resize(turned, (_SIDE, _SIDE), interpolation=cv2.INTER_AREA)
    return np.asarray(cv2.cvtColor(small, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
