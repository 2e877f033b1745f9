"""The empty room around the furniture: walls, ceiling and a floor with soft shade at corners and under furniture."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from studio.scenery.patterns import Colour, shade
from studio.scenery.scene import Pixels
from studio.scenery.shapes import Material, Part, box, rectangle

PANEL_M = 3.0  # width of the wall picture, which repeats along the wall
PANEL_PX = 768
BAKED_FROM_M = 1.5  # floor beyond this depth carries the shade of what stands on it
NEAR_END_M = -8.0


@dataclass(frozen=True)
class Size:
    """Inner measures of a room."""

    half_width_m: float
    back_m: float
    height_m: float


def wall_panel(tile: Pixels, tile_m: float, height_m: float, wainscot: Colour | None) -> Pixels:
    """A floor-to-ceiling stretch of wall, darker towards floor and ceiling; `wainscot` panels its lower part."""
    across, down = round(PANEL_PX * tile_m / PANEL_M), round(PANEL_PX * tile_m / height_m)
    small = np.asarray(cv2.resize(tile, (across, down), interpolation=cv2.INTER_AREA), np.uint8)
    rows, columns = -(-PANEL_PX // down), -(-PANEL_PX // across)
    panel = np.tile(small, (rows, columns, 1))[-PANEL_PX:, :PANEL_PX].astype(np.float32) / 255
    if wainscot is not None:
        top = round(PANEL_PX * (1 - 0.95 / height_m))
        mean = panel[top:].mean(-1, keepdims=True)
        panel[top:] = np.asarray(wainscot, np.float32) * (0.94 + 0.06 * mean / mean.mean())
        for left in range(0, PANEL_PX, 192):
            corner, opposite = (left + 30, top + 45), (left + 162, PANEL_PX - 75)
            cv2.rectangle(panel, corner, opposite, shade(wainscot, 0.72), 4)
            cv2.rectangle(
                panel, (corner[0] + 4, corner[1] + 4), (opposite[0] + 4, opposite[1] + 4), shade(wainscot, 1.12), 2
            )
        cv2.rectangle(panel, (0, top), (PANEL_PX, top + 8), shade(wainscot, 1.12), -1)
        cv2.rectangle(panel, (0, top + 9), (PANEL_PX, top + 15), shade(wainscot, 0.66), -1)
    z = np.linspace(height_m, 0, PANEL_PX, dtype=np.float32)
    light = 1 - 0.24 * np.exp(-z / 0.22) - 0.2 * np.exp(-(height_m - z) / 0.3)
    return np.asarray(np.clip(panel * light[:, None, None] * 255, 0, 255), np.uint8)


def walls(panel: Pixels, size: Size, trim: Material, accent: Pixels | None = None) -> list[Part]:
    """Back and side walls with skirting board; `accent` is another panel for the back wall."""
    side = Material(panel, gloss=0.05, casts_shadow=False)
    back = side if accent is None else Material(accent, gloss=0.05, casts_shadow=False)
    w, y, h, near = size.half_width_m, size.back_m, size.height_m, NEAR_END_M
    repeats = (y - near) / PANEL_M
    half = w / PANEL_M
    return [
        rectangle(back, (-w, y, 0), (2 * w, 0, 0), (0, 0, h), (-half, 0, half, 1)),
        rectangle(side, (-w, near, 0), (0, y - near, 0), (0, 0, h), (-repeats, 0, 0, 1)),
        rectangle(side, (w, y, 0), (0, near - y, 0), (0, 0, h), (0, 0, repeats, 1)),
        box(trim, (-w, y - 0.02, 0), (w, y, 0.09), 0.006),
        box(trim, (-w, near, 0), (-w + 0.02, y, 0.09), 0.006),
        box(trim, (w - 0.02, near, 0), (w, y, 0.09), 0.006),
    ]


def ceiling(texture: Pixels, tile_m: float, size: Size) -> Part:
    # White ceilings are lit by the bright floor and walls below, more than the ground's ambient light tells.
    material = Material(texture, tile_m, gloss=0.0, emission=0.5, casts_shadow=False)
    w, y = size.half_width_m, size.back_m
    return rectangle(material, (-w, y, size.height_m), (2 * w, 0, 0), (0, NEAR_END_M - y, 0))


def floor(tile: Pixels, tile_m: float, gloss: float, size: Size, standing: Sequence[Part]) -> list[Part]:
    """The free floor, and the strip along the back wall with shade under what stands there."""
    w, y, edge = size.half_width_m, size.back_m, BAKED_FROM_M
    main = Material(tile, tile_m, gloss=gloss, casts_shadow=False)
    depth = edge - NEAR_END_M
    parts = [rectangle(main, (-w, NEAR_END_M, 0), (2 * w, 0, 0), (0, depth, 0), (0, 0, 2 * w / tile_m, depth / tile_m))]
    for left in (-w, 0.0):
        baked = Material(_shaded(tile, tile_m, left, size, standing), gloss=gloss, casts_shadow=False)
        parts.append(rectangle(baked, (left, edge, 0), (w, 0, 0), (0, y - edge, 0), (0.0005, 0.001, 0.9995, 0.999)))
    return parts


def _shaded(tile: Pixels, tile_m: float, left: float, size: Size, standing: Sequence[Part]) -> Pixels:
    width, height = 1024, 320
    x = left + (np.arange(width) + 0.5) * size.half_width_m / width
    y = size.back_m - (np.arange(height) + 0.5) * (size.back_m - BAKED_FROM_M) / height
    rows, columns = tile.shape[:2]
    u, v = (x + size.half_width_m) / tile_m % 1 * columns, (BAKED_FROM_M - y) / tile_m % 1 * rows
    # Two pixels of wrap-around, so that linear sampling is right across the tile's seam.
    wrapped = np.pad(tile, ((1, 1), (1, 1), (0, 0)), mode="wrap")
    grid_u, grid_v = np.meshgrid((u + 0.5).astype(np.float32), (v + 0.5).astype(np.float32))
    image = np.asarray(cv2.remap(wrapped, grid_u, grid_v, cv2.INTER_LINEAR), np.float32)
    cover = np.zeros((height, width), np.float32)
    for part in standing:
        if part.positions[:, 2].min() < 0.25:
            low, high = part.positions.min(0), part.positions.max(0)
            columns_in = (x > low[0] - 0.02) & (x < high[0] + 0.02)
            rows_in = (y > low[1] - 0.02) & (y < high[1] + 0.02)
            cover[np.ix_(rows_in, columns_in)] = 1
    soft = np.asarray(cv2.GaussianBlur(cover, (0, 0), 12), np.float32)
    # Faded out towards the free floor, where the picture must equal the plain tile.
    fade = np.clip((y - BAKED_FROM_M) / 0.25, 0, 1)
    corner = 0.3 * np.exp(-(size.back_m - y) / 0.18)
    light = 1 - ((0.6 * soft + corner[:, None]) * fade[:, None])
    return np.asarray(np.clip(image * light[..., None], 0, 255), np.uint8)
