"""Places in the open: park, street, courtyard, promenade, countryside, each under a sky drawn for the day.

Nothing but ground within 3.2 m of the origin sideways and 1.6 m in depth, and nothing between there and the camera.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from studio.scenery import landscape, painted, textures
from studio.scenery.painted import any_colour, hsv
from studio.scenery.patterns import Colour, mix, shade
from studio.scenery.shapes import Material, Part, box, placed, rectangle

Rng = np.random.Generator


@dataclass(frozen=True)
class Sky:
    """Time of day and weather."""

    zenith: Colour
    horizon: Colour
    cloud: float  # 0 clear to 1 overcast
    sun_strength: float
    sun_colour: Colour
    ambient: float
    ambient_colour: Colour
    elevation_deg: tuple[float, float]


def draw_sky(rng: Rng) -> Sky:
    weather = int(rng.integers(4))
    if weather == 0:  # overcast: little sun, soft light from everywhere
        grey = (0.72, 0.75, 0.79)
        return Sky(shade(grey, 0.85), (0.84, 0.86, 0.88), 0.8, 1.4, (1.0, 0.99, 0.97), 0.8, (0.96, 1.0, 1.06), (45, 60))
    if weather == 1:  # late afternoon
        return Sky(
            (0.5, 0.62, 0.8), (0.96, 0.86, 0.74), 0.35, 2.2, (1.2, 0.98, 0.72), 0.58, (0.92, 1.0, 1.15), (25, 34)
        )
    zenith = hsv(0.585 + rng.normal(0, 0.012), rng.uniform(0.4, 0.58), rng.uniform(0.78, 0.88))
    cloud = float(rng.uniform(0.1, 0.65))
    return Sky(zenith, (0.73, 0.83, 0.92), cloud, 2.2, (1.08, 1.0, 0.9), 0.62, (0.9, 1.0, 1.13), (35, 58))


def _far(rng: Rng, sky: Sky, ground: Material, treeline: bool = True) -> list[Part]:
    """Sky, ground up to the horizon, and wooded hills in the haze."""
    picture = painted.sky(rng, sky.zenith, sky.horizon, sky.cloud)
    parts = [landscape.dome(Material(picture, gloss=0.0, casts_shadow=False)), _ground(ground, 66)]
    if treeline:
        green = mix(hsv(rng.uniform(0.2, 0.3), 0.35, 0.42), sky.horizon, 0.3)
        woods = Material(textures.canopy(rng, green), 13.0, gloss=0.0, casts_shadow=False)
        haze = mix(sky.zenith, sky.horizon, 0.4)
        hills = Material(textures.plaster(rng, mix(green, haze, 0.6), 256), 24.0, gloss=0.0, casts_shadow=False)
        parts.append(landscape.skyline(rng, woods, 44, 3.2, 6.5))
        parts.append(landscape.skyline(rng, hills, 60, 5.0, 12.0, 0.1))
    return parts


def _ground(material: Material, reach_m: float) -> Part:
    return rectangle(material, (-reach_m, -reach_m, 0), (2 * reach_m, 0, 0), (0, 2 * reach_m, 0))


def _flat(material: Material, x0: float, y0: float, x1: float, y1: float, z: float) -> Part:
    return rectangle(material, (x0, y0, z), (x1 - x0, 0, 0), (0, y1 - y0, 0))


def _lawn(rng: Rng) -> Material:
    return Material(
        textures.grass(rng, hsv(rng.uniform(0.17, 0.24), rng.uniform(0.32, 0.48), rng.uniform(0.5, 0.62))),
        2.6,
        gloss=0.0,
        casts_shadow=False,
    )


def _leaf(rng: Rng, size: int = 384) -> Material:
    autumn = rng.random() < 0.2
    hue = rng.uniform(0.06, 0.13) if autumn else rng.uniform(0.17, 0.27)
    return Material(
        textures.foliage(rng, hsv(hue, rng.uniform(0.35, 0.5), rng.uniform(0.46, 0.62)), 12, size), 1.2, gloss=0.02
    )


def _bark(rng: Rng) -> Material:
    return Material(textures.bark(rng, hsv(0.08, rng.uniform(0.15, 0.4), rng.uniform(0.3, 0.5)), 256), 0.8, gloss=0.0)


def _iron(rng: Rng) -> Material:
    colour: Colour = [(0.12, 0.13, 0.13), (0.14, 0.22, 0.18), (0.55, 0.57, 0.58)][rng.integers(3)]
    return Material(textures.plaster(rng, colour, 128), gloss=0.4)


def _soil(rng: Rng) -> Material:
    return Material(textures.asphalt(rng, (0.3, 0.24, 0.18), 256), 1.0, gloss=0.0)


def _timber(rng: Rng) -> Material:
    return Material(
        textures.wood(rng, hsv(rng.uniform(0.05, 0.1), rng.uniform(0.2, 0.55), rng.uniform(0.35, 0.6))), 0.9
    )


def _paving(rng: Rng) -> Material:
    colour = hsv(rng.uniform(0.03, 0.12), rng.uniform(0.03, 0.22), rng.uniform(0.48, 0.66))
    rows, columns, stagger = [(4, 3, 0.5), (3, 3, 0.0), (6, 3, 0.5), (8, 8, 0.5)][rng.integers(4)]
    return Material(
        textures.paving(rng, colour, rows, columns, stagger), float(rng.uniform(1.6, 2.2)), casts_shadow=False
    )


def park(rng: Rng, sky: Sky) -> list[Part]:
    lawn, path, leaf, other = _lawn(rng), _paving(rng), _leaf(rng), _leaf(rng)
    bark, iron, wood, soil = _bark(rng), _iron(rng), _timber(rng), _soil(rng)
    globe = Material(textures.plaster(rng, (0.92, 0.9, 0.84), 64), emission=0.3)
    parts = _far(rng, sky, lawn)
    if rng.random() < 0.6:
        gravel = (
            path if rng.random() < 0.5 else Material(textures.asphalt(rng, (0.58, 0.53, 0.45)), 2.0, casts_shadow=False)
        )
        parts.append(_flat(gravel, -60, -2.0, 60, 1.7, 0.012))
        parts.append(box(path, (-60, 1.7, -0.1), (60, 1.8, 0.05)))
    for x in np.arange(-17, 18, 5.2).tolist():
        material = leaf if rng.random() < 0.6 else other
        at = (x + float(rng.uniform(-1.4, 1.4)), float(rng.uniform(7, 20)), 0)
        kind = landscape.conifer if rng.random() < 0.2 else landscape.tree
        parts += placed(kind(rng, bark, material, float(rng.uniform(4.5, 8))), at, float(rng.uniform(0, 360)))
        parts += placed(landscape.bed(soil, 0.7), at)
    parts += placed(
        landscape.hedge(rng, other, 9, 0.8, float(rng.uniform(0.7, 1.3))), (float(rng.uniform(-7, 7)), 5.6, 0)
    )
    for x in (float(rng.uniform(-5, -3.6)), float(rng.uniform(3.6, 5))):
        parts += placed(landscape.bench(wood, iron), (x, 3.0, 0), float(rng.uniform(-15, 15)))
        parts += placed(landscape.street_lamp(iron, globe, 2.8), (x * 0.55 + float(rng.uniform(-0.5, 0.5)), 3.4, 0))
    parts.append(box(soil, (-10, 3.9, -0.1), (10, 4.9, 0.05), 0.04))
    blossom = Material(textures.foliage(rng, hsv(0.25, 0.42, 0.5), 11, 256, flowers=0.12), 0.8, gloss=0.0)
    for x in rng.uniform(-9, 9, 6).tolist():
        parts += placed(
            landscape.bush(rng, blossom, float(rng.uniform(0.8, 1.6)), float(rng.uniform(0.5, 1.1))), (x, 4.4, 0)
        )
    return parts


def street(rng: Rng, sky: Sky) -> list[Part]:
    pavement, iron = _paving(rng), _iron(rng)
    road = Material(textures.asphalt(rng, (0.33, 0.33, 0.34)), 2.2, casts_shadow=False)
    parts = _far(rng, sky, pavement)
    parts += [_flat(road, -60, 3.0, 60, 8.6, 0.015), box(pavement, (-60, 2.8, -0.1), (60, 3.0, 0.06), 0.02)]
    parts.append(box(pavement, (-60, 8.6, -0.1), (60, 12, 0.12), 0.03))
    parts += _terrace(rng, sky, 11.0)
    dark = Material(textures.plaster(rng, (0.09, 0.09, 0.1), 64), gloss=0.3)
    glass = Material(textures.plaster(rng, (0.16, 0.2, 0.23), 64), gloss=0.85)
    steel = Material(textures.plaster(rng, (0.5, 0.51, 0.53), 64), gloss=0.6)
    paint = [Material(textures.plaster(rng, any_colour(rng, 0.4, 0.5), 128), 2.0, gloss=0.7) for _ in range(2)]
    for x in np.arange(-15, 16, 5.4).tolist():
        if rng.random() < 0.7:
            shell = paint[int(rng.integers(2))]
            at = (x + float(rng.uniform(-0.4, 0.4)), 7.4, 0.015)
            parts += placed(landscape.car(shell, glass, dark, steel), at, 180.0 if rng.random() < 0.3 else 0.0)
    globe = Material(textures.plaster(rng, (0.92, 0.9, 0.84), 64), emission=0.3)
    leaf, bark = _leaf(rng), _bark(rng)
    for x in np.arange(-12, 13, 6).tolist():
        parts += placed(
            landscape.tree(rng, bark, leaf, float(rng.uniform(4, 5.5))), (x + float(rng.uniform(-1, 1)), 9.6, 0)
        )
        lamp_x = x + 3.0
        parts += placed(landscape.street_lamp(iron, globe, 3.2), (lamp_x, 2.6, 0))
    parts += placed(landscape.planter(rng, pavement, leaf, 2.2), (float(rng.choice([-4.6, 4.6])), 2.2, 0))
    return parts


def _terrace(rng: Rng, sky: Sky, y: float) -> list[Part]:
    trim = Material(textures.plaster(rng, (0.72, 0.7, 0.65), 128), 2.0, gloss=0.0)
    roof = Material(textures.tiles(rng, hsv(rng.choice([0.03, 0.6]), 0.25, 0.38), 8, 6, 0.5), 2.0, gloss=0.0)
    fronts = []
    for _ in range(2):
        bricks = bool(rng.random() < 0.5)
        hue = rng.uniform(0.015, 0.06) if bricks else rng.uniform(0.02, 0.16)
        colour = hsv(hue, rng.uniform(0.3, 0.5) if bricks else rng.uniform(0.1, 0.35), rng.uniform(0.5, 0.72))
        picture = painted.facade(rng, colour, bricks, sky.horizon, 0.06)
        fronts.append(Material(picture, gloss=0.05, casts_shadow=False))
    shop = Material(painted.shop_front(rng, any_colour(rng, 0.4, 0.4)), gloss=0.2, casts_shadow=False)
    parts, x, k = [], -33.0 + float(rng.uniform(0, 6)), 0
    while x < 33:
        wide, storeys = 3.0 * int(rng.integers(2, 5)), int(rng.integers(2, 5))
        front = shop if rng.random() < 0.65 else None
        parts += placed(landscape.house(fronts[k % 2], front, trim, roof, wide, storeys), (x + wide / 2, y, 0.1))
        x, k = x + wide, k + 1
    return parts


def courtyard(rng: Rng, sky: Sky) -> list[Part]:
    paving, leaf, wood, bark = _paving(rng), _leaf(rng), _timber(rng), _bark(rng)
    parts = _far(rng, sky, paving)
    y = float(rng.uniform(3.4, 4.4))
    stone = hsv(rng.uniform(0.05, 0.11), rng.uniform(0.1, 0.3), rng.uniform(0.45, 0.62))
    enclosure, high = int(rng.integers(3)), float(rng.uniform(1.7, 2.4))
    if enclosure == 0:
        parts += placed(landscape.fence(rng, wood, 16, high), (0, y, 0))
    else:
        picture = textures.rubble(rng, stone) if enclosure == 1 else textures.brick(rng, hsv(0.035, 0.4, 0.52), 512)
        wall = Material(picture, 1.4 if enclosure == 1 else 1.0, gloss=0.0, has_grain=False)
        parts += [
            box(wall, (-9, y, 0), (9, y + 0.3, high)),
            box(paving, (-9, y - 0.06, high), (9, y + 0.36, high + 0.08), 0.02),
        ]
        for side in (-1, 1):
            parts.append(box(wall, (side * 7.5 - 0.15, -1.0, 0), (side * 7.5 + 0.15, y, high)))
    for side in (-1, 1):
        for depth in (5.0, 8.5):
            at = (side * float(rng.uniform(3, 9)), y + depth - 3, 0)
            parts += placed(landscape.tree(rng, bark, leaf, float(rng.uniform(4, 6))), at)
    parts += placed(_terrace(rng, sky, 0.0), (float(rng.uniform(-4, 4)), y + 9.0, 0))
    blossom = Material(textures.foliage(rng, hsv(0.25, 0.42, 0.5), 12, 384, flowers=0.14), 0.9, gloss=0.0)
    clay = Material(textures.concrete(rng, hsv(0.04, 0.45, 0.6), 128), 0.8, gloss=0.05)
    for x in np.arange(-6.2, 6.5, 2.1).tolist():
        draw, at = rng.random(), (x + float(rng.uniform(-0.3, 0.3)), y - 0.45, 0)
        if draw < 0.45:
            parts += placed(landscape.planter(rng, clay, blossom if rng.random() < 0.6 else leaf, 1.5, 0.42), at)
        elif draw < 0.8:
            parts += placed(
                landscape.bush(rng, blossom if rng.random() < 0.5 else leaf, 1.3, float(rng.uniform(0.8, 1.5))), at
            )
    parts += placed(landscape.bench(wood, _iron(rng)), (float(rng.uniform(-2.5, 2.5)), y - 0.8, 0))
    return parts


def promenade(rng: Rng, sky: Sky) -> list[Part]:
    sand = Material(textures.sand(rng, (0.8, 0.7, 0.53)), 2.4, gloss=0.0, casts_shadow=False)
    water = mix(hsv(rng.uniform(0.48, 0.57), 0.55, 0.5), sky.horizon, 0.12)
    sea = Material(textures.sea(rng, water), 7.0, gloss=0.3, casts_shadow=False)
    deck = textures.planks(rng, hsv(0.09, rng.uniform(0.12, 0.35), rng.uniform(0.5, 0.65)), 7)
    walk = Material(deck, 1.2, casts_shadow=False) if rng.random() < 0.5 else _paving(rng)
    iron, bark = _iron(rng), _bark(rng)
    far = Material(
        textures.sand(rng, mix((0.35, 0.42, 0.4), sky.horizon, 0.45), 256), 12, gloss=0.0, casts_shadow=False
    )
    parts = _far(rng, sky, sand, treeline=False)
    parts += [
        _flat(sea, -66, 15, 66, 66, 0.05),
        landscape.skyline(rng, far, 62, -0.5, float(rng.uniform(2.0, 6.0)), 0.1),
    ]
    parts += [_flat(walk, -60, -20, 60, 3.2, 0.012), box(walk, (-60, 3.2, -0.1), (60, 3.35, 0.08), 0.02)]
    if rng.random() < 0.7:
        parts += placed(landscape.railing(iron, 48), (0, 3.1, 0))
    frond = Material(textures.foliage(rng, hsv(0.25, 0.5, 0.45), 9, 256), 0.8, gloss=0.1)
    for x in np.arange(-14, 15, 5.5).tolist():
        at = (x + float(rng.uniform(-1.5, 1.5)), float(rng.uniform(4.2, 6)), 0)
        parts += placed(landscape.palm(rng, bark, frond, float(rng.uniform(3.5, 5.5))), at, float(rng.uniform(0, 360)))
    cloth = [Material(textures.stripes(rng, any_colour(rng, 0.6, 0.7), 128), 0.8) for _ in range(2)]
    for x in rng.uniform(-13, 13, 8).tolist():
        canvas, depth = cloth[int(rng.integers(2))], float(rng.uniform(7, 13))
        parts += placed(landscape.parasol(iron, canvas), (x, depth, 0), float(rng.uniform(0, 360)))
    for x in (-4.3, 4.3):
        parts += placed(landscape.bench(_timber(rng), iron), (x, 2.7, 0))
    return parts


def countryside(rng: Rng, sky: Sky) -> list[Part]:
    lawn, wood, bark, leaf, other = _lawn(rng), _timber(rng), _bark(rng), _leaf(rng), _leaf(rng)
    parts = _far(rng, sky, lawn)
    earth = Material(textures.asphalt(rng, hsv(0.09, 0.35, 0.5)), 2.4, gloss=0.0, casts_shadow=False)
    parts.append(_flat(earth, -60, -1.2, 60, 1.0, 0.012))
    y = float(rng.uniform(2.6, 3.4))
    for x in np.arange(-14, 14.1, 2.0).tolist():
        parts.append(box(wood, (x - 0.06, y - 0.06, -0.1), (x + 0.06, y + 0.06, 1.15), 0.01))
    for z in (0.35, 0.7, 1.0):
        parts.append(box(wood, (-14, y - 0.085, z), (14, y - 0.045, z + 0.11), 0.01))
    crop = Material(
        textures.foliage(rng, hsv(rng.uniform(0.12, 0.22), 0.5, 0.55), 10, 384, flowers=0.05),
        2.0,
        gloss=0.0,
        casts_shadow=False,
    )
    parts.append(box(crop, (-60, 14, -0.1), (60, 40, float(rng.uniform(0.3, 0.8)))))
    for x in rng.uniform(-18, 18, 6).tolist():
        material, at = leaf if rng.random() < 0.6 else other, (x, float(rng.uniform(7, 13)), 0)
        parts += placed(landscape.tree(rng, bark, material, float(rng.uniform(4, 8))), at)
        parts += placed(landscape.bed(earth, 0.6), at)
    for x in rng.uniform(-9, 9, 7).tolist():
        parts += placed(
            landscape.bush(rng, other, float(rng.uniform(0.8, 2.0)), float(rng.uniform(0.5, 1.3))), (x, y + 1.2, 0)
        )
    return parts


PLACES: tuple[Callable[[Rng, Sky], list[Part]], ...] = (park, street, courtyard, promenade, countryside)
