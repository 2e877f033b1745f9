from dataclasses import replace

import numpy as np

from actor18m.arrays import Box, Floats
from actor18m.media.colours import colours
from actor18m.media.tracks import SeenPerson, Track, prominence, subject, tracks


def coat(hue: int) -> Floats:
    picture = np.full((60, 40, 3), 90, dtype=np.uint8)
    picture[:, :, hue] = 200
    return colours(picture, (0, 0, 40, 60))


RED, BLUE = coat(0), coat(2)


def person(x: float, looks: Floats, score: float = 0.9, tall: float = 200) -> SeenPerson:
    box: Box = (x, 100, x + tall / 3, 100 + tall)
    return SeenPerson(box, score, looks)


def test_two_who_cross_keep_their_names_by_their_colours() -> None:
    samples = [[person(100 + 30 * i, RED), person(400 - 30 * i, BLUE)] for i in range(11)]
    for people in samples[5:]:
        people.reverse()  # whoever is told first
    found = tracks(samples, 0.5, 8)
    assert len(found) == 2
    for track in found:
        assert len({id(seen.colours) for seen in track.seen.values()}) == 1
        assert len(track.seen) == 11


def test_two_who_look_alike_and_cross_keep_their_names_by_how_they_move() -> None:
    right, left = (replace(person(x, RED), step=(by, 0.0)) for x, by in ((100, 60.0), (160, -60.0)))
    there, back = person(160, RED), person(100, RED)
    assert [track.seen for track in tracks([[right, left], [back, there]], 0.5, 8)] == [
        {0: right, 1: there},
        {0: left, 1: back},
    ]


def test_the_subject_is_who_stays_and_not_who_passes_nearer() -> None:
    samples = [[person(380, RED)] for _ in range(24)]
    for i in range(8, 13):
        samples[i].append(person(120 * (i - 8), BLUE, tall=320))
    found = tracks(samples, 0.5, 8)
    chosen = subject(found, [prominence(track, 540, 960) for track in found], 0.7)
    assert list(chosen.seen) == list(range(24))
    assert all(seen.colours is RED for seen in chosen.seen.values())


def test_the_subject_is_who_goes_behind_furniture_and_not_what_may_be_a_person() -> None:
    samples = [[person(440, BLUE, 0.55, tall=220)] for _ in range(32)]
    for i in range(10):
        samples[i].append(person(40 * i, RED))
        samples[-1 - i].append(person(900 - 40 * i, RED))
    found = tracks(samples, 0.5, 8)
    weights = [prominence(track, 540, 960) for track in found]
    assert found[weights.index(max(weights))].seen[0].colours is BLUE, "of tracks alone"
    assert list(subject(found, weights, 0.7).seen) == [*range(10), *range(22, 32)]


def test_the_subject_is_surely_seen_and_near_the_middle() -> None:
    middle, aside, unsure = person(450, RED), person(20, RED, tall=210), person(450, RED, 0.5, tall=210)
    by_likelihood = sorted(
        (middle, aside, unsure), key=lambda seen: prominence(Track({0: seen}), 600, 960), reverse=True
    )
    assert by_likelihood[0] is middle


def test_who_is_not_seen_for_a_moment_may_have_gone_on_meanwhile() -> None:
    def count(x: float, gap: int) -> int:
        return len(tracks([[person(300, RED)], *[[]] * gap, [person(x, RED)]], 0.5, 8))

    assert [count(500, 4), count(500, 0), count(300, 8)] == [1, 2, 2]


def test_someone_who_comes_back_after_a_while_is_known_by_their_colours() -> None:
    def chosen(looks: Floats) -> list[int]:
        samples = [[person(300, RED)]] * 10 + [[]] * 12 + [[person(600, looks)]] * 6
        found = tracks(samples, 0.5, 8)
        return list(subject(found, [prominence(track, 540, 960) for track in found], 0.7).seen)

    assert chosen(RED) == [*range(10), *range(22, 28)]
    assert chosen(BLUE) == list(range(10))


def test_who_is_not_sure_goes_on_with_a_track_but_begins_none() -> None:
    weak = person(305, RED, 0.3)
    assert tracks([[weak]] * 3, 0.5, 8) == []
    (found,) = tracks([[person(300, RED)], [weak], [weak]], 0.5, 8)
    assert list(found.seen) == [0, 1, 2]
    (alone,) = tracks([[person(300, RED)], [person(380, RED, 0.3)]], 0.5, 8)
    assert list(alone.seen) == [0], "elsewhere it is more likely something of that colour"


def test_nobody_has_no_subject() -> None:
    assert subject(tracks([[], []], 0.5, 8), [], 0.7).seen == {}


def test_a_body_that_is_told_as_two_halves_for_a_moment_is_one_person() -> None:
    def boxed(y0: float, y1: float) -> SeenPerson:
        return SeenPerson((300, y0, 420, y1), 0.9, RED)

    def chosen(apart: float) -> list[int]:
        before = {i: boxed(100, 500) for i in range(8)} | {8: boxed(290 + apart, 500 + apart)}
        after = {8: boxed(100, 300)} | {i: boxed(100, 500) for i in range(9, 20)}
        return list(subject([Track(before), Track(after)], [1.0, 2.0], 0.7).seen)

    assert chosen(0) == list(range(20))
    assert chosen(300) == list(range(8, 20)), "another one in the same colours"
