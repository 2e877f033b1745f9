"""How a room is put together: its materials, the finish of its walls and floor, and furniture lined up along them."""

from dataclasses import dataclass

import numpy as np

from studio.scenery import furniture, painted, shell, textures
from studio.scenery.painted import any_colour, hsv, natural_hue
from studio.scenery.patterns import Colour, mix, shade
from studio.scenery.scene import Pixels
from studio.scenery.shapes import Material, Part, Point, box, placed, rectangle
from studio.scenery.shell import Size

Rng = np.random.Generator


@dataclass(frozen=True)
class Stuff:
    """The materials that the pieces of one room share."""

    wood: Material
    light_wood: Material
    cloth: Material
    second_cloth: Material
    metal: Material
    white: Material
    dark: Material
    swatch: Material
    leaf: Material
    art: Material
    lampshade: Material


@dataclass(frozen=True)
class Item:
    """A group of furniture that needs a stretch of wall; pictures hang above low ones."""

    parts: list[Part]
    width_m: float
    height_m: float


def stuff(rng: Rng) -> Stuff:
    timber = hsv(rng.uniform(0.045, 0.1), rng.uniform(0.3, 0.6), rng.uniform(0.25, 0.6))
    metal: Colour = [(0.2, 0.2, 0.21), (0.6, 0.6, 0.6), (0.62, 0.5, 0.3)][rng.integers(3)]
    return Stuff(
        wood=Material(textures.wood(rng, timber), 0.9, gloss=0.3),
        light_wood=Material(textures.wood(rng, mix(timber, (0.8, 0.68, 0.5), 0.6)), 0.9, gloss=0.25),
        cloth=Material(textures.fabric(rng, any_colour(rng, 0.34, 0.5)), 0.7, gloss=0.02),
        second_cloth=Material(textures.fabric(rng, any_colour(rng, 0.42, 0.6)), 0.5, gloss=0.02),
        metal=Material(textures.concrete(rng, metal, 128), 1.0, gloss=0.6),
        white=Material(textures.plaster(rng, (0.82, 0.81, 0.78), 256), 1.0, gloss=0.2),
        dark=Material(textures.plaster(rng, (0.13, 0.13, 0.14), 128), 1.0, gloss=0.4),
        swatch=Material(painted.swatches(rng), gloss=0.3),
        leaf=Material(textures.foliage(rng, hsv(rng.uniform(0.2, 0.36), 0.5, rng.uniform(0.3, 0.5)), 13, 256), 0.3),
        art=Material(painted.wall_art(rng), gloss=0.1),
        lampshade=Material(textures.fabric(rng, (0.9, 0.84, 0.7), 128), 0.3, emission=0.55),
    )


def size(rng: Rng, height_m: float = 2.75) -> Size:
    back = float(rng.uniform(2.9, 3.5))
    return Size(float(rng.uniform(4.3, 4.9)), back, height_m * float(rng.uniform(0.95, 1.12)))


def decorated(rng: Rng, room: Size, kind: str) -> list[Part]:
    """Walls and ceiling in a random finish that suits the kind of room."""
    colour = hsv(natural_hue(rng), rng.uniform(0.08, 0.35), rng.uniform(0.5, 0.72))
    # The light comes through the walls that the camera does not show, so the shell and its mouldings cast no shadow.
    trim = Material(textures.plaster(rng, (0.78, 0.77, 0.73), 128), gloss=0.2, casts_shadow=False)
    wainscot = mix(colour, (0.8, 0.78, 0.72), 0.6) if rng.random() < 0.4 else None
    if kind == "brick":
        bricks = hsv(rng.uniform(0.015, 0.06), rng.uniform(0.3, 0.55), rng.uniform(0.45, 0.65))
        if rng.random() < 0.25:
            bricks = hsv(0.1, 0.08, 0.68)
        accent = shell.wall_panel(textures.brick(rng, bricks), 1.0, room.height_m, None)
        sides = (
            accent if rng.random() < 0.5 else shell.wall_panel(textures.plaster(rng, colour), 1.5, room.height_m, None)
        )
    elif kind == "plain":
        sides = shell.wall_panel(textures.plaster(rng, colour), 1.5, room.height_m, wainscot)
        other = hsv(natural_hue(rng), rng.uniform(0.15, 0.36), rng.uniform(0.45, 0.62))
        accent = (
            shell.wall_panel(textures.plaster(rng, other), 1.5, room.height_m, None) if rng.random() < 0.4 else sides
        )
    else:
        paper = textures.motifs if rng.random() < 0.65 else textures.stripes
        sides = shell.wall_panel(paper(rng, colour), 0.75 if rng.random() < 0.5 else 1.0, room.height_m, wainscot)
        accent = sides
    parts = shell.walls(sides, room, trim, None if accent is sides else accent)
    parts.append(shell.ceiling(textures.concrete(rng, (0.86, 0.85, 0.82)), 1.2, room))
    w, y, h = room.half_width_m, room.back_m, room.height_m
    if kind != "brick":
        parts += [
            box(trim, (-w, y - 0.07, h - 0.08), (w, y, h), 0.03),
            box(trim, (-w, -8, h - 0.08), (-w + 0.07, y, h), 0.03),
        ]
        parts.append(box(trim, (w - 0.07, -8, h - 0.08), (w, y, h), 0.03))
    return parts


def wooden_floor(rng: Rng) -> tuple[Pixels, float, float]:
    """Texture, tile edge in metres, gloss."""
    colour = hsv(rng.uniform(0.055, 0.095), rng.uniform(0.22, 0.45), rng.uniform(0.35, 0.62))
    return textures.planks(rng, colour, int(rng.integers(5, 9))), float(rng.uniform(0.9, 1.2)), 0.35


def hard_floor(rng: Rng) -> tuple[Pixels, float, float]:
    colour = hsv(rng.uniform(0.02, 0.14), rng.uniform(0.05, 0.35), rng.uniform(0.4, 0.65))
    if rng.random() < 0.5:
        return textures.checker(rng, shade(colour, 0.6)), float(rng.uniform(1.2, 1.8)), 0.4
    return textures.tiles(rng, colour), float(rng.uniform(1.4, 2.2)), 0.4


def along_wall(rng: Rng, items: list[Item], room: Size, s: Stuff, hang: bool = True) -> list[Part]:
    """Items side by side along the back wall, in random order, with what room is left between them."""
    order = [items[k] for k in rng.permutation(len(items))]
    free, chosen = 2 * room.half_width_m - 0.3, list[Item]()
    for item in order:
        if item.width_m + 0.15 < free:
            chosen.append(item)
            free -= item.width_m
    gap, x, parts = free / (len(chosen) + 1), -room.half_width_m + 0.15, list[Part]()
    for item in chosen:
        x += gap
        middle = x + item.width_m / 2
        parts += placed(item.parts, (middle, room.back_m - 0.03, 0))
        if hang and item.height_m < 1.15:
            parts += _pictures(rng, s, (middle, room.back_m, 1.62), item.width_m)
        x += item.width_m
    return parts


def _pictures(rng: Rng, s: Stuff, at: Point, width_m: float) -> list[Part]:
    count = int(np.clip(width_m / 0.75, 1, 3))
    cells = rng.permutation(4)
    frame, parts = (s.wood, s.dark, s.light_wood)[int(rng.integers(3))], list[Part]()
    for k in range(count):
        wide = float(rng.uniform(0.48, 0.66))
        tall = wide * float(rng.choice([0.75, 1.0, 1.3]))
        cell = (int(cells[k]) // 2, int(cells[k]) % 2)
        x = at[0] + (k - (count - 1) / 2) * 0.76
        parts += placed(furniture.picture(frame, s.art, cell, wide, tall), (x, at[1] - 0.004, at[2]))
    return parts


def beside(rng: Rng, parts: list[Part], room: Size, left: bool, y: float) -> list[Part]:
    """Against a side wall."""
    x = room.half_width_m - 0.03
    return placed(parts, (-x, y, 0), 90) if left else placed(parts, (x, y, 0), -90)


def daylight(rng: Rng, s: Stuff, width_m: float, height_m: float, sill_m: float, drapes: bool) -> Item:
    """A window, with curtains or without."""
    sky = hsv(0.57, rng.uniform(0.03, 0.18), 1.0)
    view = Material(painted.window_view(rng, sky), gloss=0.0, emission=0.65)
    columns, rows = int(rng.integers(2, 4)), int(rng.integers(1, 4))
    parts = placed(furniture.window(s.white, view, width_m, height_m, columns, rows), (0, 0, sill_m))
    if drapes:
        top = sill_m + height_m + 0.15
        for side in (-1, 1):
            parts += placed(furniture.curtain(rng, s.second_cloth, 0.5, top), (side * (width_m / 2 + 0.1), -0.06, 0))
        parts.append(box(s.metal, (-width_m / 2 - 0.45, -0.17, top), (width_m / 2 + 0.45, -0.14, top + 0.03), 0.01))
    return Item(parts, width_m + (0.8 if drapes else 0.25), 2.4)


def rug(rng: Rng) -> Part:
    field, trim = any_colour(rng, 0.5, 0.45), any_colour(rng, 0.35, 0.7)
    material = Material(painted.rug(rng, field, trim), gloss=0.0, casts_shadow=False)
    half_width, half_depth = float(rng.uniform(1.3, 1.8)), float(rng.uniform(0.9, 1.2))
    return rectangle(
        material, (-half_width, -half_depth, 0.006), (2 * half_width, 0, 0), (0, 2 * half_depth, 0), (0, 0, 1, 1)
    )
