"""Places under the sky: each is painted from its palette, a density and chance, in linear light."""

import cv2
import numpy as np

from actor18m.arrays import Floats
from stages.painting.painter import Painter, lamp, pick, with_ground
from stages.painting.textures import laid, noise, tile_of_noise
from stages.painting.view import View, over


def _sky(at: Painter, top: Floats, low: Floats, cloud: float, lit: Floats | None = None) -> Floats:
    """Paler towards the horizon, with clouds that lie flat."""
    view = at.view
    rise = np.clip((view.horizon - view.rows) / view.focal_px / 0.45, 0, 1) ** 0.7
    sky = low + (top - low) * np.broadcast_to(rise[..., None], (view.height, view.width, 3))
    shape = at.noise(1000, 90, 330, 6)
    puffs = np.clip((shape - 1.1 + 1.6 * cloud) / 1.6, 0, 1) * np.clip(rise * 6, 0.2, 1)
    white = np.maximum(low, top) * 1.15 if lit is None else lit
    return over(sky.astype(np.float32), white.astype(np.float32), 0.85 * puffs)


def shore(at: Painter) -> Floats:
    """Palette: sky above, sky below, sea, foam, sand, clouds."""
    top, low, sea, foam, sand, cloud = at.colours
    view, far = at.view, 400.0
    picture = _sky(at, top, low, at.density, cloud)
    # the sea takes the sky's colour where it is far; its waves are long and flat
    z = view.ground_m
    tile = tile_of_noise(at.chance)
    waves = laid(tile, view.across(z) / 6, z, 9) + 0.6 * laid(tile, view.across(z) / 4, z, 2.3)
    nearness = np.clip(35 / z, 0, 1)[..., None]
    water = (low * 0.75 + (sea - low * 0.75) * nearness) * np.exp(0.28 * waves)[..., None]
    breaking = np.clip((waves - 1.5) * 1.5, 0, 1) * np.clip(60 / z, 0, 1) * (z < 60)
    sea_ = over(water, foam, breaking)
    line = view.subject_m + 7
    picture = with_ground(at, picture, at.in_focus(sea_), far)
    picture = over(view.blurred(picture, far), picture, np.broadcast_to(view.rows > view.horizon + 2, sea_.shape[:2]))
    # wet sand and foam where they meet
    wet = with_ground(at, picture, at.ground(sand * 0.62, 0.12, 3), line * 1.08)
    surf = at.ground(foam, 0.25, 1.5)
    return with_ground(at, with_ground(at, wet, surf, line), at.ground(sand, 0.16, 1.2), line * 0.93)


def meadow(at: Painter) -> Floats:
    """Palette: sky above, sky below, trees, grass, flowers."""
    top, low, trees, grass, flowers = at.colours
    view = at.view
    picture = _sky(at, top, low, 0.55)
    for z_m, tall in ((160.0, 11.0), (70.0, 5.5)):
        crowns = trees * np.exp(0.45 * at.noise(z_m, 3, 3))[..., None]
        crowns = crowns + (low - crowns) * min(0.5, z_m / 500)
        picture = view.blurred(over(picture, crowns.astype(np.float32), at.skyline(z_m, tall, tall / 4, 14)), z_m)
    return with_ground(at, picture, at.ground(grass, 0.42, 1.6, flowers), 55)


def woodland(at: Painter) -> Floats:
    """Palette: light between the trees, leaves, trunks, ground."""
    glow, leaves, trunks, floor = at.colours
    view = at.view
    # what shines through far away, brighter above
    high = np.clip(view.up(60) / 18, 0, 1)[..., None]
    shine = np.exp(0.7 * at.noise(60, 5, 4))[..., None]
    picture = (leaves * 0.5 + (glow - leaves * 0.5) * high) * (0.55 + 0.45 * shine)
    picture = view.blurred(np.asarray(picture, np.float32), 80)
    for z_m in (45.0, 28.0, 17.0, 10.0):
        haze = min(0.75, z_m / 60)
        # leaves hang where noise is high, thinner near the ground
        hang = np.clip(
            (at.noise(z_m, 1.6, 1.8) - 0.9 + 0.7 * at.density * np.clip(view.up(z_m) / 5, -0.5, 1)) * 2, 0, 1
        )
        speckled = leaves * np.exp(0.6 * at.noise(z_m, 0.5, 0.5))[..., None]
        hang = hang * np.clip(view.up(z_m) / 1.5, 0, 1)
        picture = over(picture, speckled + (glow * 0.8 - speckled) * haze, hang * 0.8)
        stems = _stems(at, z_m, 0.14 + 0.2 * at.chance.random())
        side = trunks * np.exp(0.25 * at.noise(z_m, 1.2, 0.12))[..., None]
        picture = over(picture, (side + (glow * 0.6 - side) * haze).astype(np.float32), stems)
        picture = view.blurred(picture, z_m)
        if z_m == 28:
            picture = with_ground(at, picture, at.ground(floor, 0.45, 2.2), 26)
    return picture


def _stems(at: Painter, z_m: float, wide_m: float) -> Floats:
    """float32[H, W]: trunks at a distance, each a little out of plumb, that stand on the ground."""
    view = at.view
    x, up = view.across(z_m), view.up(z_m)
    reach = float(x.max())
    share = np.zeros((view.height, view.width), np.float32)
    px = view.focal_px / z_m
    for _ in range(at.chance.poisson(0.09 * 2 * reach * (0.5 + at.density)) + 1):
        where, lean, wide = (
            at.chance.uniform(-reach, reach),
            at.chance.normal(0, 0.03),
            wide_m * at.chance.uniform(0.6, 1.3),
        )
        off = np.abs(x - where - lean * up)
        share = np.maximum(share, np.clip((wide / 2 * (1 - 0.02 * up) - off) * px + 0.5, 0, 1))
    return np.asarray(share * (up > -0.05), np.float32)


def foliage(at: Painter) -> Floats:
    """Palette: leaves in the light, leaves in the shade, light between them, ground."""
    bright, dark, glow, floor = at.colours
    view = at.view
    wall = view.subject_m + 4.5
    shade = 1 / (1 + np.exp(-1.6 * at.noise(wall, 0.8, 0.8)))
    picture = over(at.plain(dark), bright, shade)
    picture = picture * np.exp(0.55 * at.noise(wall, 0.14, 0.14, 3))[..., None]
    # gaps through which it shines, more of them above
    gaps = np.clip((at.noise(wall, 0.12, 0.12, 2) - 2.0 + 0.6 * (1 - at.density)) * 2, 0, 1)
    gaps = gaps * np.clip(0.3 + view.up(wall) / 3, 0, 1)
    picture = view.blurred(over(picture.astype(np.float32), glow * 1.6, gaps), wall)
    return with_ground(at, picture, at.ground(floor, 0.4, 1.1), wall)


def dunes(at: Painter) -> Floats:
    """Palette: sky above, sky below, sand in the light, sand in the shade."""
    top, low, bright, dark = at.colours
    view = at.view
    picture = _sky(at, top, low, 0.12)
    for z_m, tall in ((300.0, 16.0), (130.0, 7.0), (60.0, 3.2), (30.0, 1.0)):
        line = tall * (0.7 + 0.5 * noise(at.chance, 1, view.width, (1, tall * 7 * view.focal_px / z_m), 2))
        below = np.clip((line - view.up(z_m)) * view.focal_px / z_m + 0.5, 0, 1)
        # one side of each crest is lit, and the light fades down the slope
        lit = np.clip(0.5 + 0.9 * np.gradient(line, axis=1) * view.focal_px / z_m, 0, 1)
        depth = np.clip((line - view.up(z_m)) / tall, 0, 1)
        slope = over(at.plain(dark), bright, np.asarray(lit * (1 - 0.4 * depth), np.float32))
        slope = slope * np.exp(0.06 * at.noise(z_m, 0.3, 3))[..., None]
        slope = slope + (low - slope) * min(0.5, z_m / 700)
        picture = view.blurred(over(picture, slope.astype(np.float32), below), z_m)
    return with_ground(at, picture, at.ground(bright * 0.95, 0.1, 1.4), 24)


def lake(at: Painter) -> Floats:
    """Palette: sky above, sky below, hills, shore."""
    top, low, hills, shore_ = at.colours
    view = at.view
    picture = _sky(at, top, low, 0.6)
    for z_m, tall in ((4000.0, 520.0), (1500.0, 130.0), (500.0, 24.0)):
        haze = np.exp(-900 * at.density / z_m) if at.density == 0 else 1 - np.exp(-z_m * at.density / 900)
        colour = hills * np.exp(0.2 * at.noise(z_m, tall / 5, tall / 5))[..., None]
        colour = colour + (low - colour) * haze
        picture = over(picture, colour.astype(np.float32), at.skyline(z_m, tall * 0.6, tall / 4, tall * 3))
    # still water shows it upside down, darker and drawn out
    rows = np.clip(np.round(2 * view.horizon - view.rows[:, 0]).astype(int), 0, view.height - 1)
    z = view.ground_m
    ripples = laid(tile_of_noise(at.chance), view.across(z) / 8, z, 6)
    mirrored = picture[rows] * (0.8 * np.exp(0.09 * ripples))[..., None]
    water = np.asarray(mirrored, np.float32)
    picture = view.blurred(over(picture, water, np.broadcast_to(view.rows > view.horizon, picture.shape[:2])), 500)
    return with_ground(at, picture, at.ground(shore_, 0.35, 0.6), view.subject_m + 5)


def night(at: Painter) -> Floats:
    """Palette: darkness, road, and the colours of lights."""
    dark, road, *lamps = at.colours
    view = at.view
    picture: Floats = np.asarray(at.plain(dark) * np.exp(0.5 * at.noise(30, 5, 4))[..., None], np.float32)
    for z_m in (90.0, 45.0, 22.0):
        # housefronts to both sides, of which windows are lit
        x, up = view.across(z_m), view.up(z_m)
        front = (np.abs(x) > 4.5) & (up < 4 + 5 * at.chance.random())
        picture = over(picture, dark * 1.6, np.asarray(front, np.float32) * 0.6)
        lights = np.zeros((view.height, view.width, 3), np.float32)
        for _ in range(round((6 + 24 * at.density) * view.width / view.focal_px * z_m / 15)):
            reach = view.width / view.focal_px * z_m / 2
            where, high = at.chance.uniform(-reach, reach), at.chance.choice([0.7, 1.0, 2.6, 3.4, 4.5, 6.5])
            lamp(
                lights,
                view,
                where,
                high + at.chance.normal(0, 0.25),
                z_m,
                pick(at, lamps) * at.chance.lognormal(0, 0.6),
            )
        glow = view.blurred(lights, z_m)
        mirrored = _mirrored(view, glow) * 0.35
        picture = np.asarray(view.blurred(picture, z_m) + glow, np.float32)
        if z_m == 22:
            picture = with_ground(at, picture, np.asarray(at.ground(road, 0.3, 1.5) + mirrored, np.float32), 60)
    return picture


def _mirrored(view: View, glow: Floats) -> Floats:
    """On wet ground: upside down, and drawn out downwards."""
    rows = np.clip(np.round(view.horizon + (view.horizon - view.rows[:, 0]) * 0.8).astype(int), 0, view.height - 1)
    tall = max(3, view.height // 8) | 1
    return np.asarray(cv2.blur(glow[rows], (max(1, tall // 8), tall), borderType=cv2.BORDER_REFLECT), np.float32)


def city(at: Painter) -> Floats:
    """Palette: sky above, sky below, walls of houses, windows, ground."""
    top, low, houses, windows, floor = at.colours
    view = at.view
    picture = _sky(at, top, low, 0.5)
    for z_m, tall in ((400.0, 75.0), (180.0, 30.0), (80.0, 11.0)):
        x, up = view.across(z_m), view.up(z_m)
        wide = tall / 2.2
        number = np.floor(x / wide + at.chance.random()).astype(int)
        heights, tones = at.chance.uniform(0.55, 1.2, 512) * tall, at.chance.uniform(0.6, 1.3, 512)
        line, tone = heights[number % 512], tones[number % 512]
        inside = np.clip((line - up) * view.focal_px / z_m + 0.5, 0, 1)
        pane = (np.mod(up, 3.3) > 1.3) & (np.mod(x, 2.4) > 0.9)
        lit = at.chance.random((64, 512)) < 0.35
        glass = (
            windows
            * (0.45 + 0.9 * lit[np.floor(up / 3.3).astype(int) % 64, np.floor(x / 2.4).astype(int) % 512])[..., None]
        )
        block = over(
            np.asarray(houses * tone[..., None] + 0 * up[..., None], np.float32), glass.astype(np.float32), pane
        )
        block = block + (low - block) * min(0.6, z_m / 550)
        picture = view.blurred(over(picture, block.astype(np.float32), inside), z_m)
    return with_ground(at, picture, at.ground(floor, 0.18, 1.5), 70)
