"""Three-view sheets by a model that edits: the three real pictures go in, and one sheet of the person comes out."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

import numpy as np
from pydantic import PositiveFloat, PositiveInt

from actor18m.arrays import Bools, Frame
from actor18m.keys import seed
from actor18m.media.source import MediaError
from actor18m.models.roles import Edit
from actor18m.stage import Failure, Image, Row, Stage, schema
from stages.anchors import anchor_pictures
from stages.brought import PictureParameters, brought
from stages.edited.made import ROLES, generated, people_in
from stages.layout import OF_SHEET, of_panels
from stages.looks.sheet import panels_of

PROMPT = (
    "A reference sheet of the one person in pictures 1, 2 and 3, in three full-length views side by side in equal "
    "thirds: on the left from the front as in picture 1, in the middle from the side as in picture 2, on the right "
    "from behind as in picture 3. The person stands upright, whole from head to feet, equally tall in all three and on "
    "one floor line, before a plain light grey ground. Face, hair, body, clothes and accessories stay as they are. "
    "No text, no frames, nobody else."
)


class EditedSheetsParameters(PictureParameters):
    prompt: str = PROMPT
    fps: PositiveFloat = 8.0
    """Motion's: samples are counted by it."""
    max_px: PositiveInt = 1024
    """Of the longer side of each picture that goes in."""
    height_px: PositiveInt = 896
    width_px: PositiveInt = 1344


class EditedSheets(Stage[Image]):
    """Each panel is a third of the sheet: front, side, back."""

    version = 1
    of = "requests"
    roles: ClassVar[Mapping[str, type]] = ROLES
    writes = schema("sheet_images", **OF_SHEET)
    parameters = EditedSheetsParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        of, asked, edits = self.parameters, [], []
        for image in images:
            try:
                pictures = anchor_pictures(image, of.fps, of.max_px)
            except MediaError as error:
                yield Failure(image.key, error.kind, str(error))
            else:
                chance = seed(image.key, "sheet", image.candidate)
                asked.append(image)
                edits.append(Edit(pictures, of.prompt, chance, of.height_px, of.width_px))
        for image, edit, sheet in zip(asked, edits, self.backends["editor"].edit(edits), strict=True):
            about, brings = brought(sheet, self._mask(sheet), of)
            told = generated("three-view", self.backends["editor"].called, edit.prompt, edit.seed)
            yield Row(image.key, {**told, **about, **of_panels(image)}, brings)

    def _mask(self, sheet: Frame) -> Bools | None:
        """Of the person in each panel; None where one of them shows nobody."""
        masks = people_in(panels_of(sheet), self.backends)
        seen = [mask for mask in masks if mask is not None]
        return np.hstack(seen) if len(seen) == len(masks) else None
