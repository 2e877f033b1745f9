"""FaceEmbedder: networks trained as ArcFace, on faces aligned by their five points. 512 numbers, compared by angle.

`arcface` is InsightFace's ResNet-50 of WebFace600K, whose weights are for research that earns nothing. `auraface` is a
ResNet-100 that may be used for anything, and of which its authors say that it is weaker.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Floats, Frame
from actor18m.media.similarity import Metric
from actor18m.models.batches import Batches
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import Face
from actor18m.models.weights import path_of

SIDE = 112
_POINTS = np.array([[38.2946, 51.6963], [73.5318, 51.5014], [56.0252, 71.7366], [41.5493, 92.3655], [70.7299, 92.2041]])
"""Where in the square of 112 px the five points of a face are brought to, as in all pictures of the training."""
_MIDDLE = _REACH = 127.5


class _OfAlignedFaces:
    parameters = OnnxParameters()
    metric: Metric = "cosine"

    def __init__(self, network: OnnxNetwork) -> None:
        self._network = network
        self._embedded = Batches("arcface", self._batch, network.most)

    def embed(self, frames: Sequence[Frame], faces: Sequence[Face]) -> list[Floats]:
        """float32[512] of a face in each frame, as long as the network makes it."""
        return self._embedded([aligned(frame, face.points) for frame, face in zip(frames, faces, strict=True)])

    def close(self) -> None:
        self._network.close()

    def _batch(self, squares: Sequence[Frame]) -> list[Floats]:
        (found,) = self._network(((np.stack(squares) - _MIDDLE) / _REACH).astype(np.float32).transpose(0, 3, 1, 2))
        return list(found)


class ArcFace(_OfAlignedFaces):
    weights = ("w600k_r50.onnx",)

    @classmethod
    def load(cls, parameters: OnnxParameters) -> Self:
        return cls(OnnxNetwork(path_of(cls.weights[0]), parameters))


class AuraFace(_OfAlignedFaces):
    snapshots = ("auraface",)

    @classmethod
    def load(cls, weights: Path, parameters: OnnxParameters) -> Self:
        return cls(OnnxNetwork(weights / "glintr100.onnx", parameters))


def aligned(frame: Frame, points: Floats) -> Frame:
    """uint8[112, 112, 3]: the face of uint8[H, W, 3] turned, scaled and moved so that its five points are as close as
    can be to their places; black beyond the frame."""
    warp = _closest(points.astype(np.float64), _POINTS)
    return np.asarray(cv2.warpAffine(frame, warp, (SIDE, SIDE), borderValue=0), dtype=np.uint8)


def _closest(points: npt.NDArray[np.float64], places: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """float64[2, 3]: the turn, scale and move that brings points nearest to their places, by least squares. With x + iy
    as one number, turn and scale are a factor and the move is a sum."""
    here, there = points @ (1, 1j), places @ (1, 1j)
    spread = here - here.mean()
    factor = np.vdot(spread, there) / max(np.vdot(spread, spread).real, 1e-12)
    move = there.mean() - factor * here.mean()
    return np.array([[factor.real, -factor.imag, move.real], [factor.imag, factor.real, move.imag]])
