import pytest

from actor18m.terminal.progress_counts import StageProgress, Whole, spelt_rate, spelt_time, whole


def worked(clips_per_s: float, seconds: float, expected: int) -> StageProgress:
    tally = StageProgress("identity", expected)
    tally.started(expected, 0.0)
    for number in range(1, int(clips_per_s * seconds) + 1):
        tally.ended(1, 0, 0, 0, number / clips_per_s)
    return tally


def test_the_rate_is_that_of_the_last_seconds() -> None:
    tally = worked(1, 100, 1000)
    for number in range(1, 201):
        tally.ended(1, 0, 0, 0, 100 + number / 10)
    assert tally.rate(120) == pytest.approx(10, rel=0.05)
    assert tally.eta_s(120) == pytest.approx(70, rel=0.05)


def test_it_falls_while_nothing_comes_of_what_is_in_flight() -> None:
    tally = worked(10, 20, 1000)
    assert tally.rate(20) == pytest.approx(10, rel=0.05)
    assert tally.rate(60) < 4


def test_a_stage_that_is_done_or_waits_keeps_its_rate() -> None:
    tally = worked(10, 20, 200)
    assert tally.rate(20) == tally.rate(2000) == pytest.approx(10, rel=0.05)
    tally.expected += 100
    tally.started(10, 2000)
    tally.ended(10, 0, 0, 0, 2001)
    assert tally.rate(3000) == pytest.approx(10, rel=0.05)


def test_what_is_measured_while_its_call_goes_on_counts_at_once() -> None:
    tally = StageProgress("identity", 8)
    tally.started(8, 0)
    tally.moved(3, 6)
    assert (tally.done, tally.left, tally.in_flight, tally.rate(6)) == (3, 5, 8, 0.5)
    tally.ended(7, 0, 1, 0, 16)
    assert (tally.done, tally.in_flight, tally.rate(100)) == (8, 0, 0.5)


def test_clips_that_take_minutes_have_a_rate_too() -> None:
    assert worked(1 / 120, 1200, 100).rate(1200) == pytest.approx(1 / 120)


def test_a_result_of_each_millisecond_takes_no_memory_of_its_own() -> None:
    tally = worked(1000, 15, 100_000)
    assert tally.rate(15) == pytest.approx(1000, rel=0.01)
    assert len(tally._results) < 200


def test_what_is_not_known_is_not_told() -> None:
    tally = StageProgress("identity", 10)
    assert tally.rate(1) == 0
    assert tally.eta_s(1) is None
    assert StageProgress("identity").eta_s(1) == 0


def test_a_clip_that_comes_back_is_in_flight_no_more_and_not_done() -> None:
    tally = StageProgress("identity", 4)
    tally.started(4, 0)
    tally.ended(1, 0, 0, 1, 1)
    tally.returned(1, 2)
    assert (tally.in_flight, tally.done, tally.left) == (1, 2, 2)


def test_a_copy_does_not_move() -> None:
    tally = worked(1, 5, 10)
    copy = tally.copy()
    tally.ended(1, 0, 0, 0, 6.0)
    assert (copy.done, copy.rate(5)) == (5, 1)


def passing(stage: str, done: int, expected: int, ok: int, seconds: float, begun: float = 0) -> StageProgress:
    tally = StageProgress(stage, expected)
    tally.started(done, begun)
    tally.ended(ok, done - ok, 0, 0, begun + seconds)
    return tally


def test_the_whole_counts_clips_that_stages_may_still_come_to() -> None:
    """Of 100, half pass the first stage: the second may have 20 and 40 more, and the third what passes that one."""
    first, second, third = passing("a", 20, 100, 10, 10), passing("b", 10, 10, 10, 40, 10), StageProgress("c", 10)
    all_of_it = whole([first, second, third], 50, 50)
    assert (all_of_it.done, all_of_it.expected) == (30, 100 + 50 + 50)
    assert all_of_it.eta_s is None, "nobody knows how long the third takes"


def test_what_is_left_takes_as_long_as_it_did_so_far() -> None:
    """One after the other, and with two stages side by side."""
    first, second = passing("a", 20, 100, 10, 10), passing("b", 10, 10, 10, 40, 10)
    assert whole([first, second], 50, 50).eta_s == pytest.approx(80 / 2 + 40 / 0.25)
    beside = passing("b", 10, 10, 10, 40, 0)
    longer = passing("a", 20, 100, 10, 40)
    assert whole([longer, beside], 40, 40).eta_s == pytest.approx((80 / 0.5 + 40 / 0.25) / 2)


def test_nothing_left_takes_no_time() -> None:
    assert whole([passing("a", 3, 3, 0, 1), StageProgress("b")], 1, 1) == Whole(3, 3, 0.0)


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
