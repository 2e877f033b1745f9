"""How far a stage is: what has been done of what is to do, how fast that goes, and when it will end."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Self

WINDOW_S = 20.0
_FEWEST = 8
"""So many of the last results count however old they are: where a clip takes a minute, the rate is no zero."""
_GRAIN_S = 0.1
"""Results that come closer together are remembered as one: thousands a second cost no memory."""


@dataclass
class StageProgress:
    """Counts clips of one stage. Times are seconds of a clock that only moves forward; its rate is told by the time
    that something was in flight, so a stage that waits, or is done, keeps the rate that it had.
    """

    stage: str
    expected: int = 0
    in_flight: int = 0
    ok: int = 0
    rejected: int = 0
    failed: int = 0
    quarantined: int = 0
    unavailable: int = 0
    measured: int = 0
    """Of those in flight; they end when their call does."""
    _worked_s: float = 0.0
    """Until it began to work last."""
    _works_since: float | None = None
    _results: deque[tuple[float, int]] = field(default_factory=deque)
    """(working time, how many were done then)."""

    @property
    def ended_so_far(self) -> int:
        return self.ok + self.rejected + self.failed + self.quarantined + self.unavailable

    @property
    def done(self) -> int:
        """Those in flight that are measured among them."""
        return self.ended_so_far + min(self.measured, self.in_flight)

    @property
    def left(self) -> int:
        return max(self.expected - self.done, 0)

    @property
    def passing(self) -> float:
        """Which share goes on to the next stage."""
        return self.ok / self.ended_so_far if self.ended_so_far else 1.0

    @property
    def counts(self) -> tuple[int, ...]:
        ended = self.ok, self.rejected, self.failed, self.quarantined, self.unavailable
        return self.expected, self.in_flight, *ended, self.measured

    def started(self, clips: int, now: float) -> None:
        if not self._results:
            self._results.append((0.0, self.done))
        self.in_flight += clips
        if self._works_since is None:
            self._works_since = now

    def moved(self, clips: int, now: float) -> None:
        self.measured += clips
        self._note(now)

    def returned(self, clips: int, now: float) -> None:
        self.measured = max(self.measured - clips, 0)
        self.in_flight = max(self.in_flight - clips, 0)
        if not self.in_flight and self._works_since is not None:
            self._worked_s, self._works_since = self.worked_s(now), None

    def ended(self, ok: int, rejected: int, failed: int, quarantined: int, now: float, unavailable: int = 0) -> None:
        self.ok += ok
        self.rejected += rejected
        self.failed += failed
        self.quarantined += quarantined
        self.unavailable += unavailable
        self.measured = max(self.measured - (ended := ok + rejected + failed + quarantined + unavailable), 0)
        self.in_flight = max(self.in_flight - ended, 0)
        self._note(now)
        self.returned(0, now)

    def copy(self) -> Self:
        """As it is now; one that is shown must not change meanwhile."""
        return replace(self, _results=deque(self._results))

    def worked_s(self, now: float) -> float:
        return self._worked_s + (0.0 if self._works_since is None else now - self._works_since)

    def rate(self, now: float) -> float:
        """Clips per second of late, while it worked; 0 before the first result."""
        if not self._results:
            return 0.0
        since, done = self._results[0]
        worked = self.worked_s(now)
        return (self.done - done) / (worked - since) if worked > since else 0.0

    def eta_s(self, now: float) -> float | None:
        """Seconds of work until nothing is left; None while the rate is not known."""
        rate = self.rate(now)
        return self.left / rate if rate else None if self.left else 0.0

    def _note(self, now: float) -> None:
        worked = self.worked_s(now)
        if len(self._results) > 1 and worked - self._results[-1][0] < _GRAIN_S:
            self._results[-1] = (self._results[-1][0], self.done)
        else:
            self._results.append((worked, self.done))
        while len(self._results) > _FEWEST and self._results[1][0] <= worked - WINDOW_S:
            self._results.popleft()


@dataclass(frozen=True)
class Whole:
    """All stages at once: how many results there will be in all, and how long that may take."""

    done: int
    expected: int
    """With clips that stages may still come to, as many of them as passed so far."""
    eta_s: float | None
    """None while some stage that has something to do, or will have, has no rate yet."""


def whole(tallies: Sequence[StageProgress], elapsed_s: float, now: float) -> Whole:
    """Of stages in the order that a clip meets them."""
    coming, reach, work = 0.0, 0, 0.0
    longest, is_known = 0.0, True
    for each in tallies:
        to_do = each.left + coming
        rate = each.rate(now)
        if to_do >= 0.5:
            is_known &= rate > 0
            seconds = to_do / rate if rate else 0.0
            work, longest = work + seconds, max(longest, seconds)
        reach += each.done + round(to_do)
        coming = to_do * each.passing
    # stages that worked side by side so far will go on to
    beside = max(1.0, sum(each.worked_s(now) for each in tallies) / elapsed_s) if elapsed_s > 0 else 1.0
    return Whole(sum(each.done for each in tallies), reach, max(longest, work / beside) if is_known else None)


def spelt_time(seconds: float | None) -> str:
    """1m20s, or - when it is not known."""
    if seconds is None:
        return "-"
    whole = round(seconds)
    minutes, hours, days = whole // 60, whole // 3600, whole // 86400
    if days:
        return f"{days}d{hours % 24:02d}h"
    if hours:
        return f"{hours}h{minutes % 60:02d}m"
    return f"{minutes}m{whole % 60:02d}s" if minutes else f"{whole}s"


def spelt_rate(rate: float) -> str:
    """In the unit that leaves a digit before the point, whether clips take milliseconds or minutes."""
    if not rate:
        return "-"
    for unit, times in ("s", 1), ("min", 60):
        if rate * times >= 0.95:
            return f"{rate * times:.{0 if rate * times >= 99.5 else 1}f}/{unit}"
    return f"{rate * 3600:.1f}/h"
