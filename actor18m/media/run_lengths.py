"""Masks as COCO's run lengths: a few hundred bytes for a person, read by every tool of the field."""

import numpy as np
import numpy.typing as npt
from pycocotools import mask as coco

from actor18m.arrays import Bools


def to_run_lengths(mask: Bools) -> bytes:
    """bool[H, W] as the `counts` of COCO's compressed run lengths. Its size is stored elsewhere."""
    counts = coco.encode(np.asfortranarray(mask, dtype=np.uint8))["counts"]
    return counts.encode() if isinstance(counts, str) else counts


def from_run_lengths(counts: bytes, height: int, width: int) -> Bools:
    """bool[H, W]. pycocotools reads them in a way of which numpy warns, each time, since 2.0: so they are read here."""
    runs = _runs(np.frombuffer(counts, dtype=np.uint8))
    column_by_column = np.repeat(np.arange(len(runs)) % 2 == 1, runs)
    return column_by_column.reshape(width, height).T


def _runs(text: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """uint8[N] of the characters -> int64[R], how long the runs are that are off, on, off, …"""
    # each character has five bits of a number, the lowest first, and whether more of it follow
    digits = text.astype(np.int64) - ord("0")
    last = np.flatnonzero((digits & 32) == 0)
    first = np.concatenate([[0], last[:-1] + 1]).astype(np.int64)[: len(last)]
    place = np.arange(last[-1] + 1 if len(last) else 0) - np.repeat(first, last - first + 1)
    told = np.add.reduceat((digits[: len(place)] & 31) << (5 * place), first) if len(last) else digits[:0]
    # a number whose last character has its highest bit is negative
    told -= np.where(digits[last] & 16, np.int64(1) << (5 * (last - first + 1)), 0)
    # from the fourth on, what is told is by how much a run differs from the one before the last
    for start in (1, 2):
        told[start::2] = np.cumsum(told[start::2])
    return told
