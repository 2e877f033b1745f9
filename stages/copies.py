"""How near is a reference to the frames of its own clip? What a model could do by copying it, it need not learn.

Who trains a model to make a clip of a reference that is nearly one of its frames teaches it to paste: the same pose,
the same view, the same place. So each image is compared with all of the clip's samples, by what was measured of both:
no model looks at anything.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
from pyarrow import bool_, float32, list_, string, struct
from pydantic import Field, PositiveFloat, PositiveInt

from actor18m.arrays import Floats
from actor18m.media.encoded import decoded
from actor18m.stage import Failure, Image, Parameters, Row, Stage, schema
from stages.annotate import Annotate
from stages.faces import Faces
from stages.looks.apart import Apart, Figures, bodies, faces, pose_apart, view_apart_deg
from stages.looks.background import alike, colours_around
from stages.motion import Motion
from stages.pose import Pose
from stages.told import rounded

SAME, OTHER, NONE = "same", "other", "none"
"""Backgrounds: the clip's own; another one; nothing around the person but one colour that the clip has not."""
_SPAN = struct([("start_s", float32()), ("end_s", float32())])


class CopiesParameters(Parameters):
    """What counts as a near copy. docs/copies.md has what these were chosen by."""

    same_view_deg: PositiveFloat = 15.0
    """A head looks, or a body faces, the same way up to here."""
    same_face: PositiveFloat = 0.2
    """A face is held and moved likewise up to here, in sizes of its five points; a body below, in sizes of its 17."""
    same_pose: PositiveFloat = 0.35
    faces_every: PositiveInt = 1
    """The parameter `every` of faces."""
    least_points: PositiveInt = 6
    """Of a body: where fewer are seen in both, poses cannot be compared."""
    same_background: float = Field(default=0.8, gt=0, le=1)
    """A made image has the background of its source where they share so much of their colours."""
    plain: float = Field(default=0.98, gt=0, le=1)
    """A background is none where so much of it has one colour."""
    solved_from: float = Field(default=0.5, gt=0, le=1)
    """An image that is a near copy of so many of its clip's frames is one with which a copy solves the clip."""


class Copies(Stage[Image]):
    version = 2
    of = "images"
    reads_source = False
    reads_request = True
    reads_source_image = True
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {
        Motion: ("frame_times",),
        Faces: ("faces",),
        Pose: ("poses",),
        Annotate: ("seen_figures", "seen_expression"),
    }
    writes = schema(
        "copies",
        copy_share=float32(),
        person_copy_share=float32(),
        expression_copy_share=float32(),
        copy_solves=bool_(),
        person_copy_solves=bool_(),
        copied_spans=list_(_SPAN),
        nearest_time_s=float32(),
        compared_share=float32(),
        time_apart_s=float32(),
        view_apart_deg=float32(),
        view_apart_median_deg=float32(),
        same_view_share=float32(),
        pose_apart=float32(),
        pose_apart_median=float32(),
        background=string(),
        background_likeness=float32(),
    )
    """Shares are of all samples of the clip. `person_copy_share` is of those in which the person is seen from the
    same side in the same pose, and `copied_spans` are when; `copy_share` is the same where the background is the
    clip's own, and 0 where it is not. A copy `solves` where the share is large. `compared_share` is of those that
    could be compared. `nearest_time_s` is the sample that is most like the image. Of view and pose the least and the
    median distance are told. `time_apart_s` is 0 of a picture that was cut out of this clip, null of any other. What
    cannot be told is null."""
    tells: ClassVar[Mapping[str, str]] = {
        "copy_solves": "a copy solves",
        "person_copy_solves": "a copy of the person alone, whatever is around, solves",
    }
    parameters = CopiesParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            near = self._compared(image)
            background, likeness = self._background(image)
            share = near["person_copy_share"]
            is_told = share is not None and background is not None
            copied = (share if background == SAME else 0.0) if is_told else None
            told = {
                "copy_share": copied,
                "copy_solves": self._solves(copied),
                "person_copy_solves": self._solves(share),
                "time_apart_s": 0.0 if _is_cut_out(image) else None,
                "background": background,
                "background_likeness": rounded(likeness),
            }
            yield Row(image.key, told | near)

    def _solves(self, share: float | None) -> bool | None:
        return None if share is None else share >= self.parameters.solved_from

    def _compared(self, image: Image) -> dict[str, Any]:
        """With all samples of the clip that show a face, or a body."""
        of, times = self.parameters, image.clip.upstream["motion"]["frame_times"]
        shown = _shown(image)
        if not shown.own or not shown.samples:
            return dict.fromkeys(_OF_COMPARISON)
        most, points, every = (
            (of.same_face, 1, of.faces_every) if image.region == "face" else (of.same_pose, of.least_points, 1)
        )
        # float64[figures, frames], NaN where that cannot be told
        views = np.stack([view_apart_deg(one, shown.frames) for one in shown.own])
        poses = np.stack([pose_apart(one, shown.frames, points) for one in shown.own])
        # float64[frames]: at most 1 of a near copy, by the figure of which it is one; of a sheet any may be
        off = np.fmin.reduce(_farther(views / of.same_view_deg, poses / most))
        if np.isnan(off).all():
            return dict.fromkeys(_OF_COMPARISON)
        views, poses, whole = np.fmin.reduce(views), np.fmin.reduce(poses), -(-len(times) // every)
        near = [sample for sample, each in zip(shown.samples, off, strict=True) if each <= 1]
        alike = [shown.expressions[at] == shown.expression for at in np.flatnonzero(off <= 1)]
        return {
            "person_copy_share": rounded(len(near) / whole),
            "expression_copy_share": None if shown.expression is None else rounded(sum(alike) / whole),
            "copied_spans": [
                {"start_s": rounded(times[first]), "end_s": rounded(times[last])} for first, last in _runs(near, every)
            ],
            "nearest_time_s": rounded(times[shown.samples[int(np.nanargmin(off))]]),
            "compared_share": rounded(int((~np.isnan(off)).sum()) / whole),
            "view_apart_deg": _told(np.nanmin, views),
            "view_apart_median_deg": _told(np.nanmedian, views),
            "same_view_share": rounded(int((views <= of.same_view_deg).sum()) / whole),
            "pose_apart": _told(np.nanmin, poses),
            "pose_apart_median": _told(np.nanmedian, poses),
        }

    def _background(self, image: Image) -> tuple[str | None, float | None]:
        """Which one it is, and how alike it is to that of the image from which this one was made."""
        of = self.parameters
        if _is_cut_out(image):
            return SAME, None
        mine, its = _colours(image.files), _colours(image.source)
        likeness = None if mine is None or its is None else alike(mine, its)
        if likeness is not None and likeness >= of.same_background:
            return SAME, likeness
        if mine is not None and mine.max() >= of.plain:
            return NONE, likeness
        return (None if likeness is None else OTHER), likeness


_OF_COMPARISON = (
    "person_copy_share",
    "expression_copy_share",
    "copied_spans",
    "nearest_time_s",
    "compared_share",
    "view_apart_deg",
    "view_apart_median_deg",
    "same_view_share",
    "pose_apart",
    "pose_apart_median",
)


def _is_cut_out(image: Image) -> bool:
    """Of one of the clip's own frames: the request says which."""
    return image.request.get("sample") is not None


@dataclass(frozen=True)
class _Shown:
    own: list[Figures]
    """What the image shows."""
    expression: str | None
    samples: list[int]
    """Which samples of the clip show such a thing."""
    frames: Figures
    """What these show."""
    expressions: list[str | None]


def _shown(image: Image) -> _Shown:
    """What was cut out of a sample shows what that does: there, more of it was seen than in the cut image."""
    seen, rows, is_face = image.upstream["annotate"], image.clip.upstream, image.region == "face"
    there, figures = (rows["faces"]["faces"], faces) if is_face else (rows["pose"]["poses"], bodies)
    its = [each for each in there if each["sample"] == image.request.get("sample")]
    own, expression = [figures([each]) for each in its], its[0]["expression"] if its and is_face else None
    if not own or np.isnan(own[0].yaw_deg[0]):
        of_image = [{**each, "body_yaw_deg": each["yaw_deg"]} for each in seen["seen_figures"] or []]
        own, expression = [figures([each]) for each in of_image], seen["seen_expression"]
    expressions = [each["expression"] if is_face else None for each in there]
    return _Shown(own, expression, [each["sample"] for each in there], figures(there), expressions)


def _colours(files: Mapping[str, bytes]) -> Floats | None:
    """Of what is around the person; None where no mask says what is."""
    if "mask.png" not in files:
        return None
    return colours_around(decoded(files["webp"]), np.asarray(decoded(files["mask.png"])[..., 0] > 127, np.bool_))


def _farther(view: Apart, pose: Apart) -> Apart:
    """Where one of them tells that it is no copy, the other need not be known."""
    is_told = (view > 1) | (pose > 1)
    return np.where(is_told, np.fmax(view, pose), np.maximum(view, pose))


def _told(value: Callable[[Apart], Any], distances: Apart) -> float | None:
    return None if np.isnan(distances).all() else rounded(float(value(distances)))


def _runs(samples: Sequence[int], every: int) -> list[tuple[int, int]]:
    """First and last of those that follow one another."""
    if not samples:
        return []
    breaks = np.flatnonzero(np.diff(samples) > every).tolist()
    firsts, lasts = [0, *(at + 1 for at in breaks)], [*breaks, len(samples) - 1]
    return [(samples[first], samples[last]) for first, last in zip(firsts, lasts, strict=True)]
