"""Images of subset B by compositing: the person of a self-crop, matted, in another place and another light.

The place is painted from the request's fields and the seed: no other footage is in it. Expression and motion cannot be
composited; a request for one is unavailable.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar

import cv2
import numpy as np
from pyarrow import DataType, float32
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from actor18m.arrays import Bools, Floats, Frame
from actor18m.keys import seed
from actor18m.media.bounds import bounds
from actor18m.media.encoded import decoded
from actor18m.models.roles import FrameEncoder, PersonSegmenter
from actor18m.stage import UNAVAILABLE, Failure, Image, Row, Stage, schema
from stages.brought import OF_MADE, OF_PICTURE, PictureParameters, brought
from stages.looks.agreement import AgreementParameters, second_opinion
from stages.looks.alone import likeness
from stages.looks.matte import Band, person_colours, soft_matte
from stages.painting import relight
from stages.painting.scenes import painted
from stages.painting.textures import light, shown
from stages.painting.view import View
from stages.told import rounded

_HEAD_M = 1.72
_EYE_M = {"face": 1.6, "half": 1.45, "whole": 1.15}
"""How high the top of a head is, and the camera, by how much of the person it shows."""
_FACE_CROP_M = 0.38
"""The side of a face's crop at the person: a face with its margins."""
_SHOULDERS_M = 0.62
"""How wide somebody is whose legs are not seen."""


OF_ATTRIBUTE: dict[str, DataType] = {
    **OF_MADE,
    **OF_PICTURE,
    "person_similarity": float32(),
    "image_similarity": float32(),
    "agreement": float32(),
}
"""Columns of every maker of subset B. `person_similarity` compares the person with that of the source image, before a
grey ground: what the light, the matte and the edges changed, or a model. `image_similarity` compares the whole images:
what the place changed. `agreement`, of composites, is the overlap of two segmenters' masks of the source, of the
person's upper part."""


class CompositesParameters(PictureParameters, AgreementParameters):
    """How a person is cut out, set down and lit."""

    band_inside: PositiveFloat = 0.022
    """How far from the mask's edge the matte is looked for, in shares of the square root of the person's pixels."""
    band_outside: PositiveFloat = 0.03
    least_agreement: float = Field(default=0.86, ge=0, le=1)
    """The overlap of the two masks from which the second is heard. On frames of digital actors the matte's gross errors
    were 3.7% of a face's pixels without it and 1.6% with it, where the two agree."""
    least_aspect: NonNegativeFloat = 0.8
    """Width over height of a body's image, where the person is not cut away at its sides: place for a place."""
    painted_px: PositiveInt = 640
    """The longer side of the picture in which the place is painted; out of focus it needs no more."""
    face_aperture_m: PositiveFloat = 0.03
    body_aperture_m: PositiveFloat = 0.06
    """What lies far behind the person is blurred as much as this is long beside them."""
    tinted: float = Field(default=0.5, ge=0, le=1)
    """How much of the light's colour the person takes."""
    wrapped: float = Field(default=0.12, ge=0, le=1)
    """How much of the place's light lies about the person's edges."""
    least_mask_share: NonNegativeFloat = 0.05
    """Of the source image: of a smaller person nothing credible can be made."""


@dataclass(frozen=True)
class _Cut:
    """The person, cut out, in the frame of the image to be."""

    seen: Frame
    """uint8[H, W, 3]: the source; beyond its edges, more of the same."""
    colours: Floats
    matte: Floats
    stands: bool
    """The feet are in view."""
    agreement: float


class Composites(Stage[Image]):
    """Another place and another light for one self-crop."""

    version = 6
    of = "requests"
    reads_source = False
    roles: ClassVar[Mapping[str, type]] = {"encoder": FrameEncoder, "second": PersonSegmenter}
    writes = schema("attribute_images", **OF_ATTRIBUTE)
    parameters = CompositesParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            why = _why_not(image, self.parameters)
            yield Failure(image.key, UNAVAILABLE, why) if why else self._made(image)

    def _made(self, image: Image) -> Row:
        number = seed(image.key, "attribute", image.candidate)
        chance = np.random.default_rng(number)
        source, mask = decoded(image.source["webp"]), _mask(image)
        cut = self._cut(source, mask, image.region)
        picture = self._composed(cut, image, number, chance)
        made_mask = cut.matte > 0.5
        about, files = brought(picture, made_mask, self.parameters)
        told = {
            "source": "attr-aug",
            "method": "composited",
            "is_generated": False,
            "how": "compositor",
            "prompt": None,
            "seed": number,
            **about,
            **likeness(self.backends["encoder"], source, mask, picture, made_mask),
            "agreement": rounded(cut.agreement),
        }
        return Row(image.key, told, files)

    def _cut(self, source: Frame, mask: Bools, region: str) -> _Cut:
        of = self.parameters
        stands = region == "body" and not mask[-1].any()
        second, agreement = second_opinion(self.backends["second"], source, mask, of)
        heard = second if agreement >= of.least_agreement else None
        matte = soft_matte(source, mask, Band(of.band_inside, of.band_outside), heard)
        colours = person_colours(source, matte)
        height, width = mask.shape
        # at its sides the image may be wider than the crop, if the person is not cut away there
        left, right = not mask[:, 0].any(), not mask[:, -1].any()
        more = max(0, round(of.least_aspect * height) - width) if region == "body" else 0
        sides = (more // 2 if left and right else more * left // 2, more // 2 if left and right else more * right // 2)
        return _Cut(
            cv2.copyMakeBorder(source, 0, 0, *sides, borderType=cv2.BORDER_REPLICATE).astype(np.uint8, copy=False),
            cv2.copyMakeBorder(colours, 0, 0, *sides, borderType=cv2.BORDER_REPLICATE).astype(np.float32, copy=False),
            cv2.copyMakeBorder(matte, 0, 0, *sides, borderType=cv2.BORDER_CONSTANT).astype(np.float32, copy=False),
            stands,
            agreement,
        )

    def _composed(self, cut: _Cut, image: Image, number: int, chance: np.random.Generator) -> Frame:
        of, request = self.parameters, image.request
        lit = _light(request["light"], cut, chance)
        view = self._view(cut, image.region)
        scale = min(1.0, of.painted_px / max(view.height, view.width))
        painting = request["painting"]
        small = painted(_scaled(view, scale), painting["scene"], painting["palette"], painting["density"], number)
        place = cv2.resize(small, (view.width, view.height), interpolation=cv2.INTER_CUBIC).astype(np.float32)
        # the place takes the light's colour as a whole
        tint = 1 + of.tinted * (0.6 * lit.key + 0.4 * lit.fill - 1)
        place = np.asarray(np.maximum(place, 0) * 2**lit.place_ev * tint, np.float32)
        if cut.stands:
            place = relight.shadowed(place, cut.matte, view, lit, lit.strength)
        behind = relight.grained(shown(place), chance, relight.grain(cut.seen))
        person = relight.wrapped(relight.relit(cut.colours, cut.matte, lit, of.tinted), cut.matte, behind, of.wrapped)
        share = cut.matte[..., None]
        return np.clip(person * share + behind * (1 - share), 0, 255).round().astype(np.uint8)

    def _view(self, cut: _Cut, region: str) -> View:
        """A camera as may have filmed the person."""
        of = self.parameters
        height, width = cut.matte.shape
        x0, y0, x1, y1 = bounds(cut.matte > 0.5)
        if region == "face":
            px_per_m = max(height, width) / _FACE_CROP_M
        elif cut.stands:
            px_per_m = (y1 - y0) / _HEAD_M
        else:
            px_per_m = (x1 - x0) / _SHOULDERS_M
        eye_m = _EYE_M["face" if region == "face" else "whole" if cut.stands else "half"]
        subject_m = max(1.4, 1.6 * height / px_per_m)
        return View(
            height=height,
            width=width,
            horizon=float(y0 + px_per_m * (_HEAD_M - eye_m)),
            eye_m=eye_m,
            focal_px=px_per_m * subject_m,
            subject_m=subject_m,
            aperture_m=of.face_aperture_m if region == "face" else of.body_aperture_m,
            least_blur_px=relight.softness_px(cut.seen, cut.matte),
        )


def _why_not(image: Image, of: CompositesParameters) -> str:
    request = image.request
    for wanted in ("expression", "motion"):
        if request.get(wanted):
            return f"a compositor cannot change the {wanted}"
    if not request.get("painting"):
        return f"no painter gives {request.get('environment') or 'the place of the source'} credibly"
    if "webp" not in image.source or "mask.png" not in image.source:
        return "without the person's mask nobody can be cut out"
    share = float(_mask(image).mean())
    if not of.least_mask_share <= share < 0.98:
        return f"the person's mask takes {share:.0%} of the source image"
    return ""


def _mask(image: Image) -> Bools:
    pixels = cv2.imdecode(np.frombuffer(image.source["mask.png"], np.uint8), cv2.IMREAD_GRAYSCALE)
    if pixels is None:
        raise ValueError("a mask that was written cannot be read again")
    return np.asarray(pixels > 127)


def _light(told: Mapping[str, Any] | None, cut: _Cut, chance: np.random.Generator) -> relight.Light:
    """From the side from which the person is lit already, where that is clear. None told: as the person is lit."""
    if told is None:
        white = np.ones(3, np.float32)
        return relight.Light(white, white, np.array([0, 1], np.float32), 0, 0, 0, 0)
    luma = cv2.cvtColor(cut.seen, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inside = cut.matte > 0.9
    middle = float(np.average(np.arange(cut.matte.shape[1]), weights=cut.matte.sum(axis=0)))
    columns = np.broadcast_to(np.arange(cut.matte.shape[1]), cut.matte.shape)
    left, right = (luma[inside & side] for side in (columns < middle, columns >= middle))
    seen = (
        float((right.mean() - left.mean()) / max(1.0, right.mean() + left.mean())) if left.size and right.size else 0.0
    )
    side = np.sign(seen) if abs(seen) > 0.06 else chance.choice([-1.0, 1.0])
    high = np.radians(told["elevation_deg"] + chance.uniform(-8, 8))
    reach = chance.uniform(0.8, 1.0)
    return relight.Light(
        key=relight.as_bright_as_white(light(told["key"])),
        fill=relight.as_bright_as_white(light(told["fill"])),
        direction=np.array([side * reach * np.cos(high), np.sin(high)], np.float32),
        strength=told["strength"],
        rim=told["rim"],
        person_ev=told["person_ev"],
        place_ev=told["place_ev"],
    )


def _scaled(view: View, scale: float) -> View:
    height, width = max(1, round(view.height * scale)), max(1, round(view.width * scale))
    return View(
        height, width, view.horizon * scale, view.eye_m, view.focal_px * scale, view.subject_m, view.aperture_m,
        view.least_blur_px * scale,
    )  # fmt: skip
