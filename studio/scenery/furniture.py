"""Furniture as lists of parts: back at y = 0, front towards -y, centred on x, standing on z = 0.

Pieces take the materials they are made of, so that a room decides the palette and how much is shared.
"""

from dataclasses import replace

import numpy as np

from studio.scenery.painted import BOOKS, SWATCHES
from studio.scenery.shapes import (
    Material,
    Part,
    Point,
    box,
    leaves,
    placed,
    rectangle,
    sheet,
    tube,
    turned,
)

Rng = np.random.Generator


def in_cell(part: Part, column: int, row: int, columns: int, rows: int, inset: float = 0.06) -> Part:
    """Squeeze the part's texture coordinates into one cell of a picture that holds several."""
    low, high = part.uv.min(0), part.uv.max(0)
    share = inset + (1 - 2 * inset) * (part.uv - low) / np.maximum(high - low, 1e-9)
    return replace(part, uv=(share + np.array([column, row])) / np.array([columns, rows]))


def coloured(part: Part, rng: Rng) -> Part:
    """One random swatch of the card."""
    return in_cell(part, int(rng.integers(SWATCHES)), int(rng.integers(SWATCHES)), SWATCHES, SWATCHES, 0.2)


def sofa(rng: Rng, cloth: Material, legs: Material, cushion: Material, width_m: float, seats: int) -> list[Part]:
    half, depth, arm, seat = width_m / 2, 0.92, float(rng.uniform(0.12, 0.2)), 0.42
    arm_height = float(rng.uniform(0.56, 0.66))
    back_height = float(rng.uniform(0.78, 0.92))
    parts = [
        box(cloth, (-half, -depth, 0.12), (half, 0, 0.3), 0.03),
        box(cloth, (-half, -0.22, 0.12), (half, 0, back_height), 0.07, 2),
        box(cloth, (-half, -depth, 0.12), (-half + arm, 0, arm_height), 0.05, 2),
        box(cloth, (half - arm, -depth, 0.12), (half, 0, arm_height), 0.05, 2),
    ]
    each = (width_m - 2 * arm) / seats
    for k in range(seats):
        left = -half + arm + k * each
        parts.append(box(cloth, (left + 0.005, -depth + 0.01, 0.29), (left + each - 0.005, -0.2, seat + 0.03), 0.06, 2))
        back = box(cloth, (left + 0.01, -0.4, seat), (left + each - 0.01, -0.16, back_height + 0.05), 0.09, 2)
        parts.append(back)
    for _ in range(int(rng.integers(1, 4))):
        pillow = box(cushion, (-0.22, -0.08, -0.22), (0.22, 0.08, 0.22), 0.078, 2)
        at = (float(rng.uniform(-half + 0.4, half - 0.4)), -0.48, seat + 0.24)
        parts += placed([pillow], at, float(rng.uniform(-25, 25)))
    for x in (-half + 0.08, half - 0.12):
        for y in (-depth + 0.06, -0.1):
            parts.append(box(legs, (x, y, 0), (x + 0.05, y + 0.05, 0.13)))
    return parts


def table(top: Material, legs: Material, width_m: float, depth_m: float, height_m: float) -> list[Part]:
    half = width_m / 2
    parts = [
        box(top, (-half, -depth_m, height_m - 0.04), (half, 0, height_m), 0.008),
        box(legs, (-half + 0.06, -depth_m + 0.05, height_m - 0.11), (half - 0.06, -0.05, height_m - 0.04)),
    ]
    for x in (-half + 0.03, half - 0.09):
        for y in (-depth_m + 0.03, -0.09):
            parts.append(box(legs, (x, y, 0), (x + 0.06, y + 0.06, height_m - 0.04), 0.006))
    return parts


def chair(wood: Material, cloth: Material) -> list[Part]:
    parts = [box(cloth, (-0.22, -0.46, 0.43), (0.22, -0.03, 0.49), 0.025)]
    for x in (-0.21, 0.17):
        parts.append(box(wood, (x, -0.45, 0), (x + 0.04, -0.41, 0.43)))
        parts.append(box(wood, (x, -0.04, 0), (x + 0.04, 0, 0.95)))
    for z in (0.58, 0.72, 0.86):
        parts.append(box(wood, (-0.19, -0.03, z), (0.19, -0.01, z + 0.06), 0.006))
    return parts


def office_chair(metal: Material, cloth: Material) -> list[Part]:
    parts = [
        box(cloth, (-0.24, -0.52, 0.44), (0.24, -0.05, 0.53), 0.04, 2),
        box(cloth, (-0.22, -0.08, 0.62), (0.22, 0.0, 1.12), 0.038, 2),
        tube(metal, [(0, -0.28, 0.06), (0, -0.28, 0.45)], 0.03),
        tube(metal, [(0, -0.1, 0.48), (0, -0.03, 0.7)], 0.025),
    ]
    for angle in np.linspace(0, 2 * np.pi, 6)[:-1]:
        end = (0.28 * float(np.cos(angle)), -0.28 + 0.28 * float(np.sin(angle)), 0.05)
        parts.append(tube(metal, [(0, -0.28, 0.09), end], 0.02, 6))
    return parts


def books_row(rng: Rng, books: Material, left: float, right: float, depth_m: float, max_height_m: float) -> list[Part]:
    parts, x = [], left
    while x < right - 0.06:
        width, height = float(rng.uniform(0.022, 0.058)), max_height_m * float(rng.uniform(0.68, 0.97))
        if rng.random() < 0.05:
            x += float(rng.uniform(0.03, 0.12))
            continue
        front = -depth_m * float(rng.uniform(0.72, 0.88))
        volume = box(books, (x, front, 0), (x + width * 0.96, -0.02, height))
        spine = int(rng.integers(BOOKS))
        cells = in_cell(volume, spine, 0, BOOKS, 1, 0.02)
        # Faces other than the spine show the cover's colour only, not a second title.
        side = np.abs(volume.normals[:, 1]) < 0.5
        cells.uv[side] = ((spine + 0.12) / BOOKS, 0.02)
        # Bottom and back are never seen.
        parts.append(replace(cells, triangles=cells.triangles[[0, 1, 2, 3, 4, 5, 10, 11]]))
        x += width
    return parts


def bookcase(
    rng: Rng, wood: Material, books: Material, swatch: Material, width_m: float, height_m: float
) -> list[Part]:
    half, depth, shelves = width_m / 2, 0.3, max(2, round(height_m / 0.36))
    step = (height_m - 0.1) / shelves
    parts = [
        box(wood, (-half, -depth, 0), (-half + 0.03, 0, height_m), 0.004),
        box(wood, (half - 0.03, -depth, 0), (half, 0, height_m), 0.004),
        box(wood, (-half - 0.01, -depth - 0.015, height_m - 0.03), (half + 0.01, 0, height_m + 0.02), 0.006),
        box(wood, (-half, -0.015, 0), (half, 0, height_m)),
        box(wood, (-half + 0.03, -depth + 0.02, 0), (half - 0.03, -0.02, 0.08)),
    ]
    for k in range(shelves):
        z = 0.08 + k * step
        parts.append(box(wood, (-half + 0.03, -depth + 0.005, z - 0.025), (half - 0.03, -0.01, z)))
        left, right = -half + 0.04, half - 0.04
        if rng.random() < 0.45:  # an ornament and some air instead of a full row
            at = (float(rng.uniform(right - 0.28, right - 0.13)), -0.16, z)
            parts.append(coloured(vessel(rng, swatch, at, min(0.26, step * 0.75)), rng))
            right -= 0.36
        parts += placed(books_row(rng, books, left, right, depth, step - 0.05), (0, 0, z))
    return parts


def vessel(rng: Rng, material: Material, at: Point, height_m: float) -> Part:
    """A vase, jar, bottle or bowl."""
    radii = [
        (0.3, 0.28, 0.42, 0.5, 0.3),
        (0.36, 0.4, 0.4, 0.4, 0.38),
        (0.13, 0.14, 0.4, 0.42, 0.4),
        (0.24, 0.3, 0.5, 0.36, 0.25),
    ]
    heights, shape = (1.0, 0.8, 0.55, 0.25, 0.0), radii[int(rng.integers(4))]
    profile = [(0.001, height_m)] + [(r * height_m, h * height_m) for r, h in zip(shape, heights, strict=True)]
    return turned(material, profile, at, 14)


def potted_plant(rng: Rng, pot: Material, leaf: Material, height_m: float) -> list[Part]:
    base = min(0.42, height_m * 0.32)
    profile = [(0.001, base * 0.93), (base * 0.46, base * 0.93), (base * 0.5, base), (base * 0.36, 0.0)]
    parts = [turned(pot, profile, (0, -0.3, 0), 18)]
    crown = height_m - base
    for _ in range(int(rng.integers(3, 6))):
        tip = (
            float(rng.normal(0, 0.12)),
            -0.3 + float(rng.normal(0, 0.08)),
            base + crown * float(rng.uniform(0.4, 0.75)),
        )
        parts.append(tube(pot, [(0, -0.3, base * 0.9), tip], 0.012, 5))
        spread = 0.3 * crown
        parts.append(leaves(leaf, rng, tip, (spread, min(spread, 0.24), spread), 45, 0.11))
    return parts


def floor_lamp(metal: Material, shade: Material, height_m: float) -> list[Part]:
    return [
        turned(metal, [(0.001, 0.03), (0.14, 0.03), (0.15, 0.015), (0.15, 0)], (0, -0.25, 0)),
        tube(metal, [(0, -0.25, 0.02), (0, -0.25, height_m - 0.2)], 0.013),
        turned(shade, [(0.13, height_m), (0.22, height_m - 0.3)], (0, -0.25, 0), 24),
    ]


def pendant(metal: Material, shade: Material, ceiling_m: float, drop_m: float) -> list[Part]:
    low = ceiling_m - drop_m
    return [
        tube(metal, [(0, 0, low + 0.16), (0, 0, ceiling_m)], 0.006, 5),
        turned(shade, [(0.03, low + 0.18), (0.09, low + 0.15), (0.17, low)], sides=24),
    ]


def picture(frame: Material, art: Material, cell: tuple[int, int], width_m: float, height_m: float) -> list[Part]:
    """Hangs with its centre at z = 0; `cell` picks one of the four pictures of the texture."""
    w, h, rim = width_m / 2, height_m / 2, 0.035
    u, v = cell[0] / 2, cell[1] / 2
    inner = (u + 0.006, v + 0.006, u + 0.494, v + 0.494)
    return [
        box(frame, (-w, -0.035, h - rim), (w, 0, h), 0.006),
        box(frame, (-w, -0.035, -h), (w, 0, -h + rim), 0.006),
        box(frame, (-w, -0.035, -h), (-w + rim, 0, h), 0.006),
        box(frame, (w - rim, -0.035, -h), (w, 0, h), 0.006),
        rectangle(art, (-w + rim, -0.018, -h + rim), (2 * w - 2 * rim, 0, 0), (0, 0, 2 * h - 2 * rim), inner),
    ]


def window(frame: Material, view: Material, width_m: float, height_m: float, columns: int, rows: int) -> list[Part]:
    """Sill at z = 0, centred on x, glass just in front of the wall."""
    w, rim, bar = width_m / 2, 0.07, 0.02
    parts = [rectangle(view, (-w, -0.012, 0), (width_m, 0, 0), (0, 0, height_m), (0, 0, 1, 1))]
    for x in np.linspace(-w, w, columns + 1).tolist():
        wide = rim / 2 if abs(x) > w - 0.01 else bar
        parts.append(box(frame, (x - wide, -0.05, -rim / 2), (x + wide, 0, height_m + rim / 2)))
    for z in np.linspace(0, height_m, rows + 1).tolist():
        wide = rim / 2 if z in (0.0, height_m) else bar
        parts.append(box(frame, (-w, -0.05, z - wide), (w, 0, z + wide)))
    parts.append(box(frame, (-w - 0.08, -0.16, -0.07), (w + 0.08, 0, -0.03), 0.01))
    return parts


def curtain(rng: Rng, cloth: Material, width_m: float, height_m: float) -> list[Part]:
    """Hangs in folds from z = height_m to the floor."""
    x = np.linspace(-0.5, 0.5, 60)
    drop = np.linspace(0, 1, 6)[:, None]
    phase = np.cumsum(rng.uniform(0.5, 1.5, 60)) * (2 * np.pi * width_m / 0.15 / 60)
    fold = np.sin(phase)[None, :] * (0.02 + 0.03 * drop) - 0.09
    points = np.stack(
        [np.broadcast_to(x * width_m, fold.shape), fold, np.broadcast_to(height_m * (1 - drop) + 0.02, fold.shape)], -1
    )
    uv = np.stack([np.broadcast_to(x * width_m * 1.5, fold.shape), np.broadcast_to(drop * height_m, fold.shape)], -1)
    return [sheet(cloth, points, uv / cloth.tile_m)]
