"""What makers that have a model edit pictures share: what is asked for, the person in what was made, and the row."""

from collections.abc import Mapping, Sequence
from math import sqrt
from typing import Any

from pydantic import PositiveInt

from actor18m.arrays import Bools, Frame
from actor18m.models.roles import Edit, ImageEditor, PersonDetector, PersonSegmenter
from stages.brought import PictureParameters

ROLES: Mapping[str, type] = {"editor": ImageEditor, "people": PersonDetector, "bodies": PersonSegmenter}
"""Who makes the pictures, and who finds the person in them."""


class EditedParameters(PictureParameters):
    side_px: PositiveInt = 1024
    """What is made has as many pixels as a square of this side, in the shape of its source."""


def edit_of(picture: Frame, prompt: str, seed: int, of: EditedParameters) -> Edit:
    """Of one picture, in its own shape."""
    height, width = picture.shape[:2]
    scale = of.side_px / sqrt(height * width)
    return Edit([picture], prompt, seed, max(1, round(height * scale)), max(1, round(width * scale)))


def people_in(pictures: Sequence[Frame], backends: Mapping[str, Any]) -> list[Bools | None]:
    """The surest person's mask in each; None where nobody is seen."""
    boxes = [people[0].box if people else None for people in backends["people"].people(pictures)]
    found = []
    for each in zip(pictures, boxes, strict=True):
        (mask,) = backends["bodies"].masks([each])
        found.append(mask if mask is not None and mask.any() else None)
    return found


def generated(source: str, how: str, prompt: str, seed: int) -> dict[str, Any]:
    """Values of OF_MADE."""
    told = {"source": source, "method": "generated", "is_generated": True}
    return {**told, "how": how, "prompt": prompt, "seed": seed}
