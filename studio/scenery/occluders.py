"""Things large enough to hide a walking actor, at x = 0 and y = -1."""

import numpy as np

from studio.scenery import painted, textures
from studio.scenery.painted import any_colour, hsv, natural_hue
from studio.scenery.scene import Surface
from studio.scenery.shapes import Material, Part, box, leaves, merge, placed, turned

Rng = np.random.Generator
AT_M = (0.0, -1.0, 0.0)


def indoor(rng: Rng) -> Surface:
    """A square pillar up to any ceiling, a folding screen or a wardrobe."""
    draw = int(rng.integers(3))
    parts: list[Part]
    if draw == 0:
        colour = hsv(natural_hue(rng), 0.15, 0.66)
        picture = textures.brick(rng, hsv(0.04, 0.35, 0.55)) if rng.random() < 0.5 else textures.concrete(rng, colour)
        stone = Material(picture, 1.0, has_grain=False)
        parts = [
            box(stone, (-0.45, -0.3, 0), (0.45, 0.3, 4.2), 0.015),
            box(stone, (-0.49, -0.34, 0), (0.49, 0.34, 0.14), 0.02),
        ]
    elif draw == 1:
        cloth = Material(textures.motifs(rng, any_colour(rng, 0.3, 0.6)), 0.9, has_grain=False)
        parts = []
        for k in (-1, 0, 1):
            leaf = box(cloth, (-0.215, -0.02, 0.04), (0.215, 0.02, 2.25), 0.012)
            parts += placed([leaf], (0.4 * k, 0.0, 0), 18.0 * (1 if k % 2 else -1))
    else:
        wood = Material(
            textures.wood(rng, hsv(0.07, rng.uniform(0.3, 0.5), rng.uniform(0.3, 0.55)), 512), 1.0, gloss=0.25
        )
        parts = [
            box(wood, (-0.58, -0.3, 0.08), (0.58, 0.3, 2.22), 0.01),
            box(wood, (-0.6, -0.34, 2.2), (0.6, 0.32, 2.3), 0.02),
        ]
        parts.append(box(wood, (-0.55, -0.27, 0), (0.55, 0.27, 0.09)))
        for left in (-0.57, 0.005):
            parts.append(box(wood, (left, -0.325, 0.1), (left + 0.565, -0.3, 2.18), 0.008))
            for low, high in ((0.22, 1.0), (1.12, 2.06)):
                parts.append(box(wood, (left + 0.1, -0.34, low), (left + 0.465, -0.32, high), 0.008))
        parts += [box(wood, (x, -0.37, 1.0), (x + 0.025, -0.32, 1.2), 0.008) for x in (-0.06, 0.035)]
    return merge(placed(parts, AT_M))[0]


def outdoor(rng: Rng) -> Surface:
    """An advertising column or a clipped yew."""
    if rng.random() < 0.5:
        posters = Material(painted.wall_art(rng), 1.7)
        profile = [
            (0.01, 3.05),
            (0.25, 2.85),
            (0.62, 2.72),
            (0.66, 2.62),
            (0.56, 2.6),
            (0.55, 0.3),
            (0.63, 0.26),
            (0.64, 0),
        ]
        return merge(placed([turned(posters, profile, sides=32)], AT_M))[0]
    green = Material(textures.foliage(rng, hsv(rng.uniform(0.2, 0.28), 0.45, 0.42), 12), 0.9)
    radius = float(rng.uniform(0.52, 0.62))
    profile = [(0.05, 2.55), (radius * 0.6, 2.4), (radius * 0.9, 2.0), (radius, 1.0), (radius, 0.3), (radius * 0.9, 0)]
    parts = [turned(green, profile, sides=28)]
    for z in np.linspace(0.2, 2.2, 7).tolist():
        parts.append(leaves(green, rng, (0, 0, z), (radius * 0.98, radius * 0.98, 0.25), 130, 0.06))
    return merge(placed(parts, AT_M))[0]
