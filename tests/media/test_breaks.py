"""A person who moves, as a textured patch before a textured wall."""

from collections.abc import Sequence

import cv2
import numpy as np

from actor18m.arrays import Frame
from actor18m.media.breaks import Break, BreakFinder

HEIGHT, WIDTH = 108, 192
COUNT = 40
JUMP = 20


def texture(height: int, width: int, seed: int) -> Frame:
    coarse = np.random.default_rng(seed).integers(0, 256, (height // 6, width // 6), dtype=np.uint8)
    return np.asarray(cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


WALL, PATCH = texture(HEIGHT + 40, WIDTH + 40, 1), texture(54, 42, 2)


def picture(x: float, y: float = 30.0, window: tuple[int, int] = (20, 20)) -> Frame:
    """The patch's upper left corner is at x, y."""
    shown = WALL[window[1] : window[1] + HEIGHT, window[0] : window[0] + WIDTH].copy()
    place = np.array([[1, 0, x], [0, 1, y]], dtype=np.float32)
    patch = cv2.warpAffine(PATCH, place, (WIDTH, HEIGHT))
    there = cv2.warpAffine(np.full_like(PATCH, 255), place, (WIDTH, HEIGHT))
    return np.asarray(np.where(there > 127, patch, shown), dtype=np.uint8)


def breaks(
    shown: Sequence[Frame], key_frames: Sequence[int] = (), times_s: Sequence[float] | None = None
) -> list[Break]:
    finder = BreakFinder()
    for number, each in enumerate(shown):
        finder.add(times_s[number] if times_s else number / 25, each, number in key_frames)
    return finder.found()


def walk(jump: float = 0.0, speed: float = 1.0) -> list[Frame]:
    return [picture(20 + speed * i + (jump if i >= JUMP else 0)) for i in range(COUNT)]


def test_a_person_who_jumps_in_one_framing_is_a_break() -> None:
    (found,) = breaks(walk(jump=12))
    assert found.at_s == JUMP / 25
    assert found.unexplained > 0.1
    assert found.torn > 0.1
    assert found.ratio > 1.5
    assert found.pulse == 0


def test_who_walks_stops_and_runs_is_none() -> None:
    speeds = [1.0] * 10 + [0.0] * 10 + [2.0, 4.0] + [5.0] * 8 + [2.0] * 10
    assert breaks([picture(10 + float(np.sum(speeds[:i]))) for i in range(COUNT)]) == []


def test_frames_that_are_shown_twice_are_no_breaks_and_hide_none() -> None:
    for jump in (0, 16):
        once = walk(jump=jump)
        doubled = [once[i // 2 * 2] for i in range(COUNT)]
        assert [each.at_s for each in breaks(doubled)] == ([JUMP / 25] if jump else [])


def test_a_frame_that_is_left_out_is_no_break() -> None:
    assert breaks([shot for i, shot in enumerate(walk(speed=2)) if i % 6 != 5]) == []


def test_a_step_that_took_longer_is_compared_with_longer_ones() -> None:
    times = [i for i in range(COUNT) if not 20 <= i < 23]
    shown = [picture(10 + 2 * i) for i in times]
    assert breaks(shown, times_s=[i / 25 for i in times]) == []


def test_a_window_that_is_shaken_and_a_lamp_that_is_lit_are_no_breaks() -> None:
    steady = [picture(60 + 0.5 * i) for i in range(COUNT)]
    shaken = [np.roll(shot, (4, -6), axis=(0, 1)) if i >= JUMP else shot for i, shot in enumerate(steady)]
    assert all(each.unexplained < 0.03 for each in breaks(shaken))
    lit = [np.asarray(shot * (0.6 if i < JUMP else 1.0), dtype=np.uint8) for i, shot in enumerate(walk())]
    assert all(each.unexplained < 0.03 for each in breaks(lit))


def test_a_flash_comes_and_goes() -> None:
    assert breaks([255 - shot if i == JUMP else shot for i, shot in enumerate(walk())]) == []


def test_what_a_codec_changes_whenever_it_begins_anew_is_told_beside_the_break() -> None:
    coarse = [cv2.blur(shot, (9, 9)) for shot in walk(speed=0.2)]
    sharp = [cv2.addWeighted(shot, 0.5, coarse[0], 0.5, 0) for shot in walk(speed=0.2)]
    shown = [np.asarray((coarse, sharp)[i // 10 % 2][i], dtype=np.uint8) for i in range(COUNT)]
    found = breaks(shown, key_frames=range(0, COUNT, 10))
    assert found
    assert all(each.difference < 2 * each.pulse for each in found)


def test_a_picture_that_stays_after_a_cut_shows_the_cut_too_but_few_frames_show_none() -> None:
    card = texture(HEIGHT, WIDTH, 3)
    walked = walk()
    assert [each.at_s for each in breaks([*walked, *[card] * 10])] == [COUNT / 25]
    assert breaks([*walked, card, card]) == []
    assert breaks([card] * 3 + walked) == []


def test_a_picture_that_stays_and_then_another_one_that_stays_is_a_break() -> None:
    (found,) = breaks([*[texture(HEIGHT, WIDTH, 4)] * 12, *[texture(HEIGHT, WIDTH, 3)] * 12])
    assert found.at_s == 12 / 25
    assert found.unexplained > 0.9


def test_the_farther_a_person_jumps_the_more_is_torn_and_the_faster_they_move_anyway_the_less() -> None:
    near, far, faster = (breaks(walk(jump, speed)) for jump, speed in ((3, 1), (12, 1), (3, 2)))
    assert near[0].torn < 0.6 * far[0].torn
    assert max((each.torn for each in faster), default=0.0) < 0.6 * near[0].torn


def test_a_short_film_and_none_have_no_breaks() -> None:
    assert breaks([]) == breaks(walk()[:1]) == breaks(walk()[:3]) == []
