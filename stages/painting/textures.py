"""What surfaces look like: noise of all sizes, and patterns of joints. All in linear light, 1 is white."""

import cv2
import numpy as np

from actor18m.arrays import Floats
from stages.painting.view import Numbers

Chance = np.random.Generator


def light(hex_colour: str) -> Floats:
    """float32[3] of `#rrggbb`."""
    return np.asarray(
        linear(np.array([[int(hex_colour[i : i + 2], 16) for i in (1, 3, 5)]], np.float32))[0], np.float32
    )


def linear(shown: Numbers) -> Floats:
    """Of 0 to 255 as a screen is told, what it shines with: 0 to 1."""
    share = np.asarray(shown, np.float32) / 255
    return np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4).astype(np.float32)


def shown(shining: Floats) -> Floats:
    """The way back, 0 to 255."""
    share = np.clip(shining, 0, 1)
    return (255 * np.where(share <= 0.0031308, share * 12.92, 1.055 * share ** (1 / 2.4) - 0.055)).astype(np.float32)


def noise(chance: Chance, height: int, width: int, coarse: tuple[float, float], octaves: int = 5) -> Floats:
    """float32[H, W] about 0 with a spread of 1: sums of ever finer random grids. `coarse` is the largest spots' height
    and width in pixels."""
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        tall, wide = (max(1.0, size / 2**octave) for size in coarse)
        grid = chance.standard_normal((int(height / tall) + 3, int(width / wide) + 3), np.float32)
        y = (np.arange(height, dtype=np.float32) / np.float32(tall) + 1)[:, None] * np.ones((1, width), np.float32)
        x = (np.arange(width, dtype=np.float32) / np.float32(wide) + 1)[None] * np.ones((height, 1), np.float32)
        total += 0.55**octave * cv2.remap(grid, x, y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT)
        if tall == wide == 1:
            break
    return np.asarray(total / max(float(total.std()), 1e-6), np.float32)


def tile_of_noise(chance: Chance, side: int = 256, octaves: int = 6) -> Floats:
    """float32[side, side], likewise, that can be laid beside itself."""
    total = np.zeros((side, side), np.float32)
    for octave in range(octaves):
        cells = 2 ** (octave + 2)
        grid = np.pad(chance.standard_normal((cells, cells), np.float32), 2, mode="wrap")
        size = side // cells * (cells + 4)
        fine = cv2.resize(grid, (size, size), interpolation=cv2.INTER_CUBIC)
        edge = 2 * side // cells
        total += 0.6**octave * fine[edge : edge + side, edge : edge + side]
    return np.asarray(total / total.std(), np.float32)


def laid(tile: Floats, x_m: Numbers, y_m: Numbers, size_m: float) -> Floats:
    """A tile over a surface whose points are at these metres, once in so many metres."""
    side = tile.shape[0]
    x, y = (np.mod(values / size_m, 1).astype(np.float32) * side for values in np.broadcast_arrays(x_m, y_m))
    padded = np.pad(tile, ((0, 1), (0, 1)), mode="wrap")
    return cv2.remap(padded, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE).astype(np.float32)


def joints(
    chance: Chance, x_m: Numbers, y_m: Numbers, size: tuple[float, float], gap_m: float, shift: float = 0.5
) -> tuple[Floats, Floats]:
    """Of bricks, tiles or planks of a width and height: how much of each point is none but a joint, and each one's own
    random number about 0. Every second row is shifted by a share of the width."""
    x_m, y_m = np.broadcast_arrays(x_m, y_m)
    row = np.floor(y_m / size[1])
    along = x_m / size[0] + shift * np.mod(row, 2)
    column = np.floor(along)
    # how far each point is from the nearest joint
    to_side = np.minimum(along - column, column + 1 - along) * size[0]
    to_level = np.minimum(y_m / size[1] - row, row + 1 - y_m / size[1]) * size[1]
    away = np.minimum(to_side, to_level)
    step = max(float(np.abs(np.diff(y_m, axis=0)).mean()) if y_m.shape[0] > 1 else gap_m, 1e-4)
    joint = np.clip((gap_m / 2 - away) / step + 0.5, 0, 1)
    own = chance.standard_normal((64, 64), np.float32)
    return joint.astype(np.float32), own[row.astype(int) % 64, column.astype(int) % 64]
