"""What textures are drawn with: colours, periodic noise, relief, stone bonds, scattered shapes."""

from collections.abc import Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt

from studio.scenery.scene import Pixels

Image = npt.NDArray[np.floating[Any]]  # [H, W] or [H, W, 3], sRGB in [0, 1]
Colour = tuple[float, float, float]  # sRGB in [0, 1]


def pixels(image: Image) -> Pixels:
    return np.asarray(np.clip(image * 255 + 0.5, 0, 255), np.uint8)


def shade(colour: Colour, factor: float) -> Colour:
    red, green, blue = (float(np.clip(c * factor, 0, 1)) for c in colour)
    return red, green, blue


def mix(a: Colour, b: Colour, share_of_b: float) -> Colour:
    red, green, blue = (x + (y - x) * share_of_b for x, y in zip(a, b, strict=True))
    return red, green, blue


def noise(
    rng: np.random.Generator, height: int, width: int, beta: float = 1.0, stretch: tuple[float, float] = (1, 1)
) -> Image:
    """Periodic, zero mean, unit deviation; power falls as f^-2beta; `stretch` (rows, columns) lengthens the marks."""
    fy = np.fft.fftfreq(height)[:, None] * height * stretch[0]
    fx = np.fft.rfftfreq(width)[None, :] * width * stretch[1]
    amplitude = (1.5 + np.hypot(fy, fx)) ** -beta
    amplitude[0, 0] = 0
    field = np.fft.irfft2(np.fft.rfft2(rng.standard_normal((height, width), np.float32)) * amplitude, (height, width))
    return np.asarray(field / field.std(), np.float32)


def relief(height_map: Image, strength: float) -> Image:
    """Brightness factor of a bumpy surface lit from the upper left."""
    slope = 2 * height_map - np.roll(height_map, -1, 0) - np.roll(height_map, -1, 1)
    return np.asarray(1 - np.clip(strength * slope, -0.5, 0.5), np.float32)


def tint(colour: Colour, *factors: Image) -> Image:
    image: Image = np.asarray(colour, np.float32)[None, None]
    for factor in factors:
        image = image * (factor[..., None] if factor.ndim == 2 else factor)
    return image


def bond(
    size: int, rows: int, columns: int, stagger: float, warp: Image | None = None
) -> tuple[npt.NDArray[np.int64], Image]:
    """A wall of `rows` x `columns` stones: each pixel's stone, and its distance in pixels from the stone's edge."""
    bend: Image = np.zeros((size, size), np.float32) if warp is None else warp
    line = np.arange(size, dtype=np.float32)
    y, x = line[:, None] + bend, line[None, :] + np.roll(bend, size // 3, 0)
    row = np.floor(y * rows / size)
    across = x * columns / size + (row % rows) * stagger
    column = np.floor(across)
    fy, fx = y * rows / size - row, across - column
    edge = np.minimum(np.minimum(fy, 1 - fy) * size / rows, np.minimum(fx, 1 - fx) * size / columns)
    cell = (row.astype(np.int64) % rows) * columns + column.astype(np.int64) % columns
    return cell, np.asarray(edge, np.float32)


def cells(
    rng: np.random.Generator, colour: Colour, cell: npt.NDArray[np.int64], spread: float, hue_spread: float = 0.04
) -> Image:
    count = int(cell.max()) + 1
    # Clipped: one stone far from all others would catch the eye at every repeat.
    level = np.clip(rng.normal(0, spread, (count, 1)), -1.6 * spread, 1.6 * spread)
    shades = np.asarray(colour) * (1 + level + np.clip(rng.normal(0, hue_spread, (count, 3)), -0.05, 0.05))
    return np.asarray(shades[cell], np.float32)


def scatter(
    rng: np.random.Generator, image: Image, shapes: npt.NDArray[np.float64], colour: Colour, dim: float, bright: float
) -> Image:
    """Polygons [N, K, 2] in pixels over a tileable image, from dim to bright; those over an edge come back opposite."""
    size = image.shape[0]
    canvas = np.ascontiguousarray(image, np.float32)
    level = np.linspace(dim, bright, len(shapes))[:, None] * (1 + rng.normal(0, 0.07, (len(shapes), 3)))
    for shape, paint in zip(shapes, level * np.asarray(colour), strict=True):
        for dx in _copies(shape[:, 0], size):
            for dy in _copies(shape[:, 1], size):
                cv2.fillConvexPoly(
                    canvas, np.asarray((shape + np.array([dx, dy])) * 8, np.int32), paint.tolist(), cv2.LINE_8, 3
                )
    return canvas


def _copies(coordinates: npt.NDArray[np.float64], size: int) -> Sequence[int]:
    if coordinates.min() < 0:
        return (0, size)
    return (0, -size) if coordinates.max() >= size else (0,)
