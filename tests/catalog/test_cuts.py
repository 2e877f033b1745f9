from itertools import pairwise
from typing import Any

import pytest

from actor18m.catalog.cuts import Cut, CutAtShots, CutInWindows, within

FPS = 25
INTO_SHOTS = CutAtShots(min_s=2, max_s=60, min_score=0.5)


def row(duration_s: float, *boundaries: tuple[float, float]) -> dict[str, Any]:
    """Boundaries are (seconds, score)."""
    return {
        "duration_s": duration_s,
        "frame_count": round(duration_s * FPS),
        "seconds": [second * FPS for second in range(int(-(-duration_s // 1)))],
        "boundaries": [{"frame": round(at * FPS), "time_s": at, "score": score} for at, score in boundaries],
    }


def lengths(cuts: list[Cut] | None) -> list[float]:
    assert cuts is not None
    return [(after - first) / FPS for first, after in cuts]


def test_without_a_boundary_that_counts_a_source_no_longer_than_a_clip_is_whole() -> None:
    assert INTO_SHOTS(row(60)) is None
    assert INTO_SHOTS(row(60, (30, 0.49))) is None
    assert INTO_SHOTS(row(60, (30, 0.5))) == [(0, 750), (750, 1500)]
    assert INTO_SHOTS(row(0.4)) is None, "too short for a clip: a rule will say so"


def test_shots_that_are_too_short_are_left_out() -> None:
    assert INTO_SHOTS(row(10, (1.96, 1), (3.96, 1), (9, 1))) == [(49, 99), (99, 225)]
    assert INTO_SHOTS(row(2, (1, 1))) == []


@pytest.mark.parametrize("begin", [0.0, 3.48])
@pytest.mark.parametrize("length", [60.04, 61.0, 119.96, 120.0, 121.0, 3596.0])
def test_long_shots_are_cut_into_as_few_even_parts_as_fit(begin: float, length: float) -> None:
    found = INTO_SHOTS(row(begin + length, *([(begin, 1.0)] if begin else [])))
    parts = [cut for cut in found or () if cut[0] >= round(begin * FPS)]
    assert parts[0][0] == round(begin * FPS)
    assert parts[-1][1] == round((begin + length) * FPS)
    assert all(one[1] == next_[0] for one, next_ in pairwise(parts)), "nothing is lost between"
    assert max(lengths(parts)) <= 60
    assert max(lengths(parts)) - min(lengths(parts)) <= 2
    assert len(parts) <= length / 60 + 2


def test_no_part_is_longer_than_a_clip_may_be_when_frames_fall_between_seconds() -> None:
    fps = 30000 / 1001
    frames = int(600 * fps)
    told = {"duration_s": frames / fps, "frame_count": frames, "seconds": [int(second * fps) for second in range(600)]}
    found = INTO_SHOTS(told | {"boundaries": []})
    assert max(after - first for first, after in found or ()) / fps <= 60


def test_windows_have_one_length_and_the_last_what_is_left() -> None:
    into = CutInWindows(min_s=2, length_s=10)
    assert into(row(10)) is None
    assert lengths(into(row(31.96))) == [10, 10, 10]
    assert lengths(into(row(32))) == [10, 10, 10, 2]
    assert lengths(into(row(30))) == [10, 10, 10]


def test_of_a_picture_that_stands_for_long_no_clip_is_made_twice() -> None:
    still = row(40) | {"seconds": [0] * 25 + [1] * 15, "frame_count": 2}
    assert CutInWindows(min_s=2, length_s=10)(still) == [(0, 1), (1, 2)]


def test_clips_of_a_cut_count_frames_of_the_file() -> None:
    assert within([100, 200], (5, 9)) == (105, 109)
    assert within(None, (5, 9)) == (5, 9)
