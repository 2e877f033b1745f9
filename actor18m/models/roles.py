"""What the stages ask of models. A backend plays one of these roles; no stage knows which.

All take sequences, so that a GPU has enough to do, and answer with one result for each item, in their order. There may
be none, and the items of a call may be of different sizes. Where a method takes several sequences, items at one place
belong together. What a result says does not depend on the others, as far as the backend's libraries allow.

Frames are uint8[H, W, 3] RGB. Boxes are x0, y0, x1, y1 in pixels of the frame, as are points; x grows to the image's
right, y down. Left and right are the subject's own. Angles are degrees: yaw is 0 facing the camera and grows when the
subject turns to their own left (towards the image's right), in (-180, 180]; pitch grows when they look up; roll grows
when the head leans to their own left shoulder.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Box, Floats, Frame
from actor18m.media.similarity import Metric

KEYPOINTS = (
    "nose", "left_eye", "right_eye", "left_ear", "right_ear", "left_shoulder", "right_shoulder", "left_elbow",
    "right_elbow", "left_wrist", "right_wrist", "left_hip", "right_hip", "left_knee", "right_knee", "left_ankle",
    "right_ankle",
)  # fmt: skip
"""The 17 body points, COCO's names and order."""


FACE_PARTS = (
    "background", "skin", "left_brow", "right_brow", "left_eye", "right_eye", "glasses", "left_ear", "right_ear",
    "earring", "nose", "mouth", "upper_lip", "lower_lip", "neck", "necklace", "cloth", "hair", "hat",
)  # fmt: skip
"""The 19 classes of face parsing, in BiSeNet's order."""

EXPRESSIONS = ("happiness", "sadness", "surprise", "fear", "anger", "disgust", "contempt", "neutral")
"""Those of the attribute pool."""


@dataclass(frozen=True, eq=False)
class Face:
    """A detected face."""

    box: Box
    score: float
    """How sure the detector is, 0 to 1."""
    points: Floats
    """float32[5, 2]: right eye, left eye, nose, right and left corner of the mouth."""


@dataclass(frozen=True)
class Person:
    """A detected person."""

    box: Box
    score: float
    """How sure the detector is, 0 to 1."""


@dataclass(frozen=True, eq=False)
class Mesh:
    """A face's surface and what it tells."""

    points: Floats
    """float32[N, 3]: x, y, and depth in the same unit, smaller is nearer; N and order are the backend's."""
    five_points: Floats
    """float32[5, 2]: where on it a detector's five points are."""
    blendshapes: dict[str, float]
    """Facial actions by name, 0 to 1."""
    yaw_deg: float
    pitch_deg: float
    roll_deg: float


@dataclass(frozen=True, eq=False)
class Parsing:
    """Which part of a face each pixel about it shows."""

    region: tuple[int, int, int, int]
    """Of the frame, and possibly beyond its edges."""
    parts: npt.NDArray[np.uint8]
    """uint8[h, w]: indices of `FACE_PARTS`."""
    hull: npt.NDArray[np.bool_]
    """bool[h, w]: what the face would cover if nothing hid it and the frame had no edges."""


@dataclass(frozen=True, eq=False)
class Pose:
    """A body's keypoints and where it faces."""

    points: Floats
    """float32[17, 2]: `KEYPOINTS` in the frame; may lie outside of it."""
    points_3d: Floats | None = None
    """float32[17, 3]: metres from the middle of the hips; x to the image's right, y down, z away from the camera. None
    where a backend tells points in the frame alone."""
    visibility: Floats | None = None
    """float32[17]: 0 to 1, how likely a point is in the frame and not hidden."""
    body_yaw_deg: float | None = None
    face_visibility: float | None = None
    """0 to 1, how likely a face is to be seen, where a backend has points of the face for it."""


@dataclass(frozen=True)
class Head:
    """Where a head looks, all the way round."""

    yaw_deg: float
    pitch_deg: float | None = None
    roll_deg: float | None = None


class FaceDetector(Protocol):
    def detect(self, frames: Sequence[Frame]) -> list[list[Face]]:
        """All faces of each frame, the surest first."""
        ...


class FaceEmbedder(Protocol):
    metric: Metric

    def embed(self, frames: Sequence[Frame], faces: Sequence[Face]) -> list[Floats]:
        """float32[D] of a face in each frame."""
        ...


class FaceMesh(Protocol):
    def mesh(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Mesh | None]:
        """The face in each frame's box, or None where the model sees none. How much around a box is looked at is the
        model's."""
        ...


class HeadPose(Protocol):
    def heads(self, frames: Sequence[Frame], people: Sequence[Box], faces: Sequence[Face]) -> list[Head | None]:
        """Of the person whose face is in each frame, and whose whole box is known, where the head looks; None where the
        model cannot tell. A face is told beyond a profile, too, where a mesh lies over nothing."""
        ...


class FaceParser(Protocol):
    method: Literal["geometric", "learned"]
    """Outlines of a mesh, or a network over the pixels."""
    tells: tuple[str, ...]
    """The parts that it can tell; of the others it says nothing."""

    def parse(self, frames: Sequence[Frame], faces: Sequence[Face], meshes: Sequence[Mesh | None]) -> list[Parsing]:
        """The parts of a face in each frame; its mesh is what its mesh model saw there."""
        ...


class ExpressionReader(Protocol):
    tells: tuple[str, ...]
    """The expressions, of `EXPRESSIONS`, that it can tell."""

    def read(
        self, frames: Sequence[Frame], faces: Sequence[Face], meshes: Sequence[Mesh | None]
    ) -> list[dict[str, float]]:
        """Of a face in each frame, how likely each expression is; they add up to 1. Nothing where it cannot tell."""
        ...


class PersonSegmenter(Protocol):
    def masks(self, frames: Iterable[tuple[Frame, Box | None]]) -> Iterator[Bools | None]:
        """One person through successive frames, with a box where somebody has seen the person: bool[H, W] for each
        frame, in their order, or None where the model sees nobody. One frame is a film too. Frames are read as they are
        needed: a film need not fit into memory."""
        ...


class PoseEstimator(Protocol):
    def pose(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[Pose | None]:
        """The person in each frame's box, or None where the model sees none. How much around a box is looked at is the
        model's."""
        ...


class PersonDetector(Protocol):
    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        """All people of each frame, the surest first."""
        ...


class FrameEncoder(Protocol):
    metric: Metric

    def encode(self, frames: Sequence[Frame]) -> list[Floats]:
        """float32[D]: what each picture shows. Any part of a frame is a picture too."""
        ...


class Depiction(Protocol):
    def drawn(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[float]:
        """How likely the person whose face is in each frame's box was drawn, and not filmed: 0 to 1. Numbers of two
        backends cannot be compared. How much around a box is looked at is the model's."""
        ...


class ShotDetector(Protocol):
    size: tuple[int, int]
    """Width and height of the pictures that it looks at; whoever decodes a film makes them so."""

    def scores(self, frames: Iterable[Frame]) -> Iterator[tuple[float, float]]:
        """For each frame of a film, all of them one after the other, how likely a shot ends with it, or is half way to
        the next one; and how likely it is any of those in which one shot becomes another. Both 0 to 1. Frames are read
        as they are needed."""
        ...


class PointTracker(Protocol):
    def seed(self, frames: Sequence[Frame], boxes: Sequence[Box], count: int) -> list[Floats]:
        """float32[N, 2] of each frame's box: up to `count` points in it that can be told from their surroundings."""
        ...

    def track(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        """Where float32[N, 2] points of the first frame are in each frame of a window, float32[T, N, 2], and which of
        them are seen there, bool[T, N]. In the first frame they are as given, and all are seen. What is not seen is
        where the tracker believes it to be."""
        ...


@dataclass(frozen=True, eq=False)
class Edit:
    """A picture that is to be made from others."""

    pictures: Sequence[Frame]
    """One, or several of the same person. Words may call them by their number, from 1."""
    prompt: str
    seed: int
    """63 bits. The same edit with the same seed has the same result, whatever is edited beside it."""
    height: int
    width: int
    """What is made has about so many pixels: a model may take only some sizes."""


class ImageEditor(Protocol):
    @property
    def called(self) -> str:
        """Who makes the pictures: the model's name."""
        ...

    def edit(self, asked: Sequence[Edit]) -> list[Frame]:
        """What each is to show."""
        ...
