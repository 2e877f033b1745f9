"""Tileable materials drawn from a generator: wood, brick, cloth, stone, plants. All return uint8[H, W, 3] sRGB.

Each has coarse marks that a point tracker can hold on to and fine ones that stay soft, so that video does not pay for
noise.
"""

import cv2
import numpy as np
import numpy.typing as npt

from studio.scenery.patterns import (
    Colour,
    bond,
    cells,
    mix,
    noise,
    pixels,
    relief,
    scatter,
    shade,
    tint,
)
from studio.scenery.scene import Pixels


def plaster(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    blotches, grain = noise(rng, size, size, 1.6), noise(rng, size, size, 0.7, (1, 2))
    scuffs = np.clip(noise(rng, size, size, 1.3, (3, 1)) - 1.6, 0, 1)
    return pixels(tint(colour, 1 + 0.03 * blotches + 0.018 * grain - 0.1 * scuffs))


def concrete(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    clouds, grain = noise(rng, size, size, 1.5), noise(rng, size, size, 0.6)
    pores = np.clip(noise(rng, size, size, 0.9) - 2.3, 0, 1)
    _, edge = bond(size, 1, 1, 0)
    joint = np.clip(edge / 2.5, 0, 1)
    return pixels(tint(colour, (1 + 0.05 * clouds + 0.03 * grain - 0.35 * pores) * (0.72 + 0.28 * joint)))


def brick(rng: np.random.Generator, colour: Colour, size: int = 768) -> Pixels:
    """Ten courses of five stretchers: 0.75 m at life size with a joint of 10 mm."""
    cell, edge = bond(size, 10, 4, 0.5, 1.3 * noise(rng, size, size, 1.6))
    body = np.clip((edge - 3.5) / 4, 0, 1)
    grain = noise(rng, size, size, 0.9)
    stones = cells(rng, colour, cell, 0.12, 0.025) * (1 + 0.09 * grain[..., None])
    mortar = tint(mix((0.62, 0.59, 0.54), colour, 0.2), 1 + 0.06 * grain)
    image = mortar * (1 - body[..., None]) + stones * body[..., None]
    return pixels(image * relief(body + 0.08 * grain, 0.22)[..., None])


def tiles(rng: np.random.Generator, colour: Colour, rows: int = 4, columns: int = 4, stagger: float = 0.0) -> Pixels:
    cell, edge = bond(512, rows, columns, stagger)
    body = np.clip((edge - 2.2) / 2.5, 0, 1)
    image = cells(rng, colour, cell, 0.045, 0.012) * (1 + 0.035 * noise(rng, 512, 512, 1.4)[..., None])
    grout = tint(mix(colour, (0.45, 0.43, 0.4), 0.6), 1 + 0.05 * noise(rng, 512, 512, 0.8))
    image = grout * (1 - body[..., None]) + image * body[..., None]
    return pixels(image * relief(np.clip(edge / 9, 0, 1), 0.5)[..., None])


def checker(rng: np.random.Generator, colour: Colour) -> Pixels:
    """Two-coloured floor tiles with a little marbling."""
    cell, edge = bond(512, 4, 4, 0)
    dark = ((cell // 4 + cell % 4) % 2).astype(np.float32)
    veins = 1 - np.exp(-np.abs(noise(rng, 512, 512, 1.5)) * 9)
    other = mix(colour, (0.82, 0.79, 0.73), 0.75)
    image = tint(colour, dark, 1.08 - 0.12 * veins) + tint(other, 1 - dark, 0.9 + 0.1 * veins)
    return pixels(image * (0.65 + 0.35 * np.clip(edge / 2.5, 0, 1))[..., None])


def planks(rng: np.random.Generator, colour: Colour, rows: int = 6, size: int = 640) -> Pixels:
    """Boards that run along u, each with its own grain and butt joint."""
    band = np.arange(size) * rows // size
    joint = rng.integers(0, size, rows)
    column = np.arange(size)[None, :]
    second = ((column - joint[band][:, None]) % size) * 2 // size
    board = band[:, None] * 2 + second
    grain = noise(rng, size, size, 1.1, (1, 14))
    flow = noise(rng, size, size, 1.7, (1, 5))
    shift = rng.integers(0, size, rows * 2)
    grain, flow = (f[np.arange(size)[:, None], (column + shift[board]) % size] for f in (grain, flow))
    rings = np.sin(flow * 7 + grain)
    y = (np.arange(size) * rows / size) % 1
    gap_rows = np.minimum(y, 1 - y)[:, None] * size / rows
    along = (column - joint[band][:, None]) % (size // 2)
    gap = np.minimum(gap_rows, np.minimum(along, size // 2 - along))
    groove = 0.5 + 0.5 * np.clip(gap / 2.2, 0, 1)
    return pixels(cells(rng, colour, board, 0.075, 0.012) * ((1 + 0.06 * grain + 0.045 * rings) * groove)[..., None])


def wood(rng: np.random.Generator, colour: Colour, size: int = 384) -> Pixels:
    """Veneer with the grain along u."""
    flow, fibre = noise(rng, size, size, 1.8, (1, 6)), noise(rng, size, size, 0.9, (1, 16))
    return pixels(tint(colour, 1 + 0.085 * np.sin(flow * 8) + 0.07 * fibre + 0.05 * flow))


def fabric(rng: np.random.Generator, colour: Colour, size: int = 384) -> Pixels:
    """Upholstery: plain weave, sometimes with stripes or a plaid in a second shade."""
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    weave = np.sin(x * (2 * np.pi / 4)) * np.sin(y * (2 * np.pi / 4))
    base = tint(colour, 1 + 0.035 * weave + 0.05 * noise(rng, size, size, 0.5) + 0.06 * noise(rng, size, size, 1.5))
    other = mix(colour, (float(rng.uniform(0.1, 0.8)), float(rng.uniform(0.1, 0.8)), float(rng.uniform(0.1, 0.8))), 0.5)
    style, period = rng.integers(0, 4), size // int(rng.integers(3, 7))
    bands = [((t % period) < period * rng.uniform(0.2, 0.5)).astype(np.float32) for t in (x, y)]
    share = [0 * x, bands[0], 0.5 * (bands[0] + bands[1]), 0 * x][style] * 0.75
    dye = 1 + share[..., None] * (np.asarray(other, np.float32) / np.asarray(colour, np.float32) - 1)
    return pixels(base * dye)


def motifs(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    """Wallpaper: one sprig of leaves or lozenges in half-drop repeat, in a shade near the ground's."""
    cell = np.zeros((size // 2, size // 4), np.uint8)
    height, width = cell.shape
    outline: list[npt.NDArray[np.int32]] = []
    leaf = rng.uniform(0.12, 0.22)
    for level in np.linspace(0.16, 0.8, int(rng.integers(3, 6))):
        for side in (-1, 1):
            tip = np.array([0.5 + side * rng.uniform(0.25, 0.42), level - rng.uniform(0.03, 0.15)])
            base = np.array([0.5, level + 0.06])
            bulge = np.array([-(tip - base)[1], (tip - base)[0]]) * leaf * 2
            shape = np.array([base, (base + tip) / 2 + bulge, tip, (base + tip) / 2 - bulge])
            outline.append(np.asarray(shape * (width, height) * 8, np.int32))
    cv2.fillPoly(cell, outline, 255, cv2.LINE_AA, 3)
    cv2.line(cell, (width // 2, height // 10), (width // 2, int(height * 0.92)), 200, 2, cv2.LINE_AA)
    stripe = np.concatenate([cell, np.roll(cell, height // 2, 0)], 1)
    mask = np.asarray(np.tile(stripe, (2, 2)), np.float32) / 255
    accent = mix(colour, (0.95, 0.9, 0.8) if rng.random() < 0.6 else (0.15, 0.12, 0.12), rng.uniform(0.18, 0.3))
    paper = 1 + 0.02 * noise(rng, size, size, 0.6) + 0.03 * noise(rng, size, size, 1.6)
    return pixels(tint(colour, 1 - mask, paper) + tint(accent, mask, paper))


def stripes(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    """Wallpaper of broad stripes with thin lines between them."""
    x = (np.arange(size) * int(rng.integers(4, 7)) / size) % 1
    broad = (np.abs(x - 0.5) < rng.uniform(0.15, 0.3)).astype(np.float32)
    thin = ((np.abs(x - 0.06) < 0.015) | (np.abs(x - 0.94) < 0.015)).astype(np.float32)
    factor = np.tile(1 + 0.13 * broad - 0.16 * thin, (size, 1)).astype(np.float32)
    return pixels(
        tint(colour, factor, 1 + 0.03 * noise(rng, size, size, 0.9, (4, 1)) + 0.03 * noise(rng, size, size, 1.6))
    )


def carpet(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    cell, edge = bond(size, 2, 2, 0)
    pile = 1 + 0.08 * noise(rng, size, size, 0.45) + 0.06 * noise(rng, size, size, 1.2, (1, 3))
    flecks = np.clip(noise(rng, size, size, 0.8) - 1.5, 0, 1)
    return pixels(
        cells(rng, colour, cell, 0.03, 0.008)
        * ((pile + 0.35 * flecks) * (0.85 + 0.15 * np.clip(edge / 3, 0, 1)))[..., None]
    )


def paving(rng: np.random.Generator, colour: Colour, rows: int = 4, columns: int = 3, stagger: float = 0.5) -> Pixels:
    cell, edge = bond(768, rows, columns, stagger, 1.2 * noise(rng, 768, 768, 1.7))
    body = np.clip((edge - 2) / 4, 0, 1)
    grain = 1 + 0.06 * noise(rng, 768, 768, 0.6) + 0.05 * noise(rng, 768, 768, 1.4)
    stones = cells(rng, colour, cell, 0.08, 0.02) * grain[..., None]
    return pixels(stones * (0.55 + 0.45 * body)[..., None] * relief(body, 0.15)[..., None])


def rubble(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    """An old wall of uneven stones."""
    cell, edge = bond(size, 8, 4, 0.5, size / 70 * noise(rng, size, size, 2.0))
    body = np.clip((edge - 2) / 8, 0, 1)
    grain = noise(rng, size, size, 1.0)
    return pixels(
        cells(rng, colour, cell, 0.13, 0.018)
        * ((0.5 + 0.5 * body) * (1 + 0.1 * grain))[..., None]
        * relief(body, 0.8)[..., None]
    )


def asphalt(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    grit, patches = noise(rng, size, size, 0.3), noise(rng, size, size, 1.6)
    return pixels(tint(colour, 1 + 0.11 * grit + 0.08 * patches))


def sand(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    ripples = np.sin(noise(rng, size, size, 1.8, (1, 0.4)) * 9)
    return pixels(
        tint(colour, 1 + 0.05 * ripples + 0.05 * noise(rng, size, size, 0.5) + 0.05 * noise(rng, size, size, 1.4))
    )


def sea(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    swell = noise(rng, size, size, 1.2, (1, 4))
    foam = np.clip(noise(rng, size, size, 1.1, (1, 6)) - 1.7, 0, 0.7)
    return pixels(tint(colour, 1 + 0.13 * swell + 0.06 * noise(rng, size, size, 0.7, (1, 3))) + 0.6 * foam[..., None])


def bark(rng: np.random.Generator, colour: Colour, size: int = 384) -> Pixels:
    ridges = np.abs(noise(rng, size, size, 1.1, (5, 1)))
    return pixels(tint(colour, 0.65 + 0.32 * np.clip(ridges, 0, 1.6), 1 + 0.12 * noise(rng, size, size, 1.5)))


def grass(rng: np.random.Generator, colour: Colour, size: int = 768) -> Pixels:
    patches = noise(rng, size, size, 1.5)
    image = tint(colour, 0.8 + 0.06 * patches)
    image[..., 0] *= 1 + 0.06 * np.roll(patches, size // 2, 0)
    start = rng.uniform(0, size, (5000, 2))
    reach = rng.normal(0, 5, (5000, 2)) - np.array([0, 7])
    return pixels(
        scatter(rng, image, np.stack([start, start + np.array([1.6, 0.0]), start + reach], 1), colour, 0.68, 1.2)
    )


def foliage(
    rng: np.random.Generator, colour: Colour, leaf_px: float = 13, size: int = 512, flowers: float = 0.0
) -> Pixels:
    """Overlapping leaves, the lower ones darker; `flowers` of them are blossoms."""
    count = int(2.6 * (size / leaf_px) ** 2 / 2)
    image = tint(colour, 0.5 + 0.05 * noise(rng, size, size, 1.2))
    angle, length = rng.uniform(0, 2 * np.pi, count), leaf_px * rng.uniform(0.7, 1.4, count)
    ahead = np.stack([np.cos(angle), np.sin(angle)], 1) * length[:, None]
    aside = np.stack([-ahead[:, 1], ahead[:, 0]], 1) * 0.42
    middle = rng.uniform(0, size, (count, 2))
    shapes = np.stack([middle - ahead, middle + aside, middle + ahead, middle - aside], 1)
    image = scatter(rng, image, shapes, colour, 0.62, 1.15)
    blossoms = int(flowers * count)
    if blossoms:
        petal: Colour = [(0.86, 0.3, 0.4), (0.9, 0.75, 0.3), (0.85, 0.82, 0.85), (0.6, 0.4, 0.75)][rng.integers(0, 4)]
        image = scatter(rng, image, shapes[rng.integers(0, count, blossoms)], petal, 0.75, 1.1)
    return pixels(image)


def canopy(rng: np.random.Generator, colour: Colour, size: int = 512) -> Pixels:
    """A wood from afar: crowns in front of crowns, each lighter on top."""
    image = np.ascontiguousarray(tint(colour, 0.7 + 0.05 * noise(rng, size, size, 1.2)))
    for row in np.sort(rng.uniform(0, size, 420)).tolist():
        column, radius = float(rng.uniform(0, size)), float(rng.uniform(14, 30))
        level = 1 + rng.normal(0, 0.08)
        for lift, grow, factor in ((0.0, 1.0, 0.84), (0.18, 0.8, 0.92), (0.35, 0.55, 1.0)):
            paint, reach = shade(colour, factor * level), int(radius * grow)
            for x in (column, column - size, column + size):
                for y in (row, row - size, row + size):
                    centre = (int(x), int(y - lift * radius))
                    cv2.ellipse(image, centre, (reach, int(reach * 0.8)), 0, 0, 360, paint, -1)
    return pixels(image * (1 + 0.1 * noise(rng, size, size, 0.6))[..., None])
