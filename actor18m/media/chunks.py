"""Frames a few at a time: enough for a model to be busy with, and never so many that a long clip takes more memory."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import numpy as np
import numpy.typing as npt

FRAMES_AT_ONCE = 16
BYTES_AT_ONCE = 128 << 20
"""Of frames; 16 of 1080p have 95 MiB, and of 8K only one is taken at a time."""

Item = TypeVar("Item")


def chunks(items: Iterable[Item], frame_of: Callable[[Item], npt.NDArray[np.uint8]]) -> Iterator[list[Item]]:
    """The items in their order, in lists of as many as have no more frames and bytes than are held at once. Where a
    list ends depends on nothing but the items."""
    held: list[Item] = []
    size = 0
    for item in items:
        more = frame_of(item).nbytes
        if held and (len(held) == FRAMES_AT_ONCE or size + more > BYTES_AT_ONCE):
            yield held
            held, size = [], 0
        held.append(item)
        size += more
    if held:
        yield held
