"""Things that stand outdoors, as lists of parts: trees, hedges, benches, lamps, houses, cars, and what lies far away.

Centred on x, standing on z = 0; fronts face -y.
"""

import numpy as np

from studio.scenery.shapes import (
    Material,
    Part,
    Point,
    blob,
    box,
    leaves,
    placed,
    rectangle,
    sheet,
    tube,
    turned,
)

Rng = np.random.Generator


def tree(rng: Rng, bark: Material, crown: Material, height_m: float) -> list[Part]:
    """A broad-leaved tree: leaning trunk, some branches, lumps of leaves."""
    bole, spread = height_m * float(rng.uniform(0.32, 0.42)), height_m * float(rng.uniform(0.2, 0.28))
    lean = rng.normal(0, 0.12, 2)
    fork = (float(lean[0]), float(lean[1]), bole)
    girth = 0.035 * height_m
    path = [(0.0, 0.0, -0.1), (0.0, 0.0, 0.15), (fork[0] * 0.4, fork[1] * 0.4, bole * 0.5), fork]
    parts = [tube(bark, path, [girth * 1.6, girth * 1.15, girth, girth * 0.85], 12)]
    middle = bole + (height_m - bole) * 0.48
    lumps: list[Point] = [(fork[0], fork[1], middle + 0.2 * spread)]
    for angle in np.linspace(0, 2 * np.pi, 6)[:-1] + rng.uniform(0, 1):
        far = spread * float(rng.uniform(0.6, 0.95))
        x, y = fork[0] + far * float(np.cos(angle)), fork[1] + far * float(np.sin(angle))
        lumps.append((x, y, middle + (height_m - bole) * float(rng.uniform(-0.22, 0.22))))
    for lump in lumps:
        parts.append(tube(bark, [fork, lump], [girth * 0.55, girth * 0.2], 6))
        size = spread * float(rng.uniform(0.6, 0.8))
        radii = (size * 0.92, size * 0.92, size * 0.78)
        parts.append(blob(crown, rng, lump, (size * 0.82, size * 0.82, size * 0.68), 0.2, 7))
        parts.append(leaves(crown, rng, lump, radii, 210, 0.024 * height_m))
    return parts


def conifer(rng: Rng, bark: Material, needles: Material, height_m: float) -> list[Part]:
    parts = [tube(bark, [(0, 0, -0.1), (0, 0, height_m * 0.5)], [0.03 * height_m, 0.015 * height_m])]
    tiers = 7
    for k in range(tiers):
        low = height_m * (0.12 + 0.76 * k / tiers)
        wide = height_m * 0.22 * (1 - k / (tiers + 0.5))
        tall = height_m * 0.24
        profile = [(0.02, low + tall), (wide * 0.45, low + tall * 0.42), (wide, low), (wide * 0.5, low + tall * 0.1)]
        parts.append(turned(needles, profile, sides=13))
        parts.append(leaves(needles, rng, (0, 0, low + tall * 0.15), (wide * 0.95, wide * 0.95, tall * 0.2), 70, 0.14))
    return parts


def palm(rng: Rng, bark: Material, leaf: Material, height_m: float) -> list[Part]:
    bow = float(rng.uniform(-0.6, 0.6))
    path = [(bow * t * t, 0.0, height_m * t - 0.1) for t in np.linspace(0, 1, 7).tolist()]
    parts = [tube(bark, path, np.linspace(0.17, 0.1, 7).tolist(), 10)]
    top = np.array(path[-1])
    for angle in np.linspace(0, 2 * np.pi, 15)[:-1] + rng.normal(0, 0.12, 14):
        reach, rise = float(rng.uniform(1.3, 1.9)), float(rng.uniform(0.2, 0.9))
        t = np.linspace(0, 1, 7)
        out = np.array([np.cos(angle), np.sin(angle), 0])
        spine = top + t[:, None] * reach * out + (rise * t - 1.7 * t**2)[:, None] * np.array([0, 0, 1])
        aside = np.cross(out, [0, 0, 1]) * (0.26 * np.sin(np.pi * (0.08 + 0.9 * t)))[:, None]
        droop = np.array([0, 0, -0.1])
        points = np.stack([spine - aside + droop, spine, spine + aside + droop], 1)
        uv = np.stack(np.broadcast_arrays(np.linspace(0, 0.6, 3)[None], t[:, None] * reach), -1)
        parts.append(sheet(leaf, points, uv))
    return parts


def hedge(rng: Rng, foliage: Material, width_m: float, depth_m: float, height_m: float) -> list[Part]:
    half, d = width_m / 2, depth_m / 2
    parts = [box(foliage, (-half, -d, 0), (half, d, height_m), 0.1, 2)]
    for x in np.arange(-half + 0.4, half, 0.8).tolist():
        radii = (0.5, d * 0.95, height_m * 0.5)
        parts.append(leaves(foliage, rng, (x, 0, height_m * 0.52), radii, 60, 0.06))
    return parts


def bush(rng: Rng, foliage: Material, width_m: float, height_m: float) -> list[Part]:
    at, radii = (0.0, 0.0, height_m * 0.45), (width_m / 2, width_m * 0.42, height_m * 0.5)
    return [blob(foliage, rng, at, radii, 0.12), leaves(foliage, rng, at, radii, 130, 0.07)]


def bed(soil: Material, radius_m: float) -> list[Part]:
    """Bare earth round a stem."""
    return [turned(soil, [(0.01, 0.05), (radius_m * 0.7, 0.04), (radius_m, 0.0)], sides=16)]


def bench(wood: Material, metal: Material) -> list[Part]:
    slats = [box(wood, (-0.8, y, 0.42), (0.8, y + 0.1, 0.45), 0.01) for y in (-0.5, -0.37, -0.24)]
    slats += [
        box(wood, (-0.8, -0.1 + 0.02 * k, 0.52 + 0.13 * k), (0.8, -0.07 + 0.02 * k, 0.62 + 0.13 * k), 0.01)
        for k in range(3)
    ]
    for x in (-0.65, 0.6):
        slats.append(box(metal, (x, -0.48, 0), (x + 0.05, -0.43, 0.42)))
        slats.append(box(metal, (x, -0.1, 0), (x + 0.05, -0.05, 0.9)))
        slats.append(box(metal, (x, -0.5, 0.38), (x + 0.05, -0.05, 0.42)))
    return slats


def street_lamp(metal: Material, globe: Material, height_m: float) -> list[Part]:
    top = height_m
    profile = [(0.035, top), (0.035, 1.0), (0.06, 0.9), (0.065, 0.15), (0.11, 0.1), (0.12, 0.0)]
    lantern = [(0.02, top + 0.5), (0.16, top + 0.38), (0.14, top + 0.34), (0.08, top)]
    return [turned(metal, profile, sides=12), turned(globe, lantern[2:], sides=8), turned(metal, lantern[:2], sides=8)]


def railing(metal: Material, width_m: float, height_m: float = 1.0) -> list[Part]:
    half = width_m / 2
    parts = [
        box(metal, (-half, -0.03, z - 0.03), (half, 0.03, z + 0.03), 0.01) for z in (0.15, height_m * 0.55, height_m)
    ]
    for x in np.arange(-half, half + 0.1, 1.5).tolist():
        parts.append(box(metal, (x - 0.04, -0.04, 0), (x + 0.04, 0.04, height_m + 0.06), 0.01))
    return parts


def fence(rng: Rng, wood: Material, width_m: float, height_m: float) -> list[Part]:
    """Upright boards, each a little different."""
    half, parts = width_m / 2, []
    for x in np.arange(-half, half, 0.15).tolist():
        tall = height_m + float(rng.normal(0, 0.012))
        board = box(wood, (x, -0.02, 0.04), (x + 0.138, 0.005, tall))
        board.uv[:] += rng.random(2)
        parts.append(board)
    return [*parts, *(box(wood, (-half, 0.005, z), (half, 0.05, z + 0.09)) for z in (0.3, height_m - 0.35))]


def planter(rng: Rng, stone: Material, plants: Material, width_m: float, height_m: float = 0.5) -> list[Part]:
    half = width_m / 2
    parts = [box(stone, (-half, -0.3, 0), (half, 0.3, height_m), 0.03)]
    for x in np.arange(-half + 0.3, half, 0.5).tolist():
        parts += placed(bush(rng, plants, 0.65, float(rng.uniform(0.4, 0.7))), (x, 0, height_m - 0.1))
    return parts


def car(body: Material, glass: Material, dark: Material, hubs: Material) -> list[Part]:
    """Side view towards -y, front towards -x."""
    parts = [
        box(body, (-2.1, -0.88, 0.28), (2.1, 0.88, 0.86), 0.16, 3),
        box(dark, (-1.95, -0.8, 0.16), (1.95, 0.8, 0.4), 0.05),
        box(dark, (-2.13, -0.7, 0.36), (-2.0, 0.7, 0.5), 0.03),
    ]
    for material, grow, low, high in ((glass, 0.0, 0.8, 1.38), (body, 0.02, 1.36, 1.44)):
        cabin = box(material, (-1.25, -0.8, low), (1.75, 0.8, high), 0.03, 2)
        z = np.clip((cabin.positions[:, 2] - 0.8) / 0.6, 0, 1)
        cabin.positions[:, 0] += np.where(cabin.positions[:, 0] < 0, 0.62, -0.5) * z
        cabin.positions[:, 1] *= 1 - 0.16 * z + grow
        parts.append(cabin)
    for x in (-0.1, 0.75):
        parts.append(box(body, (x, -0.8, 0.84), (x + 0.07, 0.8, 1.4)))
    for x in (-1.3, 1.3):
        for y in (-0.9, 0.72):
            rim = [(x, y, 0.32), (x, y + 0.02, 0.32), (x, y + 0.16, 0.32), (x, y + 0.18, 0.32)]
            parts.append(tube(dark, rim, [0.24, 0.32, 0.32, 0.24], 18))
        hub = [(x, -0.905, 0.32), (x, -0.9, 0.32), (x, -0.88, 0.32)]
        parts.append(tube(hubs, hub, [0.01, 0.2, 0.22], 14))
    return parts


def parasol(pole: Material, canvas: Material) -> list[Part]:
    shade = turned(canvas, [(0.02, 2.35), (0.6, 2.2), (1.2, 1.9), (1.22, 1.75)], sides=9)
    return [
        tube(pole, [(0, 0, -0.1), (0, 0, 2.35)], 0.025, 6),
        shade,
        box(canvas, (0.5, -0.35, 0.2), (2.2, 0.35, 0.32), 0.04),
    ]


def house(
    wall: Material, shop: Material | None, trim: Material, roof: Material, width_m: float, storeys: int
) -> list[Part]:
    """A terrace front: shop or plain ground floor, windows, cornice and roof. The wall texture is 9 m x 6.6 m."""
    half, foot = width_m / 2, 3.4 if shop is not None else 0.0
    top = foot + 3.3 * storeys
    bays = max(1, round(width_m / 3)) / 3
    parts = [
        rectangle(wall, (-half, 0, foot), (width_m, 0, 0), (0, 0, top - foot), (0, 0, bays, storeys / 2)),
        rectangle(wall, (half, 0, foot), (0, 7, 0), (0, 0, top - foot), (0, 0, 0.12, storeys / 2)),
        rectangle(wall, (-half, 7, foot), (0, -7, 0), (0, 0, top - foot), (0, 0, 0.12, storeys / 2)),
        box(trim, (-half - 0.05, -0.35, top - 0.1), (half + 0.05, 0.2, top + 0.3), 0.06),
        rectangle(roof, (-half, 0, top + 0.28), (width_m, 0, 0), (0, 3.5, 2.4)),
    ]
    if shop is not None:
        parts.append(
            rectangle(shop, (-half, -0.06, 0), (width_m, 0, 0), (0, 0, foot), (0, 0, max(1, round(width_m / 9)), 1))
        )
        parts.append(box(trim, (-half, -0.22, foot - 0.12), (half, 0.05, foot + 0.1), 0.03))
    return parts


def skyline(rng: Rng, material: Material, radius_m: float, low_m: float, high_m: float, roughness: float = 1.0) -> Part:
    """A wooded or hilly horizon: a band around the scene with an uneven upper edge."""
    count = 140
    angle = np.linspace(np.radians(205), np.radians(-25), count)
    steps = np.linspace(0, 1, count)
    waves = [np.sin(steps * f * rng.uniform(0.8, 1.2) + rng.uniform(0, 6)) / f**0.6 for f in (6, 13, 29)]
    edge = np.sum(waves, axis=0)
    edge = edge + roughness * 0.35 * rng.normal(size=count)
    edge = (edge - edge.min()) / (edge.max() - edge.min())
    top = low_m + (high_m - low_m) * edge
    share = np.linspace(1, 0, 4)[:, None]
    lean = radius_m * (1 + 0.05 * share)
    points = np.stack([lean * np.cos(angle), lean * np.sin(angle), -0.5 + (top + 0.5) * share], -1)
    along = radius_m * np.radians(230) * steps / material.tile_m
    uv = np.stack(np.broadcast_arrays(along[None], (1 - share) * top / material.tile_m), -1)
    return sheet(material, points, uv)


def dome(sky: Material, radius_m: float = 68.0) -> Part:
    """The sky from below the horizon to overhead, seen from inside."""
    elevation = np.radians(np.array([89, 75, 60, 45, 30, 20, 12, 6, 0, -4]))[:, None]
    angle = np.linspace(np.radians(250), np.radians(-70), 49)[None]
    points = np.stack(
        np.broadcast_arrays(np.cos(elevation) * np.cos(angle), np.cos(elevation) * np.sin(angle), np.sin(elevation)), -1
    )
    v = np.clip(1 - np.degrees(elevation) / 60, 0.004, 0.996)
    uv = np.stack(np.broadcast_arrays(np.linspace(0, 3, 49)[None], v), -1)
    part = sheet(sky, points * radius_m, uv)
    # Tipped towards the front, where the key light is: so the sky is as bright as lit clouds are.
    normals = -points.reshape(-1, 3) + np.array([0.0, -0.5, 0.65])
    part.normals[:] = normals / np.linalg.norm(normals, axis=1, keepdims=True)
    return part
