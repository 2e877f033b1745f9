"""Shooting: the same seed gives the same pixels, and the people in them are who the truth says."""

from dataclasses import replace

import numpy as np
import pytest

pytest.importorskip("anny", reason="the studio needs the extra 'actors'")

from studio import scripts
from studio.film import Film
from studio.shoot import shoot
from studio.testimony import write_truth


def short(name: str, seed: int, frames: slice) -> Film:
    film = next(scripts.film(call) for call in scripts.calls(seed) if call.name == name)
    return replace(film, times_s=film.times_s[frames])


def test_the_same_seed_gives_the_same_pixels_and_another_seed_does_not() -> None:
    first, again, other = (list(shoot(short("talk_yaw_1", seed, slice(0, 2)))) for seed in (3, 3, 4))
    for (a, _), (b, _) in zip(first, again, strict=True):
        assert np.array_equal(a, b)
    assert not np.array_equal(first[0][0], other[0][0])


def test_someone_hidden_is_occluded_in_the_truth() -> None:
    film = short("behind_occluder_1", 3, slice(24, 72, 6))
    truth = write_truth(film, [sightings for _, sightings in shoot(film)])
    assert len(truth.occlusions) == 1
    hidden = truth.occlusions[0]
    visible = truth.actors[0].body_visible
    assert all((v or 0) < 0.4 for v in visible[hidden.first_frame : hidden.last_frame + 1])
    assert truth.people[hidden.first_frame + 1] == 0
    assert max(v or 0 for v in visible) > 0.7  # half behind it when it comes into view
