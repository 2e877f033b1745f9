"""Where a painted place lies behind the person: a camera on a level, lengths in metres, and how much a lens blurs."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from actor18m.arrays import Floats

Numbers = npt.NDArray[Any]
"""As arithmetic leaves them."""


@dataclass(frozen=True)
class View:
    """A picture's place in the world: x to the image's right from its middle, y up from the ground, z away."""

    height: int
    width: int
    horizon: float
    """The row of what is as high as the camera."""
    eye_m: float
    """How high the camera is."""
    focal_px: float
    subject_m: float
    """How far away the person is."""
    aperture_m: float
    """How wide the lens is open: what lies far behind the person is blurred as much as that is long beside them."""
    least_blur_px: float
    """Diameter: nothing is sharper than the person."""

    @cached_property
    def rows(self) -> Floats:
        """float32[H, 1]."""
        return np.arange(self.height, dtype=np.float32)[:, None]

    @cached_property
    def columns(self) -> Floats:
        """float32[1, W]."""
        return np.arange(self.width, dtype=np.float32)[None]

    def up(self, z_m: float) -> Floats:
        """float32[H, 1]: how high each row is at a distance."""
        return self.eye_m - (self.rows - self.horizon) * (z_m / self.focal_px)

    def across(self, z_m: float | Floats) -> Floats:
        """float32[1, W], or of float32[H, 1] float32[H, W]: how far to the right each column is."""
        return (self.columns - self.width / 2) * (z_m / self.focal_px)

    def row(self, y_m: float, z_m: float) -> float:
        return self.horizon + self.focal_px * (self.eye_m - y_m) / z_m

    @property
    def ground_m(self) -> Floats:
        """float32[H, 1]: how far away the ground is that each row shows; endless above the horizon."""
        below = np.maximum(self.rows - self.horizon, 1e-3)
        return np.where(self.rows > self.horizon, self.focal_px * self.eye_m / below, np.float32(1e6)).astype(
            np.float32
        )

    def blur_px(self, z_m: float) -> float:
        """The diameter of the disc that a point at a distance becomes."""
        disc = self.focal_px / self.subject_m * self.aperture_m * abs(z_m - self.subject_m) / z_m
        return max(self.least_blur_px, disc)

    def blurred(self, layer: Numbers, z_m: float) -> Floats:
        return defocused(np.asarray(layer, np.float32), self.blur_px(z_m))


def defocused(layer: Floats, diameter_px: float) -> Floats:
    """As a lens does: every point of linear light becomes a disc. A small one is hardly one, and soft."""
    if diameter_px < 1.2:
        return layer
    # a large disc is drawn on a smaller picture
    height, width = layer.shape[:2]
    less = max(1, int(diameter_px // 24))
    if less > 1:
        small = cv2.resize(layer, (-(-width // less), -(-height // less)), interpolation=cv2.INTER_AREA)
        spread = cv2.filter2D(small, -1, _disc(diameter_px / less), borderType=cv2.BORDER_REFLECT)
        return np.asarray(cv2.resize(spread, (width, height), interpolation=cv2.INTER_CUBIC), np.float32)
    return np.asarray(cv2.filter2D(layer, -1, _disc(diameter_px), borderType=cv2.BORDER_REFLECT), np.float32)


def over(below: Numbers, colour: Numbers, share: Numbers) -> Floats:
    """float32[H, W, 3] with a colour, or a picture, over it where float32[H, W] says."""
    alpha = np.asarray(share, np.float32)[..., None]
    return np.asarray(below * (1 - alpha) + colour * alpha, np.float32)


def _disc(diameter_px: float) -> npt.NDArray[np.float32]:
    """Its rim is a pixel wide, so that discs of all sizes are round."""
    reach = int(np.ceil(diameter_px / 2))
    y, x = np.mgrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.clip(diameter_px / 2 + 0.5 - np.hypot(x, y), 0, 1)
    return np.asarray(disc / disc.sum(), np.float32)
