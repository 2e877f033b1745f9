"""Patterned cloth: square RGB tiles that repeat without a seam. Patterns are what a point tracker holds on to."""

import colorsys

import cv2
import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Pixels = npt.NDArray[np.uint8]
SIDE = 256


def fabric(rng: np.random.Generator, plain: float = 0.25) -> Pixels:
    """uint8[SIDE, SIDE, 3] sRGB. A `plain` share of draws has only weave and faint mottling."""
    ground = colour(rng)
    accents = [colour(rng) for _ in range(3)]
    patterns = [_stripes, _plaid, _dots, _blossoms, _zigzag, _patches]
    if rng.random() < plain:
        tile = np.ones((SIDE, SIDE, 3)) * ground
    else:
        tile = patterns[rng.integers(len(patterns))](rng, ground, accents)
    return finish(rng, tile)


def denim(rng: np.random.Generator) -> Pixels:
    """Jeans: twill with bleached stretches."""
    blue = np.array([0.16, 0.22, 0.34]) * rng.uniform(0.55, 1.9)
    tile = np.ones((SIDE, SIDE, 3)) * blue
    y, x = np.mgrid[:SIDE, :SIDE]
    tile *= (1 + 0.12 * (((x + y) % 8) < 3))[..., None]
    return finish(rng, tile + 0.02 * _mottle(rng, 40)[..., None])


def rearranged(rng: np.random.Generator, tile: Pixels) -> Pixels:
    """Another pattern of the same colours: the tile's own pixels, each once, at other places."""
    # threads apart, the tile's colours in a row
    even = cv2.medianBlur(tile, 9).reshape(-1, 3).astype(np.float64)
    even -= even.mean(axis=0)
    along = np.linalg.eigh(even.T @ even)[1][:, -1]
    row = np.argsort(even @ along, kind="stable")
    # laid down in the order of the heights of another pattern
    y, x = np.mgrid[:SIDE, :SIDE] * (2 * np.pi * int(rng.integers(3, 9)) / SIDE)
    heights = [np.cos(x), np.cos(y), np.cos(x) * np.cos(y), np.cos(x + y), _mottle(rng, int(rng.integers(14, 30)))]
    places = np.argsort(heights[rng.integers(len(heights))].ravel(), kind="stable")
    laid = np.empty_like(tile).reshape(-1, 3)
    laid[places] = tile.reshape(-1, 3)[row]
    return laid.reshape(tile.shape)


def finish(rng: np.random.Generator, tile: Floats) -> Pixels:
    """Thread and wear over a pattern of floats 0 to 1."""
    thread = rng.normal(0, 0.025, (SIDE, SIDE, 1))
    return np.asarray(np.clip((tile * (1 + 0.04 * _mottle(rng, 32)[..., None]) + thread) * 255, 0, 255), dtype=np.uint8)


def colour(rng: np.random.Generator) -> Floats:
    """A garment colour, sRGB 0 to 1: any hue, often muted, never black or paper white (both lose detail on video)."""
    muted = rng.random() < 0.45
    saturation = rng.uniform(0.05, 0.3) if muted else rng.uniform(0.4, 0.85)
    return np.array(colorsys.hsv_to_rgb(rng.random(), saturation, rng.uniform(0.25, 0.9)))


def _stripes(rng: np.random.Generator, ground: Floats, accents: list[Floats]) -> Floats:
    tile = np.ones((SIDE, SIDE, 3)) * ground
    period = SIDE // int(rng.integers(3, 9))
    axis = int(rng.random() < 0.35)
    at = np.arange(SIDE) % period
    for k, accent in enumerate(accents[: rng.integers(1, 3)]):
        band = (at > period * (0.15 + 0.4 * k)) & (at < period * (0.15 + 0.4 * k + rng.uniform(0.1, 0.35)))
        tile[(slice(None), band) if axis else (band, slice(None))] = accent
    return tile


def _plaid(rng: np.random.Generator, ground: Floats, accents: list[Floats]) -> Floats:
    tile = np.ones((SIDE, SIDE, 3)) * ground
    period = SIDE // int(rng.integers(2, 5))
    at = np.arange(SIDE) % period
    for k, accent in enumerate(accents):
        band = (at > period * 0.3 * k) & (at < period * (0.3 * k + (0.22, 0.1, 0.05)[k]))
        tile[band] = 0.5 * tile[band] + 0.5 * accent
        tile[:, band] = 0.5 * tile[:, band] + 0.5 * accent
    return tile


def _dots(rng: np.random.Generator, ground: Floats, accents: list[Floats]) -> Floats:
    tile = np.ones((SIDE, SIDE, 3)) * ground
    period = SIDE // int(rng.integers(4, 9))
    radius = period * rng.uniform(0.18, 0.36)
    y, x = np.mgrid[:SIDE, :SIDE]
    row = y // period
    inside = np.hypot((x + (row % 2) * period / 2) % period - period / 2, y % period - period / 2) < radius
    tile[inside] = np.array(accents)[row[inside] % int(rng.integers(1, 4))]
    return tile


def _blossoms(rng: np.random.Generator, ground: Floats, accents: list[Floats]) -> Floats:
    tile = np.ones((SIDE, SIDE, 3)) * ground
    for _ in range(int(rng.integers(25, 50))):
        centre, radius = rng.uniform(0, SIDE, 2), rng.uniform(7, 18)
        accent, heart, petals, turn = (
            accents[rng.integers(3)],
            accents[rng.integers(3)],
            int(rng.integers(4, 7)),
            rng.uniform(0, 6),
        )
        for shift in np.ndindex(3, 3):
            c = centre + (np.array(shift) - 1) * SIDE
            for k in range(petals):
                angle = turn + 2 * np.pi * k / petals
                p = c + 0.6 * radius * np.array([np.cos(angle), np.sin(angle)])
                cv2.circle(tile, (int(p[0]), int(p[1])), int(radius * 0.45), accent.tolist(), -1, cv2.LINE_AA)
            cv2.circle(tile, (int(c[0]), int(c[1])), int(radius * 0.3), heart.tolist(), -1, cv2.LINE_AA)
    return tile


def _zigzag(rng: np.random.Generator, ground: Floats, accents: list[Floats]) -> Floats:
    y, x = np.mgrid[:SIDE, :SIDE]
    step, period = SIDE // int(rng.integers(4, 9)), SIDE // int(rng.integers(4, 8))
    level = (y + np.abs(x % step - step / 2) * rng.choice([1.0, 2.0])) % period / period
    tile = np.ones((SIDE, SIDE, 3)) * ground
    tile[level < 0.28] = accents[0]
    tile[(level > 0.5) & (level < 0.62)] = accents[1]
    return tile


def _patches(rng: np.random.Generator, ground: Floats, accents: list[Floats]) -> Floats:
    """Blotches of three colours with soft outlines, as in camouflage or batik."""
    field = _mottle(rng, int(rng.integers(14, 30)))
    tile = np.ones((SIDE, SIDE, 3)) * ground
    for accent, level in zip(accents, (0.15, 0.55, 1.0), strict=True):
        tile[field > level] = accent
    return tile


def _mottle(rng: np.random.Generator, blob_pixels: int) -> Floats:
    """Seamless smooth noise of unit variance."""
    wide = np.tile(rng.normal(size=(SIDE, SIDE)), (2, 2))
    smooth = cv2.GaussianBlur(wide, (0, 0), blob_pixels / 2.5)[SIDE // 2 : -SIDE // 2, SIDE // 2 : -SIDE // 2]
    return np.asarray(smooth / smooth.std(), dtype=np.float64)
