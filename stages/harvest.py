"""Views that were asked for, without a model that generates: a real frame of the same clip that shows them."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

from pyarrow import DataType, bool_, int64, string

from actor18m.media.source import MediaError
from actor18m.stage import UNAVAILABLE, Failure, Image, Row, Stage, schema
from stages.brought import OF_PICTURE, brought
from stages.cut import CutParameters, by_clip, cut_out
from stages.intake import Intake
from stages.told import one_by_one

OF_VIEW: dict[str, DataType] = {
    "source": string(),
    "method": string(),
    "is_generated": bool_(),
    "how": string(),
    "prompt": string(),
    "seed": int64(),
    **OF_PICTURE,
}


class HarvestParameters(CutParameters):
    """Where pictures are cut, and how they are kept."""


class Harvest(Stage[Image]):
    """A real frame where the request knows one."""

    version = 1
    of = "requests"
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Intake: ("width", "height")}
    writes = schema("view_images", **OF_VIEW)
    parameters = HarvestParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        for image in images:
            if image.request["sample"] is None:
                yield Failure(image.key, UNAVAILABLE, image.request["lacks"])
        for of_clip in by_clip(image for image in images if image.request["sample"] is not None):
            try:
                yield from self._of_clip(of_clip)
            except MediaError:
                # a file may be damaged behind some of them: each for itself
                yield from one_by_one(of_clip, lambda image: self._of_clip([image])[0])

    def _of_clip(self, images: Sequence[Image]) -> list[Row]:
        """Images in order of time."""
        rows = []
        for image, picture, mask in cut_out(images, self.parameters):
            about, brings = brought(picture, mask, self.parameters)
            told = {"source": "view-aug", "method": "real", "is_generated": False, "how": "harvest"}
            rows.append(Row(image.key, {**told, "prompt": None, "seed": None, **about}, brings))
        return rows
