"""FaceEmbedder: dlib's ResNet on a face aligned by its 5-point predictor. 128 numbers, compared by distance."""

from collections.abc import Sequence
from typing import Any, Self

import numpy as np

from actor18m.arrays import Floats, Frame
from actor18m.media.geometry import square_around
from actor18m.media.similarity import Metric
from actor18m.models.libraries import library
from actor18m.models.roles import Face
from actor18m.models.weights import path_of

SAME_BELOW = 0.6
"""Two faces closer than this are one person, says the model's author."""
_CHIP_PX = 150
_BOX_SCALE = 1.0
"""The predictor was trained on square boxes from the brows to the chin."""


class DlibFace:
    weights = ("dlib_face_recognition_resnet_model_v1.dat", "shape_predictor_5_face_landmarks.dat")
    metric: Metric = "euclidean"

    def __init__(self, dlib: Any, network: Any, predictor: Any) -> None:
        self._dlib = dlib
        self._network = network
        self._predictor = predictor

    @classmethod
    def load(cls) -> Self:
        dlib = library("dlib", "dlib-bin (or dlib, which needs a compiler)")
        network, predictor = (str(path_of(name)) for name in cls.weights)
        return cls(dlib, dlib.face_recognition_model_v1(network), dlib.shape_predictor(predictor))

    def embed(self, frames: Sequence[Frame], faces: Sequence[Face]) -> list[Floats]:
        """One face at a time."""
        return [self._embedded(frame, face) for frame, face in zip(frames, faces, strict=True)]

    def _embedded(self, frame: Frame, face: Face) -> Floats:
        """float32[128], not scaled to unit length: the model was trained on distances between raw descriptors."""
        x0, y0, x1, y1 = square_around(face.box, _BOX_SCALE)
        shape = self._predictor(frame, self._dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
        chip = self._dlib.get_face_chip(frame, shape, _CHIP_PX)
        return np.asarray(self._network.compute_face_descriptor(chip), dtype=np.float32)
