import pytest

from actor18m.tally import Tally, eta_of_all, spelt_rate, spelt_time, summed


def worked(clips_per_s: float, seconds: float, expected: int) -> Tally:
    tally = Tally("identity", expected)
    tally.started(1, 0.0)
    for number in range(1, int(clips_per_s * seconds) + 1):
        tally.ended(1, 0, 0, 0, number / clips_per_s)
    return tally


def test_the_rate_is_that_of_the_last_seconds() -> None:
    tally = worked(1, 100, 1000)
    for number in range(1, 201):
        tally.ended(1, 0, 0, 0, 100 + number / 10)
    assert tally.rate(120) == pytest.approx(10, rel=0.05)
    assert tally.eta_s(120) == pytest.approx(70, rel=0.05)


def test_it_falls_while_nothing_comes() -> None:
    tally = worked(10, 20, 1000)
    assert tally.rate(20) == pytest.approx(10, rel=0.05)
    assert tally.rate(60) < 4


def test_clips_that_take_minutes_have_a_rate_too() -> None:
    assert worked(1 / 120, 1200, 100).rate(1200) == pytest.approx(1 / 120)


def test_a_result_of_each_millisecond_takes_no_memory_of_its_own() -> None:
    tally = worked(1000, 15, 100_000)
    assert tally.rate(15) == pytest.approx(1000, rel=0.01)
    assert len(tally._results) < 200


def test_what_is_not_known_is_not_told() -> None:
    tally = Tally("identity", 10)
    assert tally.rate(1) == 0
    assert tally.eta_s(1) is None
    assert Tally("identity").eta_s(1) == 0


def test_a_clip_that_comes_back_is_in_flight_no_more_and_not_done() -> None:
    tally = Tally("identity", 4)
    tally.started(4, 0)
    tally.ended(1, 0, 0, 1, 1)
    tally.returned(1)
    assert (tally.in_flight, tally.done, tally.left) == (1, 2, 2)


def test_a_copy_does_not_move() -> None:
    tally = worked(1, 5, 10)
    copy = tally.copy()
    tally.ended(1, 0, 0, 0, 6.0)
    assert (copy.done, copy.rate(5)) == (5, 1)


def test_the_slowest_stage_says_when_all_ends() -> None:
    fast, slow = worked(10, 10, 200), worked(1, 10, 100)
    assert eta_of_all([fast, slow], 10) == slow.eta_s(10) == pytest.approx(90, rel=0.02)
    assert eta_of_all([fast, Tally("motion", 5)], 10) is None
    assert summed("total", [fast, slow]).counts == (300, 0, 110, 0, 0, 0)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(None, "-"), (0.2, "0s"), (59.6, "1m00s"), (80, "1m20s"), (7500, "2h05m"), (360_000, "4d04h")],
)
def test_times_are_short(seconds: float | None, text: str) -> None:
    assert spelt_time(seconds) == text


@pytest.mark.parametrize(
    ("rate", "text"),
    [(0, "-"), (1234.5, "1234/s"), (99.6, "100/s"), (3.21, "3.2/s"), (0.5, "30.0/min"), (0.001, "3.6/h")],
)
def test_rates_keep_a_digit_before_the_point(rate: float, text: str) -> None:
    assert spelt_rate(rate) == text
