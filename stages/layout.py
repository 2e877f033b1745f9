"""A three-view sheet of real pictures: the three anchors, cut out of their frames and set side by side."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
from pyarrow import DataType, float32, int32, list_
from pydantic import Field, NonNegativeFloat, PositiveFloat, PositiveInt

from actor18m.media.run_lengths import from_run_lengths
from actor18m.stage import UNAVAILABLE, Failure, Image, Row, Stage, schema
from stages.anchors import anchor_frames
from stages.brought import OF_MADE, OF_PICTURE, PictureParameters, brought
from stages.intake import Intake
from stages.looks.panels import CutOut, Ground, cut_out, side_by_side
from stages.told import SIDES, one_by_one, rounded

_LEAST_PX = 64
"""Of a height: less shows nobody."""


OF_SHEET: dict[str, DataType] = {
    **OF_MADE,
    **OF_PICTURE,
    "panels": int32(),
    "cut_off": int32(),
    "scales": list_(float32()),
    "gains": list_(float32()),
}
"""Columns of every maker of sheets. `cut_off` is of how many of the real pictures the body goes on beyond an edge of
its frame; `scales` and `gains`, of real pictures that are set side by side, how many times as large and as bright as in
its frame the person is in each of the panels."""


def of_panels(image: Image) -> dict[str, Any]:
    """What OF_SHEET says of a sheet that was asked for, where it is not laid out."""
    anchors = image.request["anchors"]
    cut_off = sum(anchor["is_cut_off"] for anchor in anchors)
    return {"panels": len(anchors), "cut_off": cut_off, "scales": None, "gains": None}


class LayoutParameters(PictureParameters):
    """Lengths are in heights of the person."""

    fps: PositiveFloat = 8.0
    """Motion's: samples are counted by it."""
    max_height_px: PositiveInt = 960
    """A larger person is made smaller. Nobody is made larger than in the smallest of the three frames."""
    grey: int = Field(default=208, ge=0, le=255)
    around: NonNegativeFloat = 0.06
    """Left free above, below and beside the person."""
    min_seen: NonNegativeFloat = 0.5
    """The visibility of a point by which clothes are looked for."""
    max_gain: float = Field(default=1.15, ge=1)
    """By how much a picture may be made brighter or darker so that it agrees with the front."""


class Layout(Stage[Image]):
    """Each panel is a third of the sheet: front, side, back."""

    version = 2
    of = "requests"
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Intake: ("width", "height")}
    writes = schema("sheet_images", **OF_SHEET)
    parameters = LayoutParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        return one_by_one(images, self._made)

    def _made(self, image: Image) -> Row | Failure:
        of, anchors = self.parameters, image.request["anchors"]
        people = self._people(image)
        lowest = min(each.height_px for each in people)
        if lowest < _LEAST_PX:
            view = anchors[[each.height_px for each in people].index(lowest)]["view"]
            return Failure(image.key, UNAVAILABLE, f"the body is {lowest:.0f} px high in the {view} view; less than "
                           f"{_LEAST_PX} px shows nobody")  # fmt: skip
        sheet = side_by_side(people, Ground(of.grey, of.around, of.max_gain))
        about, brought_along = brought(sheet.picture, sheet.mask, of)
        told = {"source": "three-view", "method": "composited", "is_generated": False, "how": "layout"}
        laid_out = {
            **of_panels(image),
            "scales": [rounded(scale) for scale in sheet.scales],
            "gains": [rounded(gain) for gain in sheet.gains],
        }
        return Row(image.key, {**told, "prompt": None, "seed": None, **about, **laid_out}, brought_along)

    def _people(self, image: Image) -> list[CutOut]:
        """In the order of the request."""
        request, clip = image.request, image.clip
        size = clip.upstream["intake"]["height"], clip.upstream["intake"]["width"]
        anchors, found = request["anchors"], []
        for i, frame in enumerate(anchor_frames(image, self.parameters.fps)):
            mask = from_run_lengths(request["masks"][i], *size)
            x0, y0, x1, y1 = (anchors[i][side] for side in SIDES)
            points = np.array(request["points"][i], np.float32).reshape(-1, 2)
            is_seen = np.array(request["visibility"][i]) >= self.parameters.min_seen
            found.append(cut_out(frame, mask, (x0, y0, x1, y1), points, is_seen, self.parameters.max_height_px))
        return found
