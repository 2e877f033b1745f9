"""What every painted place needs: noise of a size at a distance, ground to the horizon, walls that meet it, lamps."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from actor18m.arrays import Floats
from stages.painting.textures import Chance, laid, noise, tile_of_noise
from stages.painting.view import Numbers, View, over


@dataclass(frozen=True)
class Painter:
    """What is at hand when a place is painted."""

    view: View
    colours: Sequence[Floats]
    """float32[3] each; what each is for, the scene says."""
    density: float
    """0 to 1: how much of what the place is full of."""
    chance: Chance

    def plain(self, colour: Floats) -> Floats:
        """float32[H, W, 3]."""
        return np.broadcast_to(colour, (self.view.height, self.view.width, 3)).astype(np.float32)

    def noise(self, z_m: float, tall_m: float, wide_m: float, octaves: int = 5) -> Floats:
        """float32[H, W] with spots of a size at a distance."""
        px = self.view.focal_px / z_m
        return noise(self.chance, self.view.height, self.view.width, (tall_m * px, wide_m * px), octaves)

    def skyline(self, z_m: float, height_m: float, rough_m: float, wide_m: float) -> Floats:
        """float32[H, W]: 1 below an uneven line about so high."""
        view, px = self.view, self.view.focal_px / z_m
        line = height_m + rough_m * noise(self.chance, 1, view.width, (1, wide_m * px), 6)
        return np.asarray(np.clip((line - view.up(z_m)) * px + 0.5, 0, 1), np.float32)

    def ground(self, colour: Floats, rough: float, size_m: float, speckle: Floats | None = None) -> Floats:
        """float32[H, W, 3] of ground all the way to the horizon, sharper near the person's feet."""
        view, z = self.view, self.view.ground_m
        x = view.across(z)
        tile, turned = tile_of_noise(self.chance), (0.8 * x + 0.6 * z, 0.8 * z - 0.6 * x)
        # three sizes, turned against each other, so that nothing is seen to come again
        rough_ = laid(tile, x, z, size_m * 7.3) + 0.7 * laid(tile, *turned, size_m * 2.7)
        fine = laid(tile, x + 0.5 * z, z, size_m * 0.61)
        floor = (
            colour
            * np.exp(rough * (0.6 * rough_ * np.clip(30 / z, 0, 1) + 0.5 * fine * np.clip(8 / z, 0, 1)))[..., None]
        )
        if speckle is not None:
            dots = laid(tile, *turned, size_m * 1.3)
            floor = over(floor, speckle, np.clip((dots - 1.6) * 2, 0, 1))
        return self.in_focus(floor.astype(np.float32))

    def in_focus(self, floor: Numbers) -> Floats:
        """Each row as blurred as its distance is."""
        view = self.view
        return by_rows(view, floor, [(z_m, view.blurred(floor, z_m)) for z_m in _depths(view)])


def by_rows(view: View, floor: Numbers, blurred: Sequence[tuple[float, Floats]]) -> Floats:
    """Between pictures of one floor, each blurred for a distance, mixed by the distance of each row."""
    mixed, inverse = blurred[0][1], 1 / view.ground_m
    for (near_m, _), (far_m, picture) in pairwise(blurred):
        share = np.clip((1 / near_m - inverse) / (1 / near_m - 1 / far_m), 0, 1)
        mixed = over(mixed, picture, np.broadcast_to(share, floor.shape[:2]))
    return mixed


def _depths(view: View) -> list[float]:
    return [view.subject_m * times for times in (1.0, 1.3, 2.0, 5.0, 60.0)]


def with_ground(at: Painter, far: Floats, ground: Floats, z_m: float) -> Floats:
    """The ground from an edge at a distance on, which is blurred as that is."""
    view = at.view
    edge = np.broadcast_to(np.clip(view.rows - view.row(0, z_m) + 0.5, 0, 1), (view.height, view.width))
    return over(far, ground, view.blurred(np.ascontiguousarray(edge, np.float32), z_m))


def on_floor(at: Painter, wall: Floats, z_m: float, floor: Floats, skirting: Floats | None = None) -> Floats:
    """A wall that meets the floor: darker where they meet."""
    view = at.view
    up = np.broadcast_to(view.up(z_m), (view.height, view.width))
    if skirting is not None:
        wall = over(wall, skirting, np.clip((0.09 - up) * view.focal_px / z_m + 0.5, 0, 1))
    wall = wall * (1 - 0.35 * np.exp(-np.clip(up, 0, 9) / 0.25))[..., None]
    return with_ground(at, view.blurred(np.asarray(wall, np.float32), z_m), floor, z_m)


def pick(at: Painter, colours: Sequence[Floats]) -> Floats:
    return colours[int(at.chance.integers(len(colours)))]


def lamp(lights: Floats, view: View, x_m: float, y_m: float, z_m: float, colour: Floats) -> None:
    """A lamp: so bright that the disc that it becomes is still seen."""
    row, column = round(view.row(y_m, z_m)), round(view.width / 2 + view.focal_px * x_m / z_m)
    if 0 <= row < view.height and 0 <= column < view.width:
        lights[row, column] += colour * max(1.0, 0.7854 * view.blur_px(z_m) ** 2) * 0.55
