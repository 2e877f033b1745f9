"""Images of subset B by a model that edits: the person in another place, light, expression or motion."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, ClassVar

import numpy as np

from actor18m.arrays import Bools
from actor18m.keys import seed
from actor18m.media.encoded import decoded
from actor18m.models.roles import FrameEncoder
from actor18m.stage import UNAVAILABLE, Failure, Image, Row, Stage, schema
from stages.attributes import Attribute
from stages.brought import brought
from stages.composites import OF_ATTRIBUTE
from stages.edited.made import ROLES, EditedParameters, edit_of, generated, people_in
from stages.looks.alone import likeness

SENTENCES: Mapping[Attribute, str] = {
    "environment": "The photograph now shows the person in another place: {}.",
    "lighting": "The person and the place are seen {}.",
    "expression": "The person looks {}.",
    "motion": "The person is {}.",
}
KEPT = (
    "Face, hair, body, clothes and accessories stay exactly as they are, and so does the side from which the person is "
    "seen. There is nobody else in the photograph."
)


class EditedAttributesParameters(EditedParameters):
    sentences: Mapping[Attribute, str] = SENTENCES
    """What the model is told of each attribute that was drawn, with {} for its words, where no writer has told it."""
    kept: str = KEPT
    """What it is told after these."""


class EditedAttributes(Stage[Image]):
    """As an instruction says that somebody has written for the request, else in sentences of its own."""

    version = 1
    of = "requests"
    reads_source = False
    roles: ClassVar[Mapping[str, type]] = {**ROLES, "encoder": FrameEncoder}
    writes = schema("attribute_images", **OF_ATTRIBUTE)
    parameters = EditedAttributesParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        prompts = {image.key: self._prompt(image.request) for image in images}
        asked = [image for image in images if prompts[image.key]]
        for image in images:
            if not prompts[image.key]:
                yield Failure(image.key, UNAVAILABLE, "nothing was drawn that would be another in this image")
        sources = [decoded(image.source["webp"]) for image in asked]
        edits = [
            edit_of(source, prompts[image.key], seed(image.key, "attribute", image.candidate), self.parameters)
            for image, source in zip(asked, sources, strict=True)
        ]
        made, editor = self.backends["editor"].edit(edits), self.backends["editor"].called
        masks = people_in(made, self.backends)
        for image, edit, source, picture, mask in zip(asked, edits, sources, made, masks, strict=True):
            about, brings = brought(picture, mask, self.parameters)
            alike = likeness(self.backends["encoder"], source, _mask(image), picture, mask)
            told = generated("attr-aug", editor, edit.prompt, edit.seed)
            yield Row(image.key, {**told, **about, **alike, "agreement": None}, brings)

    def _prompt(self, request: Mapping[str, Any]) -> str:
        if request.get("instruction"):
            return str(request["instruction"])
        of = self.parameters
        told = [
            sentence.replace("{}", str(request.get(f"{word}_text") or request[word]))
            for word, sentence in of.sentences.items()
            if request.get(word)
        ]
        return " ".join([*told, of.kept]) if told else ""


def _mask(image: Image) -> Bools | None:
    png = image.source.get("mask.png")
    if png is None:
        return None
    mask = np.asarray(decoded(png)[..., 0] > 127, np.bool_)
    return mask if mask.any() else None
