"""Masks as COCO's run lengths: a few hundred bytes for a person, read by every tool of the field."""

import numpy as np
from pycocotools import mask as coco

from actor18m.arrays import Bools


def to_run_lengths(mask: Bools) -> bytes:
    """bool[H, W] as the `counts` of COCO's compressed run lengths. Its size is stored elsewhere."""
    counts = coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    return counts.encode() if isinstance(counts, str) else counts


def from_run_lengths(counts: bytes, height: int, width: int) -> Bools:
    """bool[H, W]."""
    return np.asarray(coco.decode({"size": [height, width], "counts": counts}), dtype=np.bool_)
