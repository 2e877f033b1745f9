"""FaceParsers that are networks over the pixels about a face: what BiSeNet and Segformer have in common."""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Frame
from actor18m.media.geometry import cut_out, square_around
from actor18m.models.batches import Batches
from actor18m.models.mesh_parsing import hull, in_frame
from actor18m.models.roles import FACE_PARTS, Face, Mesh, Parsing

MARGIN = 1.5
"""Side of the square that is looked at, in face boxes: so large are faces in CelebAMask-HQ, on whose pictures the
networks were trained."""
Parts = npt.NDArray[np.uint8]


class LearnedParsing(ABC):
    method: Literal["geometric", "learned"] = "learned"
    tells = FACE_PARTS

    def __init__(self, called: str, most: int) -> None:
        self._parsed = Batches(called, self._batch, most)

    @abstractmethod
    def _batch(self, squares: Sequence[Frame]) -> list[Parts]:
        """Of each uint8[S, S, 3] RGB the parts, as indices of `FACE_PARTS`, as large as the network tells them."""

    def parse(self, frames: Sequence[Frame], faces: Sequence[Face], meshes: Sequence[Mesh | None]) -> list[Parsing]:
        """A mesh says where the face would be if nothing hid it, and the network what is there."""
        regions = [square_around(face.box, MARGIN) for face in faces]
        told = self._parsed([cut_out(frame, region) for frame, region in zip(frames, regions, strict=True)])
        parsings = []
        for frame, face, mesh, region, small in zip(frames, faces, meshes, regions, told, strict=True):
            size = region[2] - region[0], region[3] - region[1]
            parts = np.array(cv2.resize(small, size, interpolation=cv2.INTER_NEAREST), np.uint8)
            parts[~in_frame(frame, region)] = 0
            parsings.append(Parsing(region, parts, hull(region, face, mesh)))
        return parsings
