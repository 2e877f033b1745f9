"""The chosen pictures, cut out of the video: an image of each, and the person's mask."""

from collections.abc import Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import groupby
from typing import Any, ClassVar

import cv2
import numpy as np
from pyarrow import bool_, field, float32, int32, list_, string, struct
from pydantic import Field, PositiveFloat, PositiveInt

from actor18m.media.encoded import encoded
from actor18m.media.run_lengths import from_run_lengths
from actor18m.media.sharpness import sharpness
from actor18m.media.video import frames_at
from actor18m.models.roles import Frame
from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema
from stages.bodies import Bodies
from stages.intake import Intake
from stages.select import REFERENCE, Select
from stages.told import one_by_one, rounded

_CROP = struct(
    [
        *REFERENCE,
        field("source", string(), nullable=False),
        field("method", string(), nullable=False),
        field("is_generated", bool_(), nullable=False),
        field("width", int32(), nullable=False),
        field("height", int32(), nullable=False),
        field("sharpness", float32(), nullable=False),
        field("mask_share", float32(), nullable=False),
        field("sha256", string(), nullable=False),
        field("mask_sha256", string(), nullable=False),
    ]
)
"""`width` and `height` are the image's, which is smaller than the box where that is larger than is wanted; `sharpness`
is the variance of the Laplacian of the image at one size; `mask_share` is how much of it is the person."""
_SHARPNESS_PX = 256


class CropsParameters(Parameters):
    fps: PositiveFloat = 8.0
    """Motion's: samples are counted by it."""
    max_px: PositiveInt = 1024
    """A larger crop is made smaller until its longer side has so many. None is made larger."""
    webp_quality: int = Field(default=95, ge=1, le=101)
    """101 is lossless."""


class Crops(Stage):
    """`<name>.webp` and `<name>.mask.png`, which is lossless, for each reference that was chosen."""

    version = 1
    needs: ClassVar[Mapping[type[Stage], Sequence[str]]] = {
        Intake: ("width", "height"),
        Bodies: ("bodies", "masks"),
        Select: ("references",),
    }
    writes = schema("crops", references=list_(_CROP))
    parameters = CropsParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        return one_by_one(clips, self._cut)

    def _cut(self, clip: Clip) -> Row:
        bodies = clip.upstream["bodies"]
        masks = {body["sample"]: mask for body, mask in zip(bodies["bodies"], bodies["masks"], strict=True)}
        size = clip.upstream["intake"]["height"], clip.upstream["intake"]["width"]
        wanted = sorted(clip.upstream["select"]["references"], key=lambda each: (each["sample"], each["name"]))
        samples = [(sample, list(some)) for sample, some in groupby(wanted, key=lambda each: int(each["sample"]))]
        times = [sample / self.parameters.fps for sample, _ in samples]
        told: list[dict[str, Any]] = []
        images: dict[str, bytes] = {}
        for (sample, some), frame in zip(samples, frames_at(clip.uri, times, clip.cut, clip.crop), strict=True):
            mask = from_run_lengths(masks[sample], *size)
            for reference in some:
                image, shape = self._cropped(frame, reference), self._cropped(mask * np.uint8(255), reference)
                shape = np.where(shape > 127, np.uint8(255), np.uint8(0))
                quality = [cv2.IMWRITE_WEBP_QUALITY, self.parameters.webp_quality]
                webp = encoded(".webp", image, quality)
                png = encoded(".png", shape, [cv2.IMWRITE_PNG_COMPRESSION, 9])
                images |= {f"{reference['name']}.webp": webp, f"{reference['name']}.mask.png": png}
                told.append(reference | _about(image, shape) | _digests(webp, png))
        return Row(clip.key, {"references": sorted(told, key=lambda each: each["name"])}, images)

    def _cropped(self, picture: Frame, reference: Mapping[str, int]) -> Frame:
        """uint8[H, W] or uint8[H, W, 3], cut and made small enough."""
        cut = picture[reference["y0"] : reference["y1"], reference["x0"] : reference["x1"]]
        height, width = cut.shape[:2]
        scale = self.parameters.max_px / max(height, width)
        if scale >= 1:
            return np.ascontiguousarray(cut)
        size = max(1, round(width * scale)), max(1, round(height * scale))
        return cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _about(image: Frame, mask: Frame) -> dict[str, Any]:
    height, width = image.shape[:2]
    return {
        "source": "self-crop",
        "method": "real",
        "is_generated": False,
        "width": width,
        "height": height,
        "sharpness": rounded(sharpness(image, _SHARPNESS_PX)),
        "mask_share": rounded(float((mask > 0).mean())),
    }


def _digests(webp: bytes, png: bytes) -> dict[str, str]:
    return {"sha256": sha256(webp).hexdigest(), "mask_sha256": sha256(png).hexdigest()}
