"""How alike an image is to the one it was made from: the person by itself, and the whole picture."""

import numpy as np

from actor18m.arrays import Bools, Frame
from actor18m.media.bounds import bounds
from actor18m.media.similarity import similarity
from actor18m.models.roles import FrameEncoder
from stages.told import rounded

_GREY = 127


def likeness(
    encoder: FrameEncoder, source: Frame, mask: Bools | None, made: Frame, made_mask: Bools | None
) -> dict[str, float | None]:
    """`person_similarity` is of the people before a grey ground, null where one of them is not told from the rest;
    `image_similarity` is of the whole images."""
    pictures = [source, made]
    if mask is not None and made_mask is not None:
        pictures += [alone(source, mask), alone(made, made_mask)]
    whole, whole_made, *people = encoder.encode(pictures)
    return {
        "person_similarity": rounded(similarity(encoder.metric, *people)) if people else None,
        "image_similarity": rounded(similarity(encoder.metric, whole, whole_made)),
    }


def alone(picture: Frame, mask: Bools) -> Frame:
    """The person's box, with grey for all that is not them."""
    x0, y0, x1, y1 = bounds(mask)
    box = slice(y0, y1), slice(x0, x1)
    return np.where(mask[box][..., None], picture[box], np.uint8(_GREY)).astype(np.uint8)
