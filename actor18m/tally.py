"""How far a stage is: what has been done of what is to do, how fast that goes, and when it will end."""

from collections import deque
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Self

WINDOW_S = 20.0
_FEWEST = 8
"""So many of the last results count however old they are: where a clip takes a minute, the rate is no zero."""
_GRAIN_S = 0.1
"""Results that come closer together are remembered as one: thousands a second cost no memory."""


@dataclass
class Tally:
    """Counts clips of one stage. Times are seconds of a clock that only moves forward."""

    stage: str
    expected: int = 0
    in_flight: int = 0
    ok: int = 0
    rejected: int = 0
    failed: int = 0
    quarantined: int = 0
    _results: deque[tuple[float, int]] = field(default_factory=deque)
    """(time, how many were done then)."""

    @property
    def done(self) -> int:
        return self.ok + self.rejected + self.failed + self.quarantined

    @property
    def left(self) -> int:
        return max(self.expected - self.done, 0)

    @property
    def counts(self) -> tuple[int, ...]:
        return self.expected, self.in_flight, self.ok, self.rejected, self.failed, self.quarantined

    def started(self, clips: int, now: float) -> None:
        self.in_flight += clips
        if not self._results:
            self._results.append((now, self.done))

    def returned(self, clips: int) -> None:
        self.in_flight = max(self.in_flight - clips, 0)

    def ended(self, ok: int, rejected: int, failed: int, quarantined: int, now: float) -> None:
        self.ok += ok
        self.rejected += rejected
        self.failed += failed
        self.quarantined += quarantined
        self.returned(ok + rejected + failed + quarantined)
        if len(self._results) > 1 and now - self._results[-1][0] < _GRAIN_S:
            self._results[-1] = (self._results[-1][0], self.done)
        else:
            self._results.append((now, self.done))
        while len(self._results) > _FEWEST and self._results[1][0] <= now - WINDOW_S:
            self._results.popleft()

    def copy(self) -> Self:
        """As it is now; one that is shown must not change meanwhile."""
        return replace(self, _results=deque(self._results))

    def rate(self, now: float) -> float:
        """Clips per second of late; 0 before the first result."""
        if not self._results:
            return 0.0
        since, done = self._results[0]
        return (self.done - done) / (now - since) if now > since else 0.0

    def eta_s(self, now: float) -> float | None:
        """Seconds until nothing is left; None while the rate is not known."""
        rate = self.rate(now)
        return self.left / rate if rate else None if self.left else 0.0


def summed(name: str, tallies: Iterable[Tally]) -> Tally:
    """All of them as one, without a rate of its own."""
    rows = [each.counts for each in tallies]
    return Tally(name, *(sum(column) for column in zip(*rows, strict=True)))


def eta_of_all(tallies: Iterable[Tally], now: float) -> float | None:
    """Until the slowest ends: stages run side by side."""
    etas = [each.eta_s(now) for each in tallies]
    known = [eta for eta in etas if eta is not None]
    return max(known, default=0.0) if len(known) == len(etas) else None


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
