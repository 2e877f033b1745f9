"""Fitted and working furniture: kitchen units, desks, boards, easels. Same conventions as `furniture`."""

from itertools import pairwise

import numpy as np

from studio.scenery.furniture import coloured, vessel
from studio.scenery.shapes import Material, Part, box, leaning, placed, rectangle, tube

Rng = np.random.Generator


def kitchen_units(
    front: Material, worktop: Material, metal: Material, width_m: float, drawers: bool, unit_m: float = 0.6
) -> list[Part]:
    """Base units 0.9 m high."""
    half = width_m / 2
    parts = [
        box(metal, (-half, -0.52, 0), (half, 0, 0.1)),
        box(front, (-half, -0.57, 0.1), (half, 0, 0.86)),
        box(worktop, (-half - 0.01, -0.62, 0.86), (half + 0.01, 0, 0.9), 0.01),
    ]
    for left in np.arange(-half, half - 0.3, unit_m).tolist():
        levels = (0.11, 0.37, 0.63, 0.85) if drawers and round(left / unit_m) % 2 == 0 else (0.11, 0.85)
        for low, high in pairwise(levels):
            parts += _door(front, metal, left, left + unit_m, low, high, -0.57)
    return parts


def wall_units(front: Material, metal: Material, width_m: float, height_m: float, unit_m: float = 0.6) -> list[Part]:
    """Cupboards that hang with their lower edge at z = 0."""
    half = width_m / 2
    parts = [box(front, (-half, -0.34, 0), (half, 0, height_m))]
    for left in np.arange(-half, half - 0.3, unit_m).tolist():
        parts += _door(front, metal, left, left + unit_m, 0.0, height_m, -0.34)
    return parts


def _door(front: Material, metal: Material, left: float, right: float, low: float, high: float, y: float) -> list[Part]:
    wide, tall = right - left, high - low
    panel = box(front, (left + 0.006, y - 0.02, low + 0.006), (right - 0.006, y, high - 0.006), 0.006)
    if tall < 0.45:
        grip = box(metal, (left + wide * 0.3, y - 0.05, high - 0.08), (right - wide * 0.3, y - 0.035, high - 0.065))
        return [panel, grip]
    inner = box(front, (left + 0.08, y - 0.026, low + 0.09), (right - 0.08, y, high - 0.09), 0.006)
    z = high - 0.24 if low < 0.3 and high < 1.0 and y < -0.5 else low + 0.08
    return [panel, inner, box(metal, (right - 0.065, y - 0.05, z), (right - 0.05, y - 0.035, z + 0.16))]


def fridge(body: Material, metal: Material, height_m: float) -> list[Part]:
    return [
        box(body, (-0.32, -0.6, 0.03), (0.32, 0, height_m), 0.02, 2),
        box(body, (-0.32, -0.66, 0.05), (0.32, -0.605, 0.68), 0.025, 2),
        box(body, (-0.32, -0.66, 0.7), (0.32, -0.605, height_m), 0.025, 2),
        box(metal, (0.22, -0.7, 0.45), (0.25, -0.66, 0.64), 0.01),
        box(metal, (0.22, -0.7, 0.78), (0.25, -0.66, 1.2), 0.01),
    ]


def cooker(metal: Material, dark: Material) -> list[Part]:
    """A slot-in cooker with its hood at 1.55 m."""
    return [
        box(metal, (-0.3, -0.6, 0.0), (0.3, 0, 0.91), 0.01),
        box(dark, (-0.24, -0.612, 0.25), (0.24, -0.59, 0.62), 0.01),
        box(metal, (-0.22, -0.65, 0.68), (0.22, -0.63, 0.7)),
        box(dark, (-0.28, -0.56, 0.9), (0.28, -0.04, 0.925), 0.01),
        box(metal, (-0.3, -0.48, 1.58), (0.3, 0, 1.66), 0.015),
        box(metal, (-0.13, -0.26, 1.66), (0.13, 0, 2.6), 0.01),
    ]


def jar_shelf(rng: Rng, wood: Material, swatch: Material, width_m: float, fill: float = 0.85) -> list[Part]:
    """A board at z = 0 with jars, bottles and bowls."""
    half = width_m / 2
    parts = [box(wood, (-half, -0.24, -0.03), (half, 0, 0), 0.006)]
    for x in (-half + 0.1, half - 0.12):
        parts.append(box(wood, (x, -0.2, -0.16), (x + 0.02, 0, -0.03)))
    x = -half + 0.1
    while x < half - 0.1:
        height = float(rng.uniform(0.1, 0.28))
        if rng.random() < fill:
            parts.append(coloured(vessel(rng, swatch, (x, -0.12, 0), height), rng))
        x += float(rng.uniform(0.13, 0.24))
    return parts


def desk(
    rng: Rng, top: Material, legs: Material, dark: Material, screen: Material, swatch: Material, width_m: float
) -> list[Part]:
    half = width_m / 2
    parts = [
        box(top, (-half, -0.75, 0.71), (half, 0, 0.74), 0.006),
        box(top, (half - 0.45, -0.7, 0.1), (half - 0.04, -0.05, 0.71), 0.006),
    ]
    for z in (0.14, 0.33, 0.52):
        parts.append(box(top, (half - 0.44, -0.715, z), (half - 0.05, -0.7, z + 0.17), 0.005))
        parts.append(box(legs, (half - 0.3, -0.735, z + 0.12), (half - 0.19, -0.715, z + 0.135)))
    for y in (-0.7, -0.1):
        parts.append(box(legs, (-half + 0.03, y, 0), (-half + 0.08, y + 0.05, 0.71)))
    for x in (-0.32, 0.3) if width_m > 1.5 else (-0.1,):
        parts += placed(_monitor(dark, screen), (x, -0.22, 0.74), float(rng.uniform(-12, 12)))
    parts.append(box(dark, (-0.25, -0.62, 0.74), (0.2, -0.47, 0.76), 0.006))
    for _ in range(4):
        x, z = float(rng.uniform(-half + 0.1, half - 0.3)), 0.74
        for _ in range(int(rng.integers(1, 5))):
            parts.append(coloured(box(swatch, (x, -0.3, z), (x + 0.21, -0.02, z + 0.025)), rng))
            z += 0.025
    return parts


def _monitor(dark: Material, screen: Material) -> list[Part]:
    return [
        box(dark, (-0.27, -0.02, 0.1), (0.27, 0.02, 0.44), 0.01),
        rectangle(screen, (-0.255, -0.0215, 0.115), (0.51, 0, 0), (0, 0, 0.31), (0, 0, 1, 1)),
        box(dark, (-0.03, 0.0, 0), (0.03, 0.02, 0.2)),
        box(dark, (-0.12, -0.09, 0), (0.12, 0.09, 0.012)),
    ]


def folder_shelf(rng: Rng, body: Material, swatch: Material, width_m: float, height_m: float) -> list[Part]:
    """Open office shelving with ring binders and boxes."""
    half, levels = width_m / 2, max(2, round(height_m / 0.4))
    parts = [
        box(body, (-half, -0.36, 0), (-half + 0.025, 0, height_m)),
        box(body, (half - 0.025, -0.36, 0), (half, 0, height_m)),
        box(body, (-half, -0.01, 0), (half, 0, height_m)),
        box(body, (-half, -0.36, height_m - 0.025), (half, 0, height_m)),
    ]
    step = (height_m - 0.06) / levels
    for k in range(levels):
        z, x = 0.06 + k * step, -half + 0.04
        parts.append(box(body, (-half, -0.355, z - 0.025), (half, 0, z)))
        while x < half - 0.12:
            wide = float(rng.choice([0.05, 0.08, 0.08, 0.3]))
            tall = step * float(rng.uniform(0.55, 0.7)) if wide > 0.2 else step * 0.84
            if rng.random() < 0.85 and x + wide < half - 0.03:
                parts.append(coloured(box(swatch, (x, -0.31, z), (x + wide - 0.004, -0.02, z + tall), 0.004), rng))
            x += wide
    return parts


def wall_board(frame: Material, face: Material, width_m: float, height_m: float) -> list[Part]:
    """Hangs with its centre at z = 0."""
    w, h = width_m / 2, height_m / 2
    return [
        box(frame, (-w, -0.03, -h), (w, 0, h), 0.01),
        rectangle(face, (-w + 0.03, -0.032, -h + 0.03), (2 * w - 0.06, 0, 0), (0, 0, 2 * h - 0.06), (0, 0, 1, 1)),
        box(frame, (-w + 0.1, -0.09, -h - 0.01), (w - 0.1, 0, -h + 0.01)),
    ]


def canvas(wood: Material, art: Material, cell: tuple[int, int], width_m: float, height_m: float) -> list[Part]:
    """A stretched canvas that leans against the wall."""
    u, v, w = cell[0] / 2, cell[1] / 2, width_m / 2
    parts = [
        box(wood, (-w, 0, 0), (w, 0.03, height_m)),
        rectangle(art, (-w, -0.002, 0), (width_m, 0, 0), (0, 0, height_m), (u + 0.01, v + 0.01, u + 0.49, v + 0.49)),
    ]
    return placed(leaning(parts, 9), (0, -0.18 * height_m - 0.02, 0))


def easel(wood: Material, art: Material, cell: tuple[int, int]) -> list[Part]:
    legs = [
        tube(wood, [(-0.35, -0.1, 0), (-0.06, 0.0, 1.75)], 0.02, 6),
        tube(wood, [(0.35, -0.1, 0), (0.06, 0.0, 1.75)], 0.02, 6),
        tube(wood, [(0.0, 0.5, 0), (0.0, 0.02, 1.7)], 0.02, 6),
        box(wood, (-0.4, -0.16, 0.72), (0.4, -0.06, 0.75)),
    ]
    picture = placed(canvas(wood, art, cell, 0.75, 0.9), (0, 0.02, 0.75))
    return placed([*legs, *picture], (0, -0.5, 0))


def ladder(wood: Material, height_m: float) -> list[Part]:
    """A library ladder that leans against the shelves."""
    rails = [box(wood, (x, -0.03, 0), (x + 0.035, 0.03, height_m), 0.006) for x in (-0.24, 0.205)]
    rungs = [
        box(wood, (-0.21, -0.025, z), (0.21, 0.025, z + 0.03)) for z in np.arange(0.3, height_m - 0.1, 0.3).tolist()
    ]
    return placed(leaning([*rails, *rungs], 13), (0, -0.225 * height_m - 0.06, 0))


def pipe_run(metal: Material, length_m: float, height_m: float, radius_m: float) -> list[Part]:
    """A duct under the ceiling along x with collars."""
    half = length_m / 2
    parts = [tube(metal, [(-half, -0.4, height_m), (0, -0.4, height_m), (half, -0.4, height_m)], radius_m, 14)]
    for x in np.arange(-half + 0.6, half, 1.2).tolist():
        parts.append(tube(metal, [(x, -0.4, height_m), (x + 0.05, -0.4, height_m)], radius_m * 1.06, 14))
    return parts
