"""Renders a whole set of samples: videos with their truth, from one seed."""

from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import numpy.typing as npt

from actor18m.errors import ActorError
from studio import scripts
from studio.calls import Call
from studio.encode import write_mp4
from studio.near_duplicate import near_duplicate
from studio.shoot import shoot
from studio.testimony import write_truth

Pixels = npt.NDArray[np.uint8]


def render_set(out: Path, seed: int, only: list[str], workers: int = 1) -> Iterator[str]:
    """Renders the clips of a set into a folder, yielding each name when its files are there."""
    filmed = {call.name: call for call in scripts.calls(seed)}
    wanted = only or [*filmed, *scripts.NEAR_DUPLICATES]
    unknown = sorted(set(wanted) - filmed.keys() - scripts.NEAR_DUPLICATES.keys())
    if unknown:
        raise ActorError(
            f"no such sample: {', '.join(unknown)}. There are: {', '.join([*filmed, *scripts.NEAR_DUPLICATES])}"
        )
    out.mkdir(parents=True, exist_ok=True)
    first = [name for name in wanted if name in filmed]
    copies = [name for name in wanted if name in scripts.NEAR_DUPLICATES]
    first += [o for n in copies if (o := scripts.NEAR_DUPLICATES[n]) not in first and not (out / f"{o}.json").exists()]
    yield from _each(partial(_film, out), [filmed[name] for name in first], workers)
    yield from _each(partial(near_duplicate, out), copies, workers)


def _each(work: partial[str], items: Iterable[object], workers: int) -> Iterator[str]:
    if workers == 1:
        yield from map(work, items)
        return
    # OpenGL contexts do not survive a fork.
    with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
        yield from pool.map(work, items)


def _film(out: Path, call: Call) -> str:
    film = scripts.film(call)
    seen = []

    def frames() -> Iterator[Pixels]:
        for pixels, sightings in shoot(film):
            seen.append(sightings)
            yield pixels

    write_mp4(out / f"{film.name}.mp4", frames(), list(film.times_s), film.crf, film.rotation)
    write_truth(film, seen).write(out / f"{film.name}.json")
    return film.name
