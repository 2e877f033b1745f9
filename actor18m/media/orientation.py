"""Which way up a picture is shown: what a player does with the matrix that a phone writes beside the pictures."""

from dataclasses import dataclass
from typing import cast

import av
import numpy as np
from av.sidedata.sidedata import SideData, SideDataContainer

from actor18m.arrays import Frame

_TURNS = {(1, 0): 0, (0, -1): 1, (-1, 0): 2, (0, 1): 3}
"""By where the picture's x axis points on the screen, whose y axis points down."""
_STEPS = {0: [], 1: [("transpose", "cclock")], 2: [("hflip", ""), ("vflip", "")], 3: [("transpose", "clock")]}


@dataclass(frozen=True)
class Orientation:
    """First mirrored from left to right, then turned."""

    turns: int
    """Quarters, counter-clockwise."""
    is_mirrored: bool

    @property
    def is_upright(self) -> bool:
        """The stored picture is shown as it is."""
        return not self.turns and not self.is_mirrored

    @property
    def clockwise_deg(self) -> int:
        return -self.turns * 90 % 360

    @property
    def filters(self) -> list[tuple[str, str]]:
        """FFmpeg's, with their arguments, that turn the picture upright."""
        return [*([("hflip", "")] if self.is_mirrored else []), *_STEPS[self.turns]]

    def upright(self, pixels: Frame) -> Frame:
        """uint8[H, W, 3] or uint8[H, W], as it is shown."""
        return np.ascontiguousarray(np.rot90(pixels[:, ::-1] if self.is_mirrored else pixels, self.turns))


def orientation(frame: av.VideoFrame) -> Orientation:
    """By the container or the stream itself. What is turned by less than half a quarter is upright."""
    # `frame.side_data` would be kept by the frame and keep the frame: a circle, and so all frames of a clip in memory.
    matrix = cast(SideData | None, SideDataContainer(frame).get("DISPLAYMATRIX"))  # type: ignore[call-arg]
    if matrix is None:
        return Orientation(0, False)
    # A point (x, y) of the picture is shown at (ax + cy, bx + dy).
    a, b, _, c, d = np.frombuffer(bytes(matrix), np.int32)[:5].astype(np.int64).tolist()
    is_mirrored = a * d - b * c < 0
    across, down = (-a, -b) if is_mirrored else (a, b)
    axis = (np.sign(across), 0) if abs(across) >= abs(down) else (0, np.sign(down))
    return Orientation(_TURNS.get(axis, 0), is_mirrored)
