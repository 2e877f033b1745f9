"""Identity: does one person stay the same person? Faces once a second, and how much they look alike.

In each frame every face is told, the surest first. The surest one is embedded and compared with the first face of the
clip, as the paper does, with the fittest one, and with the medoid of the fit ones: a face in profile or a blurred one
is like nobody, its own person included, and a hand before a face may make it look the sharpest. Fitness says how far a
face can be compared at all, without a threshold. Of the surest one it is also told how likely it was drawn.
"""

from collections.abc import Iterable, Mapping, Sequence
from operator import itemgetter
from statistics import fmean
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pyarrow import bool_, float32, int32, list_, struct
from pydantic import PositiveFloat

from actor18m.arrays import Floats, Frame
from actor18m.media.chunks import chunks
from actor18m.media.geometry import square_around
from actor18m.media.sharpness import sharpness
from actor18m.media.similarity import similarity
from actor18m.media.video import frames
from actor18m.models.roles import Depiction, Face, FaceDetector, FaceEmbedder
from actor18m.stage import TEMPLATE, Clip, Failure, Parameters, Row, Stage, schema
from stages.intake import Intake
from stages.told import SIDES, one_by_one, rounded, rounded_fields, sides

_FACE = struct(
    [
        ("frame", int32()),
        ("rank", int32()),
        ("is_fittest", bool_()),
        ("is_medoid", bool_()),
        *((side, float32()) for side in SIDES),
        *((name, float32()) for name in ("score", "size_px", "sharpness", "yaw_deg", "pitch_deg", "fitness")),
        ("drawn", float32()),
        *((f"similarity_to_{name}", float32()) for name in ("first", "fittest", "medoid")),
        ("similarities", list_(float32())),
    ]
)
"""One face of one sampled frame, numbers rounded to four digits. `frame` counts sampled frames from 0; `rank` is 0 for
the surest face of its frame, the only one with similarities and `drawn`; `size_px` is the box's shorter side;
`sharpness` is the variance of the Laplacian of the face at 112 px; the medoid is the fit face that is most like the
other fit ones, or the fittest where fewer than three are fit; `yaw_deg` and `pitch_deg` are rough ones, by five points.
`drawn` is how likely the person was drawn and not filmed. `similarities` are those of a fit face to each fit one before
it, in their order; null where the face is not fit."""

_FACE_PX = 112
_NOSE_DEPTH = 1.1
"""How far a nose stands before the eyes, in half distances of the eyes. Fit on rendered heads."""
_EYES_APART = 0.75
"""The least distance of the eyes of a face seen from the front, in distances from eyes to mouth; most have 0.95."""

_NOSE_LEVEL, _NOSE_PER_DEG = 0.57, 0.0027
"""Where between eyes and mouth the nose of a level head is, and how much it moves there. Fit on rendered heads."""


class IdentityParameters(Parameters):
    """`fps` frames a second are looked at. The others say where a face is half fit to be compared, for one reason."""

    fps: PositiveFloat = 1.0
    half_size_px: PositiveFloat = 24.0
    half_sharpness: PositiveFloat = 20.0
    half_yaw_deg: PositiveFloat = 40.0
    half_pitch_deg: PositiveFloat = 30.0
    min_fitness: PositiveFloat = 0.3
    """Surest faces at least so fit are compared with each other."""
    template_fitness: PositiveFloat = 0.6
    """What these have together where a person is known by them: one that is very fit, or two that just are."""


class Identity(Stage):
    """Needs a detector, an embedder, and who tells what was drawn."""

    version = 9
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {Intake: ()}
    """A clip's key says which frames are looked at."""
    roles: ClassVar = {"faces": FaceDetector, "identity": FaceEmbedder, "depiction": Depiction}
    writes = schema(
        "identity",
        frame_times=list_(float32()),
        faces=list_(_FACE),
        max_faces=int32(),
        mean_similarity_to_first=float32(),
    )
    """`mean_similarity_to_first` is the paper's mean: of every later frame's surest face to the first one."""
    parameters = IdentityParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return one_by_one(clips, self._measured)

    def _measured(self, clip: Clip) -> Row:
        times: list[float] = []
        faces: list[dict[str, Any]] = []
        embedded: list[tuple[dict[str, Any], Floats]] = []
        sampled = frames(clip.uri, clip.cut, clip.crop, self.parameters.fps)
        for chunk in chunks(sampled, itemgetter(1)):
            pictures = [frame for _, frame in chunk]
            found = self.backends["faces"].detect(pictures)
            surest = [(frame, of_frame[0]) for frame, of_frame in zip(pictures, found, strict=True) if of_frame]
            vectors = iter(self.backends["identity"].embed([f for f, _ in surest], [face for _, face in surest]))
            drawn = iter(self.backends["depiction"].drawn([f for f, _ in surest], [face.box for _, face in surest]))
            for (time_s, frame), of_frame in zip(chunk, found, strict=True):
                number = len(times)
                times.append(rounded(time_s))
                told = [
                    {"frame": number, "rank": rank, **self._told(frame, face)} for rank, face in enumerate(of_frame)
                ]
                faces += told
                if told:
                    told[0]["drawn"] = next(drawn)
                    embedded.append((told[0], next(vectors)))
        self._compare(embedded)
        values = {
            "frame_times": times,
            "faces": [rounded_fields(face) for face in faces],
            "max_faces": max((face["rank"] + 1 for face in faces), default=0),
            "mean_similarity_to_first": _mean([face["similarity_to_first"] for face, _ in embedded[1:]]),
        }
        return Row(clip.key, values, restricted=self._kept(embedded))

    def _kept(self, embedded: Sequence[tuple[dict[str, Any], Floats]]) -> Mapping[str, bytes]:
        """float32[N, D] of the surest faces in their order; and float32[D] that stands for the clip, where faces that
        are fit to be compared are enough to know a person: their mean, each counting by the square of its fitness."""
        if not embedded:
            return {}
        vectors = np.stack([vector for _, vector in embedded]).astype(np.float64)
        if self.backends["identity"].metric == "cosine":  # of unit vectors, nearness is the same by either metric
            vectors /= np.linalg.norm(vectors, axis=1, keepdims=True).clip(1e-12)
        kept = {"embeddings": np.stack([vector for _, vector in embedded]).astype("<f4").tobytes()}
        known_by = template(vectors, [face["fitness"] for face, _ in embedded], self.parameters)
        return kept if known_by is None else kept | {TEMPLATE: known_by.tobytes()}

    def _told(self, frame: Frame, face: Face) -> dict[str, Any]:
        x0, y0, x1, y1 = face.box
        size, sharpness, yaw = min(x1 - x0, y1 - y0), sharpness_of(frame, face), rough_yaw_deg(face.points)
        pitch = rough_pitch_deg(face.points)
        by_size = size**2 / (size**2 + self.parameters.half_size_px**2)
        by_sharpness = sharpness / (sharpness + self.parameters.half_sharpness)
        by_yaw = 1 / (1 + (yaw / self.parameters.half_yaw_deg) ** 4)
        by_pitch = 1 / (1 + (pitch / self.parameters.half_pitch_deg) ** 4)
        return {
            **sides(face.box),
            "score": face.score,
            "size_px": size,
            "sharpness": sharpness,
            "yaw_deg": yaw,
            "pitch_deg": pitch,
            "fitness": face.score * by_size * by_sharpness * by_yaw * by_pitch,
            "is_fittest": False,
            "is_medoid": False,
            "drawn": None,
            "similarity_to_first": None,
            "similarity_to_fittest": None,
            "similarity_to_medoid": None,
            "similarities": None,
        }

    def _compare(self, embedded: Sequence[tuple[dict[str, Any], Floats]]) -> None:
        if not embedded:
            return
        metric = self.backends["identity"].metric
        _, first = embedded[0]
        fittest_face, fittest = max(embedded, key=lambda each: each[0]["fitness"])
        fittest_face["is_fittest"] = True
        fit = [each for each in embedded if each[0]["fitness"] >= self.parameters.min_fitness]
        alike = np.array([[similarity(metric, one, other) for _, other in fit] for _, one in fit])
        medoid_face, medoid = fit[int(alike.sum(axis=1).argmax())] if len(fit) > 2 else (fittest_face, fittest)
        medoid_face["is_medoid"] = True
        for told, vector in embedded:
            told["similarity_to_first"] = similarity(metric, first, vector)
            told["similarity_to_fittest"] = similarity(metric, fittest, vector)
            told["similarity_to_medoid"] = similarity(metric, medoid, vector)
        for number, (told, _) in enumerate(fit):
            told["similarities"] = [rounded(float(value)) for value in alike[:number, number]]


def template(
    vectors: npt.NDArray[np.floating], fitness: Sequence[float], parameters: IdentityParameters
) -> Floats | None:
    """float32[D] of float[N, D]; None where the fit faces are not enough to know a person by."""
    how_fit = np.asarray(fitness)
    fit = how_fit >= parameters.min_fitness
    if how_fit[fit].sum() < parameters.template_fitness:
        return None
    mean: Floats = np.average(vectors[fit], axis=0, weights=how_fit[fit] ** 2).astype("<f4")
    return mean


def rough_yaw_deg(points: Floats) -> float:
    """From float[5, 2]: how far the nose is to the side of the eyes' middle, across the line from the mouth to the
    eyes, which a turned head keeps; and how close the eyes are for their distance to the mouth, since of a profile the
    detector sees the hidden eye beside the other one.

    On rendered heads within 3 degrees (median) up to 60, and within 6 from there to 90, always on the right side.
    """
    right_eye, left_eye, nose, right_mouth, left_mouth = points.astype(np.float64)
    middle = (left_eye + right_eye) / 2
    upwards = middle - (left_mouth + right_mouth) / 2
    height = max(float(np.linalg.norm(upwards)), 1e-6)
    to_left = np.array([-upwards[1], upwards[0]]) / height
    apart = max(float((left_eye - right_eye) @ to_left), 0.0)
    by_nose = np.degrees(np.arctan2(float((nose - middle) @ to_left) / _NOSE_DEPTH, apart / 2))
    by_eyes = np.degrees(np.arccos(min(1.0, apart / (_EYES_APART * height))))
    return float(np.copysign(max(abs(by_nose), by_eyes), by_nose))


def rough_pitch_deg(points: Floats) -> float:
    """From float[5, 2]: how far down from the eyes to the mouth the nose is; it rises when the head does.

    On rendered heads that face the camera within 6 degrees (median), 15 of nine in ten.
    """
    right_eye, left_eye, nose, right_mouth, left_mouth = points.astype(np.float64)
    middle = (left_eye + right_eye) / 2
    down = (left_mouth + right_mouth) / 2 - middle
    share = float((nose - middle) @ down) / max(float(down @ down), 1e-12)
    return float(np.clip((_NOSE_LEVEL - share) / _NOSE_PER_DEG, -90.0, 90.0))


def sharpness_of(frame: Frame, face: Face) -> float:
    """Of the face alone, as far as it lies in the frame, whose edge is none of the face; at one size for all faces."""
    left, top, right, bottom = square_around(face.box, 1.0)
    inside = frame[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    if not inside.size:
        return 0.0
    return sharpness(inside, max(1, round(_FACE_PX * max(inside.shape[:2]) / (right - left))))


def _mean(values: Sequence[float]) -> float | None:
    return rounded(fmean(values)) if values else None
