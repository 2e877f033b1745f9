"""Renders a whole set of samples: videos with their truth, from one seed."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

from actor18m.errors import ActorError
from actor18m.samples.studio import scripts
from actor18m.samples.studio.encode import write_mp4
from actor18m.samples.studio.shoot import shoot, write_truth
from actor18m.samples.truth import ActorTruth, Expected, Truth, encode_mask

Pixels = npt.NDArray[np.uint8]

DUPLICATE_CROP = 0.02
DUPLICATE_CRF = 31


def render_set(out: Path, seed: int, only: list[str], workers: int = 1) -> Iterator[str]:
    """Renders the clips of a set into a folder, yielding each name when its files are there."""
    filmed = {call.name: call for call in scripts.calls(seed)}
    wanted = only or [*filmed, *scripts.NEAR_DUPLICATES]
    unknown = sorted(set(wanted) - filmed.keys() - scripts.NEAR_DUPLICATES.keys())
    if unknown:
        raise ActorError(f"no such sample: {', '.join(unknown)}. There are: {', '.join([*filmed, *scripts.NEAR_DUPLICATES])}")
    out.mkdir(parents=True, exist_ok=True)
    first = [name for name in wanted if name in filmed]
    copies = [name for name in wanted if name in scripts.NEAR_DUPLICATES]
    first += [o for n in copies if (o := scripts.NEAR_DUPLICATES[n]) not in first and not (out / f"{o}.json").exists()]
    yield from _each(partial(_film, out), [filmed[name] for name in first], workers)
    yield from _each(partial(_copy, out), copies, workers)


def _each(work: partial[str], items: Iterable[object], workers: int) -> Iterator[str]:
    if workers == 1:
        yield from map(work, items)
        return
    # OpenGL contexts do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, items)


def _film(out: Path, call: scripts.Call) -> str:
    film = scripts.film(call)
    seen = []

    def frames() -> Iterator[Pixels]:
        for pixels, sightings in shoot(film):
            seen.append(sightings)
            yield pixels

    write_mp4(out / f"{film.name}.mp4", frames(), list(film.times_s), film.crf, film.rotation)
    write_truth(film, seen).write(out / f"{film.name}.json")
    return film.name


def _copy(out: Path, name: str) -> str:
    """A near duplicate: another clip of the set, cropped a little and encoded again."""
    original = Truth.read(out / f"{scripts.NEAR_DUPLICATES[name]}.json")
    dx, dy = (round(side * DUPLICATE_CROP / 2) for side in (original.width, original.height))
    size = (original.width, original.height)

    def cropped(pixels: npt.NDArray) -> npt.NDArray:  # type: ignore[type-arg]  # frames and masks alike
        inner = pixels[dy : size[1] - dy, dx : size[0] - dx]
        nearest = pixels.dtype == np.bool_
        return cv2.resize(inner.astype(np.uint8), size, interpolation=cv2.INTER_NEAREST if nearest else cv2.INTER_AREA)

    def frames() -> Iterator[Pixels]:
        with av.open(str(out / f"{original.name}.mp4")) as container:
            for frame in container.decode(video=0):
                yield cropped(frame.to_ndarray(format="rgb24"))

    write_mp4(out / f"{name}.mp4", frames(), original.times_s, DUPLICATE_CRF)
    scale = np.array([size[0] / (size[0] - 2 * dx), size[1] / (size[1] - 2 * dy)])

    def moved(actor: ActorTruth) -> ActorTruth:
        def point(x: float, y: float) -> tuple[int, int]:
            px, py = np.round((np.array([x, y]) - [dx, dy]) * scale).astype(int)
            return int(px), int(py)

        def box(b: tuple[int, int, int, int] | None) -> tuple[int, int, int, int] | None:
            if b is None:
                return None
            (x0, y0), (x1, y1) = point(b[0], b[1]), point(b[2], b[3])
            inside = max(x0, 0), max(y0, 0), min(x1, size[0]), min(y1, size[1])
            return inside if inside[0] < inside[2] and inside[1] < inside[3] else None

        def seen(x: int, y: int, v: int) -> int:
            return v if 0 <= x < size[0] and 0 <= y < size[1] else 0

        def points(frame: list[tuple[int, int, int]] | None) -> list[tuple[int, int, int]] | None:
            return None if frame is None else [(*(p := point(x, y)), seen(*p, v)) for x, y, v in frame]

        def masks(counts: list[str | None]) -> list[str | None]:
            return [None if c is None else encode_mask(cropped(original.mask(c)).astype(bool)) for c in counts]

        return actor.model_copy(
            update={
                "body_box": [box(b) for b in actor.body_box],
                "face_box": [box(b) for b in actor.face_box],
                "keypoints": [points(f) for f in actor.keypoints],  # type: ignore[arg-type]
                "body_masks": masks(actor.body_masks),
                "face_masks": masks(actor.face_masks),
            }
        )

    expected = Expected(state="duplicate", rules=["intake.duplicate"], why="re-encoded and cropped by 2%", duplicate_of=original.name)
    changed = {"name": name, "script": "near_duplicate", "expected": expected, "actors": [moved(a) for a in original.actors]}
    original.model_copy(update=changed).write(out / f"{name}.json")
    return name
