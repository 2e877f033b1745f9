"""Shoots a film: every frame's picture, and a sighting of everyone in it."""

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace

import cv2
import numpy as np
import numpy.typing as npt

from studio.canvas import Canvas
from studio.film import Film, Grade, Take, people_of, takes_at
from studio.motion import perform
from studio.witness import Sighting, sight

Floats = npt.NDArray[np.float32]
Pixels = npt.NDArray[np.uint8]


def shoot(film: Film) -> Iterator[tuple[Pixels, list[Sighting | None]]]:
    """Frames as uint8[H, W, 3] RGB with a sighting for each of the film's people (see `people_of`)."""
    people = people_of(film)
    sensor = np.random.default_rng([film.seed, 77])
    noise = _sensor_noise(film, sensor)
    with ExitStack() as stack:
        canvases = {}
        for t in film.times_s:
            picture: Floats | None = None
            sightings: list[Sighting | None] = [None] * len(people)
            for number, share in takes_at(film, t):
                take = film.takes[number][1]
                if number not in canvases:
                    lit = replace(take.scene.lighting, exposure=take.scene.lighting.exposure * film.grade.exposure)
                    scene = replace(take.scene, lighting=lit)
                    canvases[number] = stack.enter_context(Canvas(scene, take.cast, film.width, film.height))
                pixels, seen = _frame(canvases[number], take, t)
                picture = share * pixels.astype(np.float32) + (0 if picture is None else picture)
                for actor, sighting in zip(take.cast, seen, strict=True):
                    sightings[people.index(actor.identity)] = sighting
            assert picture is not None
            yield _graded(picture, film.grade, noise, sensor), sightings


def _frame(canvas: Canvas, take: Take, t: float) -> tuple[Pixels, list[Sighting | None]]:
    camera, moments = take.camera(t), take.action(t)
    performances = [None if m is None else perform(a, m) for a, m in zip(take.cast, moments, strict=True)]
    cast = [None if p is None else p.posed for p in performances]
    pixels = canvas.picture(camera, cast)
    together = canvas.identity(camera, cast) if any(cast) else None
    seen: list[Sighting | None] = []
    for number, (performance, moment) in enumerate(zip(performances, moments, strict=True)):
        if performance is None or moment is None or together is None:
            seen.append(None)
            continue
        alone = [p if k == number else None for k, p in enumerate(cast)]
        seen.append(sight(canvas, camera, performance, moment, number + 1, together, alone))
    return pixels, seen


def _sensor_noise(film: Film, sensor: np.random.Generator) -> Floats:
    """A sheet of noise four times the frame's size: each frame looks at another part of it."""
    height, width = 2 * film.height, 2 * film.width
    grey, colour = (sensor.standard_normal((height, width, n), dtype=np.float32) for n in (1, 3))
    return np.asarray(film.grade.noise * (grey + 0.6 * colour), dtype=np.float32)


def _graded(picture: Floats, grade: Grade, noise: Floats, sensor: np.random.Generator) -> Pixels:
    height, width = picture.shape[:2]
    soft = cv2.GaussianBlur(picture, (0, 0), grade.softness_pixels)
    y, x = np.ogrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
    shaded = soft * (1 - grade.vignette * (x**2 + y**2) / 2).astype(np.float32)[..., None]
    row, column = sensor.integers(0, height), sensor.integers(0, width)
    exposed = shaded + noise[row : row + height, column : column + width]
    return np.asarray(np.clip(exposed, 0, 255).round(), dtype=np.uint8)
