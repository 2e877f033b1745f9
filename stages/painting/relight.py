"""Another light on a person, and what they and it do to the place: warmth, direction, rims, shadows, grain."""

from dataclasses import dataclass

import cv2
import numpy as np

from actor18m.arrays import Floats, Frame
from stages.painting.textures import Chance, linear, noise, shown
from stages.painting.view import View

_LUMA = np.array([0.2126, 0.7152, 0.0722], np.float32)
_QUIET = 0.4
"""The share of a picture, with the least detail, by which its grain is told."""


@dataclass(frozen=True)
class Light:
    """One kind of light on a person."""

    key: Floats
    """float32[3]: the main light's colour in linear light, as bright as white."""
    fill: Floats
    """Likewise of what lights the other side."""
    direction: Floats
    """float32[2]: where the main light comes from, to the image's right and up; shorter where it is more frontal."""
    strength: float
    """0 to 1: how much brighter the main light's side is."""
    rim: float
    """How bright edges are that are lit from behind."""
    person_ev: float
    place_ev: float


def as_bright_as_white(colour: Floats) -> Floats:
    return np.asarray(colour / max(float(colour @ _LUMA), 1e-4), np.float32)


def relit(person: Floats, matte: Floats, light: Light, tinted: float) -> Floats:
    """float32[H, W, 3], 0 to 255, of the same: a person's colours in another light. `tinted` is how much of its colour
    they take."""
    shining = linear(person)
    x, y = _slopes(matte)
    towards = np.clip(x * light.direction[0] + y * light.direction[1], -1, 1)
    # the main light's colour on its side, the other's on the other
    share = (0.5 + 0.5 * towards)[..., None]
    colour = 1 + tinted * (share * light.key + (1 - share) * light.fill - 1)
    level = 2**light.person_ev * (1 + light.strength * towards)
    lit = shining * colour * level[..., None]
    # from behind, both edges shine, that of the main light more: in the colours of what is there
    px = max(1.5, 0.012 * float(np.sqrt(matte.sum())))
    edge = np.clip(matte - cv2.GaussianBlur(matte, (0, 0), px), 0, 0.5) * 2
    seen = np.abs(x) * np.clip(0.6 + 0.4 * np.sign(x * light.direction[0]), 0, 1) + 0.5 * np.clip(y, 0, 1)
    glow = (light.rim * edge * np.clip(seen, 0, 1))[..., None] * light.key
    return shown(lit * (1 + 2.2 * glow) + 0.1 * glow)


def wrapped(person: Floats, matte: Floats, place: Floats, share: float) -> Floats:
    """The place's light about a person's edges: a little of what is beside them, spread widely."""
    px = max(2.0, 0.02 * float(np.sqrt(matte.sum())))
    edge = np.clip(1 - cv2.GaussianBlur(matte, (0, 0), px), 0, 0.5) * 2 * share
    spread = cv2.GaussianBlur(place, (0, 0), 2.5 * px)
    return np.asarray(person + (np.maximum(spread, person) - person) * edge[..., None], np.float32)


def shadowed(place: Floats, matte: Floats, view: View, light: Light, depth: float) -> Floats:
    """A place in linear light with the shadow of somebody who stands in it: dark beneath the feet, and a longer one
    away from the main light."""
    rows = np.flatnonzero((matte > 0.5).any(axis=1))
    foot, tall = float(rows[-1]), float(rows[-1] - rows[0] + 1)
    height, width = matte.shape
    # what stands on the ground: the lowest part, spread and pressed flat
    low = matte * np.clip((view.rows - foot + 0.05 * tall) / (0.03 * tall), 0, 1)
    close = cv2.GaussianBlur(low, (0, 0), 0.018 * tall, sigmaY=0.007 * tall)
    wide = cv2.GaussianBlur(low, (0, 0), 0.05 * tall, sigmaY=0.018 * tall)
    # the whole person, laid down on the ground
    lean = -0.5 * float(light.direction[0])
    flat = 0.16
    matrix = np.array([[1, -lean * flat / 0.2, lean * flat / 0.2 * foot], [0, flat, foot * (1 - flat)]], np.float32)
    laid = cv2.warpAffine(matte, matrix, (width, height), flags=cv2.INTER_AREA)
    laid = cv2.GaussianBlur(laid, (0, 0), 0.02 * tall, sigmaY=0.008 * tall)
    near = np.clip(1 - (foot - view.rows) / (0.12 * tall), 0, 1)
    dark = 1 - (1 - 0.75 * np.clip(1.6 * close, 0, 1)) * (1 - 0.4 * np.clip(1.5 * wide, 0, 1)) * (
        1 - 0.45 * depth * laid * near
    )
    return np.asarray(place * (1 - dark)[..., None], np.float32)


def grain(picture: Frame) -> float:
    """The spread of a picture's noise in grey steps, where there is least to be seen beside it."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    fine = grey - cv2.GaussianBlur(grey, (0, 0), 1.2)
    spread = cv2.blur(fine * fine, (9, 9))
    quiet = spread <= np.quantile(spread, _QUIET)
    return float(1.4826 * np.median(np.abs(fine[quiet])) / 0.75)


def softness_px(picture: Frame, matte: Floats) -> float:
    """How wide the finest detail of a person is: the diameter of a disc that would blur a sharp picture as much."""
    grey = cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY).astype(np.float32)
    inside = matte > 0.95
    steps = [cv2.GaussianBlur(grey, (0, 0), sigma) for sigma in (0.7, 1.4, 2.8)]
    fine, coarse = ((steps[i] - steps[i + 1])[inside] for i in (0, 1))
    ratio = float(fine.std() / max(float(coarse.std()), 1e-3))
    return float(np.clip(9 * (0.75 - ratio), 1.0, 5.0))


def grained(picture: Floats, chance: Chance, spread: float) -> Floats:
    """Noise as a camera's that was encoded: a little soft, and mostly grey."""
    height, width = picture.shape[:2]
    grey = noise(chance, height, width, (1.6, 1.6), 1)
    colour = np.stack([noise(chance, height, width, (2.5, 2.5), 1) for _ in range(3)], axis=-1)
    return np.asarray(picture + spread * (grey[..., None] + 0.3 * colour), np.float32)


def _slopes(matte: Floats) -> tuple[Floats, Floats]:
    """float32[H, W] twice: which way a person's surface leans, to the right and up, as if they were round."""
    side = float(np.sqrt(matte.sum()))
    # the picture's edge is none of the person's
    edge = round(side / 2)
    whole = cv2.copyMakeBorder(matte, edge, edge, edge, edge, cv2.BORDER_REPLICATE)
    round_ = np.zeros_like(whole)
    for share in (0.05, 0.12, 0.25):
        round_ = round_ + cv2.GaussianBlur(whole, (0, 0), share * side) * np.float32(share * side)
    round_ = round_[edge : edge + matte.shape[0], edge : edge + matte.shape[1]]
    y, x = np.gradient(round_)
    length = np.sqrt(1 + 4 * (x * x + y * y))
    return np.asarray(-2 * x / length, np.float32), np.asarray(2 * y / length, np.float32)
