"""A chosen picture, cut out of the video, and the person's mask."""

from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any, ClassVar

from pyarrow import bool_, float32, string

from actor18m.media.source import MediaError
from actor18m.models.roles import PersonSegmenter
from actor18m.stage import Failure, Image, Row, Stage, schema
from stages.brought import OF_PICTURE, brought
from stages.cut import CutParameters, by_clip, cut_out
from stages.intake import Intake
from stages.looks.agreement import AgreementParameters, agreement
from stages.told import one_by_one, rounded


class CropsParameters(CutParameters, AgreementParameters):
    """Where pictures are cut, how they are kept, and where their masks are looked at twice."""


class Crops(Stage[Image]):
    """A crop and the person's mask in it, which is lossless."""

    version = 3
    of = "requests"
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Intake: ("width", "height")}
    roles: ClassVar[Mapping[str, type]] = {"second": PersonSegmenter}
    may_lack: ClassVar[Set[str]] = frozenset({"second"})
    writes = schema(
        "crops",
        source=string(),
        method=string(),
        is_generated=bool_(),
        **OF_PICTURE,
        agreement=float32(),
    )
    """`width` and `height` are the image's, which is smaller than the box where that is larger than is wanted.
    `agreement` is the overlap of the mask with a second segmenter's, of the person's upper part; null where there is no
    second one."""
    parameters = CropsParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        """Those of one clip from one reading of its file."""
        for of_clip in by_clip(images):
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
            agrees = rounded(agreement(self.backends.get("second"), picture, mask, self.parameters))
            told = {"source": "self-crop", "method": "real", "is_generated": False, **about, "agreement": agrees}
            rows.append(Row(image.key, told, brings))
        return rows
