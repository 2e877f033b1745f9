"""The rooms: living room, office, kitchen, library, loft, café. The middle stays free for actors.

Furniture stands along the back wall and the far sides: nothing within 3.2 m of the origin sideways and 1.6 m in depth.
"""

from dataclasses import replace

import numpy as np

from studio.scenery import fittings, furniture, painted, rooms, shell, textures
from studio.scenery.painted import any_colour, hsv, natural_hue
from studio.scenery.patterns import shade
from studio.scenery.rooms import Item, Rng, Stuff
from studio.scenery.scene import Pixels
from studio.scenery.shapes import Material, Part, box, placed, rectangle
from studio.scenery.shell import Size


def living_room(rng: Rng) -> list[Part]:
    s, room = rooms.stuff(rng), rooms.size(rng)
    seats = int(rng.integers(2, 4))
    width = 0.75 * seats + 0.4
    books = Material(painted.book_spines(rng, 0.55))
    items = [
        Item(furniture.sofa(rng, s.cloth, s.wood, s.second_cloth, width, seats), width, 0.9),
        Item(furniture.floor_lamp(s.metal, s.lampshade, 1.65), 0.5, 1.65),
        Item(furniture.bookcase(rng, s.wood, books, s.swatch, 0.95, float(rng.uniform(1.5, 2.1))), 1.0, 2.1),
        rooms.daylight(rng, s, 1.3, 1.4, 0.85, True),
        Item(_sideboard(rng, s), 1.4, 0.8),
        Item(furniture.potted_plant(rng, s.white, s.leaf, float(rng.uniform(1.1, 1.7))), 0.7, 1.7),
    ]
    parts = rooms.along_wall(rng, items, room, s)
    left = bool(rng.random() < 0.5)
    parts += rooms.beside(rng, furniture.sofa(rng, s.second_cloth, s.wood, s.cloth, 0.95, 1), room, left, 1.0)
    case = furniture.bookcase(rng, s.wood, books, s.swatch, 0.9, 1.9)
    parts += rooms.beside(rng, case, room, not left, 1.2)
    parts += rooms.beside(rng, rooms.daylight(rng, s, 1.2, 1.4, 0.85, True).parts, room, not left, -1.2)
    finish = "paper" if rng.random() < 0.65 else "plain"
    return [*_room(rng, room, parts, finish, rooms.wooden_floor(rng)), rooms.rug(rng)]


def _sideboard(rng: Rng, s: Stuff) -> list[Part]:
    parts = placed(fittings.wall_units(s.wood, s.metal, 1.35, 0.6, 0.45), (0, 0, 0.15))
    for x in (-0.6, 0.55):
        parts.append(box(s.metal, (x, -0.28, 0), (x + 0.05, -0.08, 0.15)))
    for x in (-0.45, -0.1, 0.3):
        at = (x + float(rng.uniform(-0.1, 0.1)), -0.17, 0.75)
        parts.append(furniture.coloured(furniture.vessel(rng, s.swatch, at, float(rng.uniform(0.12, 0.32))), rng))
    return parts


def office(rng: Rng) -> list[Part]:
    s, room = rooms.stuff(rng), rooms.size(rng)
    screen = Material(painted.screen(rng), emission=0.6)
    face = Material(painted.board(rng, (0.84, 0.85, 0.85), any_colour(rng, 0.8, 0.35)), gloss=0.4)
    top = s.light_wood if rng.random() < 0.6 else s.white
    items = []
    for width in (1.6, 1.4):
        parts = fittings.desk(rng, top, s.metal, s.dark, screen, s.swatch, width)
        parts += placed(furniture.office_chair(s.dark, s.cloth), (-0.2, -0.62, 0), float(rng.uniform(130, 220)))
        items.append(Item(parts, width + 0.1, 1.0))
    shelf = fittings.folder_shelf(rng, s.white, s.swatch, 1.2, 1.9)
    whiteboard = placed(fittings.wall_board(s.metal, face, 1.9, 1.15), (0, 0, 1.5))
    items += [
        Item(shelf, 1.25, 1.9),
        Item(whiteboard, 2.0, 2.2),
        rooms.daylight(rng, s, 1.5, 1.4, 0.9, False),
        Item(furniture.potted_plant(rng, s.dark, s.leaf, 1.4), 0.7, 1.4),
    ]
    parts = rooms.along_wall(rng, items, room, s)
    left = bool(rng.random() < 0.5)
    parts += rooms.beside(rng, fittings.folder_shelf(rng, s.light_wood, s.swatch, 1.6, 1.2), room, left, 0.8)
    parts += rooms.beside(rng, rooms.daylight(rng, s, 1.9, 1.3, 0.95, False).parts, room, not left, 0.4)
    light = Material(textures.plaster(rng, (0.98, 0.98, 0.97), 64), emission=0.8, casts_shadow=False)
    for x in np.arange(-3, 3.1, 1.5).tolist():
        for y in (-2.0, 0.0, 2.0):
            corner = (x - 0.3, y + 0.3, room.height_m - 0.012)
            parts.append(rectangle(light, corner, (0.6, 0, 0), (0, -0.6, 0)))
    carpet = textures.carpet(rng, hsv(natural_hue(rng), rng.uniform(0.05, 0.4), rng.uniform(0.35, 0.5)))
    return _room(rng, room, parts, "plain", (carpet, 1.0, 0.0))


def kitchen(rng: Rng) -> list[Part]:
    s, room = rooms.stuff(rng), rooms.size(rng, 2.6)
    y, w = room.back_m - 0.015, room.half_width_m
    if rng.random() < 0.5:
        front = Material(
            textures.plaster(rng, hsv(natural_hue(rng), rng.uniform(0.1, 0.45), rng.uniform(0.45, 0.75))), 1.0, 0.25
        )
    else:
        front = s.light_wood
    stone = textures.concrete(rng, hsv(0.1, 0.08, rng.uniform(0.25, 0.7)), 256)
    top = s.wood if rng.random() < 0.4 else Material(stone, 1.5, gloss=0.5)
    rows, columns, stagger = [(8, 4, 0.5), (5, 5, 0.0), (6, 6, 0.0)][rng.integers(3)]
    glaze = textures.tiles(
        rng, hsv(natural_hue(rng), rng.uniform(0.05, 0.3), rng.uniform(0.6, 0.8)), rows, columns, stagger
    )
    splash = Material(glaze, 0.75, gloss=0.5, casts_shadow=False)
    cooker_x = float(rng.uniform(-1.0, 1.0))
    end = w - 0.75
    parts = [rectangle(splash, (-w, y, 0.88), (2 * w, 0, 0), (0, 0, 0.7))]
    for low, high in ((-end, cooker_x - 0.31), (cooker_x + 0.31, w - 0.05)):
        units = fittings.kitchen_units(front, top, s.metal, high - low, True, (high - low) / round((high - low) / 0.6))
        parts += placed(units, ((low + high) / 2, y, 0))
    parts += placed(fittings.cooker(s.metal, s.dark), (cooker_x, y, 0))
    parts += placed(fittings.fridge(s.white if rng.random() < 0.6 else s.metal, s.metal, 1.85), (-w + 0.4, y, 0))
    cupboards = bool(rng.random() < 0.6)
    for low, high in ((-end, cooker_x - 0.35), (cooker_x + 0.35, w - 0.05)):
        middle, wide = (low + high) / 2, high - low
        if cupboards:
            parts += placed(
                fittings.wall_units(front, s.metal, wide, 0.72, wide / round(wide / 0.55)), (middle, y, 1.52)
            )
        else:
            for z in (1.5, 1.92):
                parts += placed(fittings.jar_shelf(rng, s.wood, s.swatch, wide - 0.2), (middle, y, z))
        parts += placed(fittings.jar_shelf(rng, top, s.swatch, wide - 0.3, 0.45), (middle, y - 0.03, 0.905))[1 + 2 :]
    left = bool(rng.random() < 0.5)
    dining = furniture.table(s.wood, s.wood, 1.4, 0.72, 0.75)
    parts += rooms.beside(rng, dining, room, left, 0.6)
    parts += rooms.beside(rng, rooms.daylight(rng, s, 1.3, 1.2, 1.0, True).parts, room, not left, 0.6)
    hard = rooms.hard_floor(rng) if rng.random() < 0.7 else rooms.wooden_floor(rng)
    return _room(rng, room, parts, "plain", hard)


def library(rng: Rng) -> list[Part]:
    s, room = rooms.stuff(rng), rooms.size(rng, 2.95)
    books = Material(painted.book_spines(rng, float(rng.uniform(0.28, 0.55))))
    y, w = room.back_m - 0.03, room.half_width_m
    tall = room.height_m - float(rng.uniform(0.35, 0.7))
    count = int(2 * w / 1.05)
    parts = []
    for k in range(count):
        x = (k - (count - 1) / 2) * (2 * w / count)
        parts += placed(furniture.bookcase(rng, s.wood, books, s.swatch, 2 * w / count - 0.02, tall), (x, y, 0))
    parts += placed(fittings.ladder(s.light_wood, tall + 0.1), (float(rng.uniform(-2.5, 2.5)), y - 0.3, 0))
    left = bool(rng.random() < 0.5)
    chair = furniture.sofa(rng, s.cloth, s.wood, s.second_cloth, 0.92, 1)
    parts += rooms.beside(rng, chair, room, left, 0.7)
    parts += rooms.beside(rng, furniture.floor_lamp(s.metal, s.lampshade, 1.6), room, left, 1.7)
    parts += rooms.beside(rng, furniture.bookcase(rng, s.wood, books, s.swatch, 1.1, tall), room, not left, 1.4)
    parts += rooms.beside(rng, rooms.daylight(rng, s, 1.1, 1.6, 0.8, True).parts, room, not left, -0.9)
    finish = "paper" if rng.random() < 0.5 else "plain"
    return [*_room(rng, room, parts, finish, rooms.wooden_floor(rng)), rooms.rug(rng)]


def loft(rng: Rng) -> list[Part]:
    s, room = rooms.stuff(rng), rooms.size(rng, 3.5)
    cells = [(int(k) // 2, int(k) % 2) for k in rng.permutation(4)]
    seat = furniture.sofa(rng, s.cloth, s.dark, s.second_cloth, 1.9, 2)
    stack = placed(fittings.canvas(s.light_wood, s.art, cells[0], 1.1, 1.3), (0, 0, 0))
    stack += placed(fittings.canvas(s.light_wood, s.art, cells[1], 0.8, 0.8), (0.45, -0.2, 0))
    items = [
        rooms.daylight(rng, s, 2.2, 1.9, 0.9, False),
        Item(seat, 2.0, 0.9),
        Item(stack, 1.5, 1.3),
        Item(fittings.easel(s.wood, s.art, cells[2]), 0.9, 1.8),
        Item(furniture.potted_plant(rng, s.dark, s.leaf, 1.8), 0.8, 1.8),
        Item(fittings.folder_shelf(rng, s.metal, s.swatch, 1.1, 2.0), 1.2, 2.0),
    ]
    parts = rooms.along_wall(rng, items, room, s)
    left = bool(rng.random() < 0.5)
    parts += rooms.beside(rng, fittings.canvas(s.light_wood, s.art, cells[3], 1.3, 1.5), room, left, 1.3)
    parts += rooms.beside(rng, rooms.daylight(rng, s, 2.4, 1.9, 0.9, False).parts, room, not left, 0.6)
    # What hangs under the ceiling would throw bars of shade across the actors: it casts none.
    steel = Material(textures.concrete(rng, (0.55, 0.56, 0.57), 128), gloss=0.5, casts_shadow=False)
    beams = replace(s.wood, casts_shadow=False)
    parts += placed(fittings.pipe_run(steel, 2 * room.half_width_m, room.height_m - 0.5, 0.17), (0, room.back_m, 0))
    for x in np.arange(-room.half_width_m + 0.8, room.half_width_m, 1.6).tolist():
        parts.append(box(beams, (x - 0.08, -8, room.height_m - 0.22), (x + 0.08, room.back_m, room.height_m)))
    if rng.random() < 0.5:
        floor = (textures.concrete(rng, hsv(0.1, 0.06, rng.uniform(0.4, 0.6))), 2.0, 0.35)
    else:
        floor = rooms.wooden_floor(rng)
    return _room(rng, room, parts, "brick", floor)


def cafe(rng: Rng) -> list[Part]:
    s, room = rooms.stuff(rng), rooms.size(rng, 2.9)
    chalk = Material(painted.board(rng, (0.13, 0.15, 0.14), (0.8, 0.8, 0.74)), gloss=0.1)
    y, w = room.back_m - 0.02, room.half_width_m
    wide = float(rng.uniform(3.0, 4.2))
    x = float(rng.uniform(-0.8, 0.8))
    panels = Material(textures.planks(rng, shade(any_colour(rng, 0.4, 0.5), 0.9), 6, 512), 0.8, gloss=0.2)
    front = y - 0.95
    parts = [
        box(panels, (x - wide / 2, front, 0), (x + wide / 2, front + 0.5, 1.02)),
        box(s.wood, (x - wide / 2 - 0.05, front - 0.08, 1.02), (x + wide / 2 + 0.05, front + 0.55, 1.07), 0.015),
    ]
    goods = placed(fittings.jar_shelf(rng, s.wood, s.swatch, wide - 0.4, 0.6), (x, front + 0.4, 1.075))
    parts += goods[3:]
    for z in (1.35, 1.75):
        parts += placed(fittings.jar_shelf(rng, s.wood, s.swatch, wide), (x, y, z))
    parts += placed(fittings.wall_board(s.wood, chalk, 1.5, 0.7), (x, y, 2.4))
    for k in (-1, 0, 1):
        parts += placed(furniture.pendant(s.dark, s.lampshade, room.height_m, 0.9), (x + k * wide / 3, front + 0.2, 0))
    for side in (-1, 1):
        table_x = x + side * (wide / 2 + 0.55)
        if abs(table_x) < w - 0.35:
            parts += placed(furniture.potted_plant(rng, s.white, s.leaf, 1.5), (table_x, y, 0))
        for depth in (0.9, -0.7):
            seating = furniture.table(s.wood, s.dark, 0.7, 0.62, 0.75)
            seating += placed(furniture.chair(s.wood, s.cloth), (0.62, -0.3, 0), -90)
            parts += rooms.beside(rng, seating, room, side < 0, depth)
        hung = furniture.picture(s.wood, s.art, (int(rng.integers(2)), int(rng.integers(2))), 0.7, 0.8)
        parts += rooms.beside(rng, placed(hung, (0, 0.02, 1.65)), room, side < 0, 0.2)
    finish = "brick" if rng.random() < 0.4 else "plain"
    return _room(rng, room, parts, finish, rooms.hard_floor(rng))


def _room(rng: Rng, room: Size, parts: list[Part], finish: str, floor: tuple[Pixels, float, float]) -> list[Part]:
    return rooms.decorated(rng, room, finish) + shell.floor(*floor, room, parts) + parts
