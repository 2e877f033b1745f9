"""Views that were asked for, made by a model that edits: it turns the camera as the request's steps tell it to."""

from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from actor18m.arrays import Frame
from actor18m.keys import seed
from actor18m.media.encoded import decoded
from actor18m.stage import UNAVAILABLE, Failure, Image, Row, Stage, schema
from stages.brought import brought
from stages.edited.made import ROLES, EditedParameters, edit_of, generated, people_in
from stages.harvest import OF_VIEW


class EditedViewsParameters(EditedParameters):
    """How large a view is made, and how it is kept."""


class EditedViews(Stage[Image]):
    """Step after step, each made from what came of the one before."""

    version = 2
    of = "requests"
    reads_source = False
    roles: ClassVar[Mapping[str, type]] = ROLES
    writes = schema("view_images", **OF_VIEW)
    parameters = EditedViewsParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        asked = [image for image in images if image.request["steps"]]
        for image in images:
            if not image.request["steps"]:
                why = f"nothing is told by which the camera comes to {image.request['view']}: give `turns` or `prompts`"
                yield Failure(image.key, UNAVAILABLE, why)
        made = self._turned(asked)
        for image, picture, mask in zip(asked, made, people_in(made, self.backends), strict=True):
            about, brings = brought(picture, mask, self.parameters)
            told = generated(
                "view-aug", self.backends["editor"].called, "\n".join(image.request["steps"]), _seed(image)
            )
            yield Row(image.key, {**told, "turned_deg": None, "unseen_share": None, **about, "agreement": None}, brings)

    def _turned(self, images: Sequence[Image]) -> list[Frame]:
        """The first steps of all, then the second steps of those that have one, and so on."""
        pictures = [decoded(image.source["webp"]) for image in images]
        for number in range(max((len(image.request["steps"]) for image in images), default=0)):
            going_on = [at for at, image in enumerate(images) if number < len(image.request["steps"])]
            edits = [
                edit_of(pictures[at], images[at].request["steps"][number], _seed(images[at]) ^ number, self.parameters)
                for at in going_on
            ]
            for at, picture in zip(going_on, self.backends["editor"].edit(edits), strict=True):
                pictures[at] = picture
        return pictures


def _seed(image: Image) -> int:
    """Of the first step; each has its own."""
    return seed(image.key, "view", image.candidate)
