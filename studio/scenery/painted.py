"""Pictures that are not tileable materials: book spines, wall art, rugs, window views, facades, skies.

All return uint8[H, W, 3] sRGB. Wall art is abstract or landscape only: nothing may look like a face or a person.
"""

import colorsys

import cv2
import numpy as np

from studio.scenery.patterns import Colour, Image, mix, noise, pixels, shade, tint
from studio.scenery.scene import Pixels
from studio.scenery.textures import brick, plaster

BOOKS = 40  # spines side by side in one texture
SWATCHES = 4  # cells along each edge of the swatch card


def hsv(hue: float, saturation: float, value: float) -> Colour:
    return colorsys.hsv_to_rgb(hue % 1.0, saturation, value)


def natural_hue(rng: np.random.Generator) -> float:
    """Dyes and paints are mostly red, brown, ochre, olive, bluish green or blue; violet and lime are rare."""
    hues, weights = (0.0, 0.04, 0.09, 0.13, 0.24, 0.42, 0.55, 0.6, 0.66, 0.8), (3, 4, 5, 4, 1, 2, 3, 4, 1, 0.3)
    return float(rng.choice(hues, p=np.array(weights) / sum(weights)) + rng.normal(0, 0.014))


def any_colour(rng: np.random.Generator, saturation: float = 0.5, value: float = 0.6) -> Colour:
    return hsv(natural_hue(rng), saturation * rng.uniform(0.5, 1.3), min(1.0, value * rng.uniform(0.6, 1.3)))


def book_spines(rng: np.random.Generator, saturation: float) -> Pixels:
    image = np.ones((256, BOOKS * 24, 3), np.float32)
    for i in range(BOOKS):
        spine = image[:, i * 24 : (i + 1) * 24]
        colour = any_colour(rng, saturation, 0.5) if rng.random() < 0.8 else hsv(0.11, 0.15, rng.uniform(0.6, 0.85))
        bands = shade(colour, 1.7) if max(colour) < 0.5 else shade(colour, 0.45)
        spine[:] = colour
        for _ in range(int(rng.integers(1, 4))):
            row, tall = int(rng.integers(12, 225)), int(rng.integers(3, 16))
            spine[row : row + tall] = bands
        start, letters = int(rng.integers(40, 90)), int(rng.integers(5, 14))
        for k in range(letters):  # a title that runs along the spine
            if rng.random() < 0.8:
                spine[start + k * 9 : start + k * 9 + 6, 8:15] = mix(bands, (0.9, 0.85, 0.7), 0.4)
        spine *= (0.72 + 0.28 * np.sin(np.linspace(0.35, np.pi - 0.35, 24)))[None, :, None]
    return pixels(image * (1 + 0.03 * noise(rng, 256, BOOKS * 24, 0.8, (3, 1)))[..., None])


def swatches(rng: np.random.Generator, saturation: float = 0.5) -> Pixels:
    """A card of plain colours for small things: jars, folders, mugs, cushions' piping."""
    colours = np.array([any_colour(rng, saturation, 0.62) for _ in range(SWATCHES**2)], np.float32)
    card = np.repeat(np.repeat(colours.reshape(SWATCHES, SWATCHES, 3), 64, 0), 64, 1)
    return pixels(card * (1 + 0.05 * noise(rng, 256, 256, 1.1))[..., None])


def wall_art(rng: np.random.Generator, size: int = 256) -> Pixels:
    """Four pictures, two by two."""
    painters = [_colour_fields, _hills, _shards, _strokes]
    order = rng.permutation(4)
    cells = [painters[k](rng, size) for k in order]
    return pixels(np.vstack([np.hstack(cells[:2]), np.hstack(cells[2:])]))


def _colour_fields(rng: np.random.Generator, size: int) -> Image:
    image = tint(any_colour(rng, 0.3, 0.75), np.ones((size, size), np.float32))
    for _ in range(9):
        x, y = rng.integers(0, size, 2).tolist()
        w, h = (rng.uniform(0.15, 0.6, 2) * size).astype(int).tolist()
        cv2.rectangle(image, (x - w // 2, y - h // 2), (x + w // 2, y + h // 2), any_colour(rng, 0.6), -1)
    return image * (1 + 0.05 * noise(rng, size, size, 0.9))[..., None]


def _hills(rng: np.random.Generator, size: int) -> Image:
    top, far = any_colour(rng, 0.35, 0.85), any_colour(rng, 0.5, 0.45)
    fade = np.linspace(0, 1, size, dtype=np.float32)[:, None] * np.ones((1, size), np.float32)
    image = tint(top, 1 - 0.25 * fade)
    x = np.arange(0, size + 1, 8)
    for level in np.linspace(0.4, 0.85, 5):
        ridge = size * (level + 0.09 * np.sin(x / size * rng.uniform(3, 9) + rng.uniform(0, 6)))
        outline = np.concatenate([np.stack([x, ridge], 1), [[size, size], [0, size]]]).astype(np.int32)
        cv2.fillPoly(image, [outline], mix(far, top, float(0.9 - level)), cv2.LINE_AA)
    return image * (1 + 0.06 * noise(rng, size, size, 1.0))[..., None]


def _shards(rng: np.random.Generator, size: int) -> Image:
    image = tint(hsv(0.1, 0.12, 0.85), np.ones((size, size), np.float32))
    for _ in range(22):
        cv2.fillConvexPoly(
            image, (rng.uniform(-0.1, 1.1, (3, 2)) * size).astype(np.int32), any_colour(rng, 0.6, 0.6), cv2.LINE_AA
        )
    return image * (1 + 0.04 * noise(rng, size, size, 0.8))[..., None]


def _strokes(rng: np.random.Generator, size: int) -> Image:
    image = tint(any_colour(rng, 0.2, 0.85), np.ones((size, size), np.float32))
    for _ in range(26):
        a = rng.uniform(0, size, 2)
        b = a + rng.normal(0, 0.35 * size, 2)
        width = int(rng.integers(3, 24))
        cv2.line(image, a.astype(int).tolist(), b.astype(int).tolist(), any_colour(rng, 0.6, 0.55), width, cv2.LINE_AA)
    return image * (1 + 0.07 * noise(rng, size, size, 0.9, (1, 4)))[..., None]


def rug(rng: np.random.Generator, field: Colour, trim: Colour) -> Pixels:
    """Borders around a lattice of lozenges, or broad woven bands."""
    height, width = 448, 640
    y, x = np.mgrid[0:height, 0:width].astype(np.float32)
    inset = np.minimum(np.minimum(x, width - x), np.minimum(y, height - y))
    pitch = float(rng.integers(60, 120))
    lozenge = (np.abs(((x / pitch) % 1) - 0.5) + np.abs(((y / pitch) % 1) - 0.5)) * 2
    bands = ((x / pitch) % 1 < 0.5).astype(np.float32) * 0.6
    inner = np.clip((0.55 - np.abs(lozenge - rng.uniform(0.4, 1.1))) * 4, 0, 1) if rng.random() < 0.7 else bands
    border = ((inset > 22) & (inset < 34)) | ((inset > 48) & (inset < 66))
    teeth = (inset > 34) & (inset < 48) & ((((x + y) / 14) % 1) < 0.5)
    share = np.where(inset > 70, inner, np.where(border | teeth, 1.0, 0.0)).astype(np.float32)
    pile = 1 + 0.05 * noise(rng, height, width, 0.5) + 0.06 * noise(rng, height, width, 1.4)
    return pixels(tint(field, 1 - share, pile) + tint(trim, share, pile))


def board(rng: np.random.Generator, ground: Colour, chalk: Colour) -> Pixels:
    """Black- or whiteboard: lines of illegible handwriting, boxes, arrows and a chart."""
    image = tint(ground, 1 + 0.04 * noise(rng, 384, 640, 1.5, (1, 3)))
    for column in (40, 350):
        for row in range(50, 330, int(rng.integers(28, 40))):
            length = int(rng.integers(80, 230))
            x = np.arange(0, length, 4)
            wave = row + 5 * np.sin(x * rng.uniform(0.5, 0.9)) * rng.uniform(0.4, 1, len(x))
            cv2.polylines(image, [np.stack([column + x, wave], 1).astype(np.int32)], False, chalk, 2, cv2.LINE_AA)
    for _ in range(3):
        x0, y0 = int(rng.integers(60, 500)), int(rng.integers(40, 280))
        cv2.rectangle(image, (x0, y0), (x0 + 90, y0 + 60), any_colour(rng, 0.7, 0.7), 3, cv2.LINE_AA)
    return pixels(image)


def screen(rng: np.random.Generator) -> Pixels:
    """What a monitor shows: windows with lines of text."""
    image = tint(any_colour(rng, 0.5, 0.35), np.ones((144, 256), np.float32))
    for x0, x1 in ((10, 120), (132, 246)):
        cv2.rectangle(image, (x0, 12), (x1, 130), (0.88, 0.89, 0.9), -1)
        cv2.rectangle(image, (x0, 12), (x1, 22), any_colour(rng, 0.5, 0.5), -1)
        for row in range(30, 124, 8):
            cv2.line(image, (x0 + 8, row), (x0 + int(rng.integers(30, 100)), row), (0.35, 0.37, 0.42), 2)
    return pixels(image)


def window_view(rng: np.random.Generator, sky: Colour) -> Pixels:
    """Out-of-focus trees and houses under a bright sky."""
    size = 256
    fade = np.linspace(0, 1, size, dtype=np.float32)[:, None] * np.ones((1, size), np.float32)
    image = tint(sky, 1 - 0.12 * fade)
    for _ in range(14):
        x, y = int(rng.integers(0, size)), int(rng.integers(int(0.6 * size), size))
        green = mix(hsv(rng.uniform(0.2, 0.36), 0.35, rng.uniform(0.4, 0.7)), sky, 0.3)
        cv2.ellipse(image, (x, y), (int(rng.integers(20, 60)), int(rng.integers(15, 50))), 0, 0, 360, green, -1)
    for _ in range(3):
        x, y = int(rng.integers(0, size)), int(rng.integers(110, 190))
        cv2.rectangle(
            image, (x, y), (x + int(rng.integers(30, 90)), size), mix(any_colour(rng, 0.2, 0.7), sky, 0.4), -1
        )
    return pixels(np.asarray(cv2.GaussianBlur(image, (0, 0), 3.2), np.float32))


def facade(rng: np.random.Generator, colour: Colour, bricks: bool, haze: Colour, haze_share: float = 0.0) -> Pixels:
    """Two storeys of three windows each, tileable: 9 m wide, 6.6 m high."""
    ground = brick(rng, colour) if bricks else plaster(rng, colour, 768)
    small = cv2.resize(ground, (96, 96), interpolation=cv2.INTER_AREA) if bricks else ground
    image = (np.tile(small, (8, 8, 1)) if bricks else small).astype(np.float32) / 255
    trim, glass = mix(colour, (0.88, 0.85, 0.78), 0.75), hsv(0.57, 0.25, rng.uniform(0.25, 0.45))
    wide, tall, arched = int(rng.integers(84, 124)), int(rng.integers(180, 236)), bool(rng.random() < 0.3)
    for storey in range(2):
        cv2.rectangle(image, (0, storey * 384 + 2), (768, storey * 384 + 16), trim, -1)
        cv2.rectangle(image, (0, storey * 384 + 17), (768, storey * 384 + 22), shade(colour, 0.55), -1)
        for column in range(3):
            x, y = 128 + column * 256, storey * 384 + 80
            left, right, base = x - wide // 2, x + wide // 2, y + tall
            cv2.rectangle(image, (left - 14, y - 12), (right + 14, base + 8), trim, -1)
            if arched:
                cv2.ellipse(image, (x, y - 8), (wide // 2 + 14, 26), 0, 180, 360, trim, -1)
            cv2.rectangle(image, (left - 22, base + 8), (right + 22, base + 20), shade(trim, 1.05), -1)
            cv2.rectangle(image, (left - 18, base + 21), (right + 18, base + 29), shade(colour, 0.6), -1)
            cv2.rectangle(image, (left, y), (right, base), shade(glass, rng.uniform(0.7, 1.2)), -1)
            sheen = np.array([[left, base], [left, y + tall // 2], [right, y], [right, y + tall // 3]], np.int32)
            cv2.fillConvexPoly(image, sheen, shade(glass, rng.uniform(1.3, 1.9)))
            if rng.random() < 0.6:  # curtain or blind behind the glass
                drop = int(tall * rng.uniform(0.2, 0.7))
                cv2.rectangle(image, (left, y), (right, y + drop), mix(any_colour(rng, 0.25, 0.7), glass, 0.35), -1)
            cv2.rectangle(image, (left, y), (right, y + 9), shade(glass, 0.4), -1)
            for bar in (left, x, right):
                cv2.line(image, (bar, y), (bar, base), trim, 6)
            cv2.line(image, (left, y + tall // 3), (right, y + tall // 3), trim, 5)
    image *= (1 + 0.05 * noise(rng, 768, 768, 1.5))[..., None]
    return pixels(image * (1 - haze_share) + np.asarray(haze, np.float32) * haze_share)


def shop_front(rng: np.random.Generator, colour: Colour) -> Pixels:
    """Ground floor, 9 m x 3.4 m: plinth, two shop windows with goods, a door, a sign board with a pattern."""
    image = tint(colour, 1 + 0.04 * noise(rng, 384, 1016, 1.2))[:, :, :]
    dark = hsv(0.58, 0.2, 0.2)
    sign = any_colour(rng, 0.6, 0.45)
    cv2.rectangle(image, (20, 22), (996, 78), sign, -1)
    for x in range(70, 940, 44):  # ornament instead of lettering
        tall = int(rng.integers(8, 18))
        cv2.rectangle(
            image, (x, 50 - tall), (x + int(rng.integers(8, 30)), 50 + tall), mix(sign, (0.95, 0.9, 0.75), 0.7), -1
        )
    for left, right in ((40, 400), (600, 976)):
        cv2.rectangle(image, (left, 104), (right, 316), dark, -1)
        for x in range(left + 14, right - 40, 46):
            top = int(rng.integers(190, 270))
            cv2.rectangle(
                image, (x, top), (x + int(rng.integers(20, 42)), 308), mix(any_colour(rng, 0.6, 0.6), dark, 0.25), -1
            )
        sheen = np.array([[left, 316], [left + 90, 104], [left + 170, 104], [left + 60, 316]], np.int32)
        cv2.fillConvexPoly(image, sheen, shade(dark, 1.9))
        cv2.rectangle(image, (left, 104), (right, 316), shade(colour, 1.4), 8)
    cv2.rectangle(image, (440, 104), (560, 384), shade(sign, 0.8), -1)
    cv2.rectangle(image, (462, 124), (538, 290), dark, -1)
    image[340:] *= 0.6
    return pixels(image)


def sky(rng: np.random.Generator, zenith: Colour, horizon: Colour, cloud: float) -> Pixels:
    """From 60 degrees up (first row) to the horizon (last row); tileable sideways."""
    height, width = 384, 1024
    up = np.linspace(1, 0, height, dtype=np.float32)[:, None] * np.ones((1, width), np.float32)
    blue = (up**0.6)[..., None]
    image = tint(horizon, np.ones_like(up)) * (1 - blue) + tint(zenith, np.ones_like(up)) * blue
    body = noise(rng, height * 2, width, 1.55, (1, 2.6))[:height]
    cover = np.clip((body - 0.9 + 1.7 * cloud) * 0.8, 0, 1) * np.clip(up * 8 - 0.2, 0, 1)
    light = 1.0 - 0.16 * np.clip(body - 0.4 + cloud, 0, 1.6)
    white = mix((1.0, 1.0, 1.0), horizon, 0.15)
    return pixels(image * (1 - 0.85 * cover[..., None]) + tint(white, light) * 0.85 * cover[..., None])
