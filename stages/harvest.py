"""Views that were asked for, without a model that generates: a real frame of the same clip that shows them, or the face
of the source image, turned as far as it bears to be.
"""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, ClassVar

from pyarrow import DataType, float32
from pydantic import NonNegativeFloat, PositiveFloat

from actor18m.arrays import Bools, Frame
from actor18m.media.encoded import decoded
from actor18m.media.source import MediaError
from actor18m.media.views import FRONT_PITCH_DEG, FRONT_YAW_DEG
from actor18m.models.roles import FaceDetector, FaceMesh, Mesh, PersonSegmenter
from actor18m.stage import UNAVAILABLE, Failure, Image, Row, Stage, schema
from stages.brought import OF_MADE, OF_PICTURE, brought
from stages.cut import CutParameters, by_clip, cut_out
from stages.intake import Intake
from stages.looks.agreement import AgreementParameters, agreement
from stages.looks.face import FaceParameters, FaceReader, believed
from stages.looks.turned import Angles, between_deg, turned
from stages.told import one_by_one, rounded

OF_VIEW: dict[str, DataType] = {
    **OF_MADE,
    "turned_deg": float32(),
    "unseen_share": float32(),
    **OF_PICTURE,
    "agreement": float32(),
}
"""Columns of every maker of views. `how` is harvest, mesh, or a model's name. `turned_deg` and `unseen_share` are of a
face that was turned by its mesh: how far, and how much of what it shows then was turned away before, hidden, or seen
smaller by far. `agreement` is that of crops, and null of what a model made."""


class HarvestParameters(CutParameters, FaceParameters, AgreementParameters):
    """How far faces are turned. docs/accuracy.md has what the limits were chosen by."""

    sideways_deg: PositiveFloat = 26.0
    """Where a face that is turned to its left or right comes to look. It is seen to turn by three quarters of it."""
    nod_deg: PositiveFloat = 22.0
    max_turn_deg: NonNegativeFloat = 30.0
    max_yaw_turn_deg: NonNegativeFloat = 18.0
    """Sideways less can be done: a cheek that was seen from the front alone swells."""
    max_source_deg: NonNegativeFloat = 30.0
    """From facing the camera: of a face that is seen from farther round, the outline is taken for its surface."""
    max_unseen_share: NonNegativeFloat = 0.18


class Harvest(Stage[Image]):
    """A real frame where the request knows one, else a turned face."""

    version = 3
    of = "requests"
    leaves_aside = ("steps",)
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Intake: ("width", "height")}
    roles: ClassVar[Mapping[str, type]] = {"faces": FaceDetector, "mesh": FaceMesh, "second": PersonSegmenter}
    may_lack: ClassVar[Set[str]] = frozenset({"second"})
    writes = schema("view_images", **OF_VIEW)
    parameters = HarvestParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for of_clip in by_clip(image for image in images if image.request["sample"] is not None):
            try:
                yield from self._of_clip(of_clip)
            except MediaError:
                # a file may be damaged behind some of them: each for itself
                yield from one_by_one(of_clip, lambda image: self._of_clip([image])[0])
        without = [image for image in images if image.request["sample"] is None]
        yield from (_unavailable(image) for image in without if image.region != "face")
        yield from self._turned([image for image in without if image.region == "face"])

    def _of_clip(self, images: Sequence[Image]) -> list[Row]:
        """Real frames, in order of time."""
        told = {"method": "real", "how": "harvest", "turned_deg": None, "unseen_share": None}
        return [self._row(image, picture, mask, told) for image, picture, mask in cut_out(images, self.parameters)]

    def _turned(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        pictures = [decoded(image.source["webp"]) for image in images]
        for image, picture, mesh in zip(images, pictures, self._meshes(pictures), strict=True):
            if mesh is None:
                yield _unavailable(image, "no face's surface is found in the source image")
            else:
                yield self._by_mesh(image, picture, mesh)

    def _by_mesh(self, image: Image, picture: Frame, mesh: Mesh) -> Row | Failure:
        of, now = self.parameters, (mesh.yaw_deg, mesh.pitch_deg, mesh.roll_deg)
        source_deg = between_deg((0.0, 0.0, mesh.roll_deg), now)
        if source_deg > of.max_source_deg:
            why = f"the source's face is {source_deg:.1f} degrees from facing the camera, above {of.max_source_deg:g}"
            return _unavailable(image, why)
        then = self._wanted(image.request["view"], now)
        turn_deg = between_deg(now, then)
        if turn_deg > of.max_turn_deg or abs(then[0] - now[0]) > of.max_yaw_turn_deg:
            return _unavailable(image, f"a turn of {turn_deg:.1f} degrees is too far for the face's surface")
        mask = decoded(image.source["mask.png"])[..., 0] > 127
        found = turned(picture, mask, mesh.points, now, then)
        if found.unseen_share > of.max_unseen_share:
            share = f"{found.unseen_share:.1%} of the turned face, above {of.max_unseen_share:.1%},"
            why = f"{share} are not seen well in the source image"
            return _unavailable(image, why)
        how_far = {"turned_deg": rounded(turn_deg), "unseen_share": rounded(found.unseen_share)}
        return self._row(image, found.picture, found.mask, {"method": "composited", "how": "mesh", **how_far})

    def _wanted(self, view: str, now: Angles) -> Angles:
        """Where the face comes to look: about the axis that is not asked for no farther than it has to."""
        of, (yaw, pitch, roll) = self.parameters, now
        level, ahead = _within(pitch, FRONT_PITCH_DEG / 2), _within(yaw, FRONT_YAW_DEG / 2)
        return {
            "front": (0.0, 0.0, roll),
            "left": (of.sideways_deg, level, roll),
            "right": (-of.sideways_deg, level, roll),
            "top_down": (ahead, -of.nod_deg, roll),
            "bottom_up": (ahead, of.nod_deg, roll),
        }[view]

    def _meshes(self, pictures: Sequence[Frame]) -> list[Mesh | None]:
        whole = [(0.0, 0.0, float(picture.shape[1]), float(picture.shape[0])) for picture in pictures]
        found = FaceReader(self.backends, self.parameters).find(pictures, whole)
        seen = [(picture, face) for picture, face in zip(pictures, found, strict=True) if face is not None]
        told = iter(self.backends["mesh"].mesh([picture for picture, _ in seen], [face.box for _, face in seen]))
        return [None if face is None else believed(next(told), face, self.parameters) for face in found]

    def _row(self, image: Image, picture: Frame, mask: Bools, told: Mapping[str, Any]) -> Row:
        about, brings = brought(picture, mask, self.parameters)
        own = {"source": "view-aug", "is_generated": False, "prompt": None, "seed": None, **told}
        agrees = rounded(agreement(self.backends.get("second"), picture, mask, self.parameters))
        return Row(image.key, {**own, **about, "agreement": agrees}, brings)


def _within(angle: float, most: float) -> float:
    return max(-most, min(most, angle))


def _unavailable(image: Image, why: str = "") -> Failure:
    return Failure(image.key, UNAVAILABLE, "; ".join(each for each in (image.request["lacks"], why) if each))
