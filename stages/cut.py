"""Pictures cut out of a clip's frames, as requests place them, each with the person's mask in it."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

import cv2
import numpy as np
from pydantic import PositiveFloat, PositiveInt

from actor18m.arrays import Bools, Frame
from actor18m.media.run_lengths import from_run_lengths
from actor18m.media.video import frames_at
from actor18m.stage import Image
from stages.brought import PictureParameters


class CutParameters(PictureParameters):
    fps: PositiveFloat = 8.0
    """Motion's: samples are counted by it."""
    max_px: PositiveInt = 1024
    """A larger crop is made smaller until its longer side has so many. None is made larger."""


def by_clip(images: Iterable[Image]) -> Iterator[list[Image]]:
    """Those of one clip together, in order of time, so that its file is read once."""
    for _, some in groupby(sorted(images, key=_where), key=lambda image: image.clip.key):
        yield list(some)


def cut_out(images: Sequence[Image], of: CutParameters) -> Iterator[tuple[Image, Frame, Bools]]:
    """Of one clip's images, in order of time: uint8[h, w, 3] RGB and bool[h, w]. The clip has intake's size."""
    clip = images[0].clip
    size = clip.upstream["intake"]["height"], clip.upstream["intake"]["width"]
    by_sample = [(sample, list(some)) for sample, some in groupby(images, key=lambda each: each.request["sample"])]
    times = [sample / of.fps for sample, _ in by_sample]
    for (_, some), frame in zip(by_sample, frames_at(clip.uri, times, clip.cut, clip.crop), strict=True):
        for image in some:
            mask = from_run_lengths(image.request["mask"], *size)
            shape = _cropped(mask * np.uint8(255), image.request, of.max_px)
            yield image, _cropped(frame, image.request, of.max_px), shape > 127


def _cropped(picture: Frame, place: Mapping[str, int], max_px: int) -> Frame:
    """uint8[H, W] or uint8[H, W, 3], cut and made small enough."""
    return no_larger(picture[place["y0"] : place["y1"], place["x0"] : place["x1"]], max_px)


def no_larger(cut: Frame, max_px: int) -> Frame:
    """uint8[H, W] or uint8[H, W, 3], smaller where its longer side has more than so many pixels."""
    height, width = cut.shape[:2]
    scale = max_px / max(height, width)
    if scale >= 1:
        return np.ascontiguousarray(cut)
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return cv2.resize(cut, size, interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _where(image: Image) -> tuple[str, int]:
    return image.clip.key, image.request["sample"]
