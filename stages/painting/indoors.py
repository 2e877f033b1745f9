"""Walls, backdrops and rooms: each is painted from its palette, a density and chance, in linear light."""

from itertools import pairwise

import numpy as np

from actor18m.arrays import Floats
from stages.painting.painter import Painter, lamp, on_floor, pick, with_ground
from stages.painting.textures import joints, noise
from stages.painting.view import over


def lights(at: Painter) -> Floats:
    """Palette: wall, floor, and the colours of small lamps."""
    wall, floor, *lamps = at.colours
    view = at.view
    z_m = view.subject_m + 3
    picture = np.asarray(at.plain(wall) * np.exp(0.35 * at.noise(z_m, 1.5, 1.2))[..., None], np.float32)
    dots = np.zeros((view.height, view.width, 3), np.float32)
    reach = view.width / view.focal_px * z_m / 2 + 0.5
    for _ in range(2 + round(5 * at.density)):
        # strings of lamps that sag between two hooks
        left, right = -reach, reach
        ends, sag = at.chance.uniform(0.6, 3.0, 2), at.chance.uniform(0.1, 0.5)
        for share in np.arange(at.chance.random() * 0.05, 1, 0.16 / (2 * reach)):
            high = ends[0] + (ends[1] - ends[0]) * share - sag * 4 * share * (1 - share)
            lamp(dots, view, left + (right - left) * share, high, z_m, pick(at, lamps) * at.chance.lognormal(-0.3, 0.4))
    glow = view.blurred(dots, z_m)
    picture = view.blurred(picture, z_m) + glow + 6 * view.blurred(glow, 1e6) * wall
    return with_ground(at, np.asarray(picture, np.float32), at.ground(floor, 0.2, 1), z_m)


def bricks(at: Painter) -> Floats:
    """Palette: bricks, mortar, floor."""
    brick, mortar, floor = at.colours
    z_m = at.view.subject_m + 1.6
    joint, own = joints(at.chance, at.view.across(z_m), at.view.up(z_m), (0.225, 0.075), 0.010)
    stone = brick * np.exp(0.16 * own + 0.14 * at.noise(z_m, 0.03, 0.05, 3) + 0.12 * at.noise(z_m, 1, 1))[..., None]
    wall = over(stone.astype(np.float32), mortar * np.exp(0.1 * at.noise(z_m, 0.5, 0.5))[..., None], joint)
    return on_floor(at, wall, z_m, at.ground(floor, 0.15, 0.8))


def tiles(at: Painter) -> Floats:
    """Palette: tiles, joints, floor."""
    tile, joint_, floor = at.colours
    z_m = at.view.subject_m + 1.8
    joint, own = joints(at.chance, at.view.across(z_m), at.view.up(z_m), (0.2, 0.1), 0.006)
    glaze = tile * np.exp(0.05 * own + 0.12 * at.noise(z_m, 1.4, 1.4, 2))[..., None]
    wall = over(glaze.astype(np.float32), joint_, joint)
    return on_floor(at, wall, z_m, at.ground(floor, 0.1, 0.8))


def planks(at: Painter) -> Floats:
    """Palette: wood, gaps, floor."""
    wood, gap, floor = at.colours
    view = at.view
    z_m = view.subject_m + 1.5
    joint, own = joints(
        at.chance, view.up(z_m) + 0 * view.across(z_m), view.across(z_m) + 0 * view.up(z_m), (2.6, 0.14), 0.008
    )
    grain = 0.2 * own + 0.16 * at.noise(z_m, 0.9, 0.012, 4) + 0.08 * at.noise(z_m, 0.2, 0.1, 3)
    wall = over((wood * np.exp(grain)[..., None]).astype(np.float32), gap, joint * 0.9)
    return on_floor(at, wall, z_m, at.ground(floor, 0.25, 0.8))


def plaster(at: Painter) -> Floats:
    """Palette: wall, floor, skirting."""
    colour, floor, skirting = at.colours
    z_m = at.view.subject_m + 1.7
    rough = 0.02 + 0.2 * at.density
    wall = colour * np.exp(rough * at.noise(z_m, 0.7, 0.7, 6) + 0.05 * at.noise(z_m, 2.5, 2.5, 2))[..., None]
    return on_floor(at, wall.astype(np.float32), z_m, at.ground(floor, 0.12, 0.9), skirting)


def studio(at: Painter) -> Floats:
    """Palette: backdrop, its clouded spots. Paper or cloth that runs on beneath the feet."""
    colour, spots = at.colours
    view = at.view
    z_m = view.subject_m + 2
    picture = over(
        at.plain(colour), spots, np.clip(0.4 * at.density * at.noise(z_m, 0.6, 0.6, 4) + 0.3 * at.density, 0, 1)
    )
    # a lamp on the backdrop, behind the person
    off = np.hypot(view.across(z_m) - at.chance.uniform(-0.3, 0.3), view.up(z_m) - 1.35)
    picture = picture * (0.5 + 0.75 * np.exp(-((off / 1.25) ** 2)))[..., None]
    # what lies on the floor is lit from above
    bend = np.clip((view.rows - view.row(0, z_m)) / max(1.0, view.row(0, view.subject_m) - view.row(0, z_m)), 0, 1)
    picture = picture * (1 + 0.18 * bend)[..., None]
    return view.blurred(np.asarray(picture, np.float32), z_m)


def curtain(at: Painter) -> Floats:
    """Palette: cloth, floor."""
    cloth, floor = at.colours
    view = at.view
    z_m = view.subject_m + 1.4
    x = view.across(z_m) + 0.012 * at.noise(z_m, 2.5, 0.5, 2)
    # folds of uneven width, each round in front and dark behind
    phase = x / 0.14 + 0.9 * noise(at.chance, 1, view.width, (1, 0.4 * view.focal_px / z_m), 2)
    fold = 0.5 + 0.5 * np.sin(2 * np.pi * phase) + 0.15 * np.sin(4 * np.pi * phase + 1)
    weave = 0.05 * at.noise(z_m, 0.3, 0.01, 2)
    wall = cloth * ((0.22 + 0.85 * np.clip(fold, 0, 1.2) ** 1.3) * np.exp(weave))[..., None]
    return on_floor(at, wall.astype(np.float32), z_m, at.ground(floor, 0.15, 0.8))


def shelves(at: Painter) -> Floats:
    """Palette: shelves, darkness behind, floor, and the colours of books."""
    board, dark, floor, *books = at.colours
    view = at.view
    z_m = view.subject_m + 1.9
    up, x = view.up(z_m)[:, 0], view.across(z_m)[0]
    picture = at.plain(dark).copy()
    left, right = float(x[0]) - 0.1, float(x[-1]) + 0.1
    for number in range(int(max(up[0], 0.4) / 0.34) + 1):
        base = 0.1 + 0.34 * number
        where = left
        while where < right:
            wide, tall = at.chance.uniform(0.018, 0.055), at.chance.uniform(0.19, 0.29)
            if at.chance.random() < 0.04 + 0.25 * (1 - at.density):
                where += at.chance.uniform(0.03, 0.2)
                continue
            rows = np.flatnonzero((up >= base) & (up < base + tall))
            columns = np.flatnonzero((x >= where) & (x < where + wide))
            if len(rows) and len(columns):
                colour = pick(at, books) * at.chance.lognormal(0, 0.3)
                # a back is round, and darker below the next shelf
                round_ = 0.55 + 0.45 * np.sin(np.pi * (x[columns] - where + 0.002) / (wide + 0.004))
                under = 0.6 + 0.4 * np.clip((base + 0.34 - up[rows]) / 0.2, 0, 1)
                picture[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = (
                    colour * (under[:, None] * round_)[..., None]
                )
            where += wide
        for low, high, share in ((base - 0.03, base, 1.0), (base + 0.28, base + 0.31, 0.35)):
            picture[(up >= low) & (up < high)] = (
                board * share if share == 1 else picture[(up >= low) & (up < high)] * share
            )
    # uprights
    for post in np.arange(np.floor(left / 0.9) * 0.9 + 0.9 * at.chance.random(), right, 0.9):
        picture[:, (x >= post) & (x < post + 0.035)] = board * 0.85
    return on_floor(at, picture, z_m, at.ground(floor, 0.15, 0.7))


def corridor(at: Painter) -> Floats:
    """Palette: walls, floor, ceiling, lamps, doors."""
    walls, floor, ceiling, lamps, doors = at.colours
    view = at.view
    half, high, off, end = 1.3, 2.7, at.chance.uniform(-0.35, 0.35), 26.0
    x0 = view.across(1.0) * np.ones((view.height, 1), np.float32)
    y0 = view.up(1.0) - view.eye_m + 0 * x0
    # where each ray leaves the corridor: a side, the floor, the ceiling or the end
    to_side = np.where(x0 > 0, half - off, half + off) / np.maximum(np.abs(x0), 1e-4)
    to_level = np.where(y0 > 0, high - view.eye_m, view.eye_m) / np.maximum(np.abs(y0), 1e-4)
    z = np.minimum(np.minimum(to_side, to_level), end)
    is_side, is_end = (to_side < to_level) & (to_side < end), z >= end
    up = view.eye_m + y0 * z
    # doors along the walls, lamps along the ceiling
    along = np.mod(z + at.chance.random() * 3, 3.2)
    door = is_side & (along < 1.0) & (up < 2.05)
    lamp = ~is_side & (y0 > 0) & (np.mod(z, 2.4) < 1.2) & (np.abs(x0 * z + off) < 0.3)
    picture = over(at.plain(walls), doors, door)
    flat = ~is_side & ~is_end
    picture = over(picture, floor, flat & (y0 <= 0))
    picture = over(picture, ceiling, flat & (y0 > 0))
    picture = over(picture, walls * 1.5, is_end)
    # light falls off between the lamps and towards the floor, and the floor shines a little
    lit = (0.75 + 0.2 * np.cos(2 * np.pi * (z - 0.6) / 2.4) * np.clip(up / high, 0, 1)) * (0.75 + 0.25 * up / high)
    picture = picture * lit[..., None]
    shine = flat & (y0 <= 0) & (np.mod(z, 2.4) < 1.2) & (np.abs(x0 * z + off) < 0.4)
    picture = over(over(np.asarray(picture, np.float32), lamps, shine * np.float32(0.12 * at.density)), lamps * 3, lamp)
    layers = [
        (depth, view.blurred(picture, depth)) for depth in (view.subject_m, 1.4 * view.subject_m, 7.0, 12.0, 26.0)
    ]
    mixed = layers[0][1]
    for (near, _), (far, blurred) in pairwise(layers):
        if far > near:
            mixed = over(mixed, blurred, np.clip((1 / near - 1 / z) / (1 / near - 1 / far), 0, 1))
    return mixed


def window(at: Painter) -> Floats:
    """Palette: wall, light outside, frame, floor, green outside."""
    wall, outside, frame, floor, green = at.colours
    view = at.view
    z_m = view.subject_m + 2.2
    x, up = view.across(z_m), view.up(z_m)
    middle = at.chance.choice([-0.75, 0.75]) + at.chance.uniform(-0.15, 0.15)
    wide, low, high = 1.5, 0.9, 2.35
    off = np.abs(x - middle)
    # light from the window lies on the wall about it
    glow = np.exp(-np.hypot(np.clip(off - wide / 2, 0, 9), np.clip(np.abs(up - 1.6) - 0.7, 0, 9)) / 0.6)
    picture = wall * (0.5 + 0.6 * glow)[..., None] * np.exp(0.03 * at.noise(z_m, 0.8, 0.8))[..., None]
    pane = (off < wide / 2) & (up > low) & (up < high)
    trees = np.clip(0.5 + 0.5 * at.noise(12, 1.6, 1.6) + 0.6 - 0.9 * (up - low) / (high - low), 0, 1)
    beyond = view.blurred(over(at.plain(outside * 1.8), green, trees * at.density), 12)
    picture = over(np.asarray(picture, np.float32), beyond, pane)
    bars = pane & (
        (off < 0.025) | (np.abs(up - 1.75) < 0.02) | (off > wide / 2 - 0.05) | (up < low + 0.05) | (up > high - 0.05)
    )
    picture = over(
        over(picture, frame * 0.7, bars), frame, (off < wide / 2 + 0.06) & (np.abs(up - low + 0.025) < 0.025)
    )
    return on_floor(at, picture, z_m, at.ground(floor, 0.25, 0.9), frame * 0.8)
