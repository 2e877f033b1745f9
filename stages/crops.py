"""A chosen picture, cut out of the video, and the person's mask."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any, ClassVar

import cv2
import numpy as np
from pyarrow import bool_, string
from pydantic import PositiveFloat, PositiveInt

from actor18m.arrays import Bools, Frame
from actor18m.media.run_lengths import from_run_lengths
from actor18m.media.source import MediaError
from actor18m.media.video import frames_at
from actor18m.stage import Failure, Image, Row, Stage, schema
from stages.brought import OF_PICTURE, PictureParameters, brought
from stages.intake import Intake
from stages.told import one_by_one


class CropsParameters(PictureParameters):
    fps: PositiveFloat = 8.0
    """Motion's: samples are counted by it."""
    max_px: PositiveInt = 1024
    """A larger crop is made smaller until its longer side has so many. None is made larger."""


class Crops(Stage[Image]):
    """A crop and the person's mask in it, which is lossless."""

    version = 2
    of = "requests"
    needs: ClassVar[Mapping[type[Stage[Any]], Sequence[str]]] = {Intake: ("width", "height")}
    writes = schema(
        "crops",
        source=string(),
        method=string(),
        is_generated=bool_(),
        **OF_PICTURE,
    )
    """`width` and `height` are the image's, which is smaller than the box where that is larger than is wanted."""
    parameters = CropsParameters()

    def measure(self, images: Sequence[Image]) -> Iterable[Row | Failure]:
        """Those of one clip from one reading of its file."""
        for _, some in groupby(sorted(images, key=_where), key=lambda image: image.clip.key):
            of_clip = list(some)
            try:
                yield from self._of_clip(of_clip)
            except MediaError:
                # a file may be damaged behind some of them: each for itself
                yield from one_by_one(of_clip, lambda image: self._of_clip([image])[0])

    def _of_clip(self, images: Sequence[Image]) -> list[Row]:
        """Images in order of time."""
        clip, rows = images[0].clip, list[Row]()
        size = clip.upstream["intake"]["height"], clip.upstream["intake"]["width"]
        by_sample = [(sample, list(some)) for sample, some in groupby(images, key=lambda each: each.request["sample"])]
        times = [sample / self.parameters.fps for sample, _ in by_sample]
        for (_, some), frame in zip(by_sample, frames_at(clip.uri, times, clip.cut, clip.crop), strict=True):
            for image in some:
                rows.append(self._cut(image, frame, from_run_lengths(image.request["mask"], *size)))
        return rows

    def _cut(self, image: Image, frame: Frame, mask: Bools) -> Row:
        picture, shape = self._cropped(frame, image.request), self._cropped(mask * np.uint8(255), image.request)
        about, images = brought(picture, shape > 127, self.parameters)
        return Row(image.key, {"source": "self-crop", "method": "real", "is_generated": False, **about}, images)

    def _cropped(self, picture: Frame, reference: Mapping[str, int]) -> Frame:
        """uint8[H, W] or uint8[H, W, 3], cut and made small enough."""
        cut = picture[reference["y0"] : reference["y1"], reference["x0"] : reference["x1"]]
        height, width = cut.shape[:2]
        scale = self.parameters.max_px / max(height, width)
        if scale >= 1:
            return np.ascontiguousarray(cut)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _where(image: Image) -> tuple[str, int]:
    return image.clip.key, image.request["sample"]
