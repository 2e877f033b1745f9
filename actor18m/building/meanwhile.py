"""What a build took so far, kept in its store while it measures: one that is killed was paid for, too."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from actor18m.building.measuring import Watched
from actor18m.config.costs import DOLLARS, GPU_SECONDS
from actor18m.execute.tally import Tally, Watcher
from actor18m.storage.lease import Lease
from actor18m.survey import runs
from actor18m.survey.rates import prices_of

EVERY_S = 5.0
"""No oftener; what was taken since is lost with a build that is killed."""


@contextmanager
def kept_meanwhile(
    lease: Lease,
    account: dict[str, Any],
    one_at_a_time: Collection[str] = (),
    every_s: float = EVERY_S,
    now: Callable[[], float] = time.monotonic,
) -> Iterator[Watched]:
    """Gives who watches each drain of the build. However the block is left, the run's account has what was taken.
    `one_at_a_time`: stages of which no call begins before the one before has ended, so that it is at work since then.
    """
    stages: Mapping[str, Mapping[str, Any]] = account["stages"]
    begun, since = account["begun"], now()
    taken, has_ended = _Taken(stages, one_at_a_time, now), threading.Event()

    def keep() -> None:
        so_far = {"begun": begun, "seconds": round(now() - since, 1), "stages": with_taken(stages, taken.tally)}
        runs.keep_so_far(lease, so_far)

    def keep_until_the_end() -> None:
        """From the first that came, and without anything that comes: a call may take long."""
        taken.has_come.wait(every_s)
        while not has_ended.is_set():
            keep()
            has_ended.wait(every_s)

    keeping = threading.Thread(target=keep_until_the_end, name="actor18m-meanwhile", daemon=True)
    keeping.start()
    try:
        yield taken.heard
    finally:
        account["stages"] = with_taken(stages, taken.tally)
        has_ended.set()
        taken.has_come.set()
        keeping.join()
        keep()  # what follows, publishing, may be killed, too


def with_taken(stages: Mapping[str, Mapping[str, Any]], tally: Tally) -> dict[str, dict[str, Any]]:
    """What a run tells of each stage, with how much it measured and what that took."""
    return {
        name: {
            **told,
            "measured": tally.measured[name] + tally.failed[name] + tally.unavailable[name],
            "seconds": round(tally.seconds.get(name, 0.0), 3),
            **({"held_seconds": round(tally.held[name], 3)} if name in tally.held else {}),
            **({"costs": {cost: round(value, 6) for cost, value in costs.items()}} if costs else {}),
        }
        for name, told in stages.items()
        for costs in (tally.costs.get(name),)
    }


class _Taken:
    """By all drains of a build, one after the other. Told and asked from any thread."""

    def __init__(
        self, stages: Mapping[str, Mapping[str, Any]], one_at_a_time: Collection[str], now: Callable[[], float]
    ) -> None:
        self.has_come = threading.Event()
        """Anything."""
        self.lock = threading.Lock()
        self.one_at_a_time, self.now = one_at_a_time, now
        self.under_way: dict[str, _UnderWay] = {}
        self._stages, self._before, self._now = stages, Tally(), Tally()

    @property
    def tally(self) -> Tally:
        """With what calls took so far that are not back."""
        with self.lock:
            told = self._before + self._now
            for stage, call in self.under_way.items():
                told += self._taken_by(stage, call)
            return told

    def heard(self, watcher: Watcher) -> Watcher:
        """Of the next drain."""
        with self.lock:
            self._before, self._now = self._before + self._now, Tally()
            return _Heard(watcher, self._now, self)

    def _taken_by(self, stage: str, call: "_UnderWay") -> Tally:
        """What it measured, its time, and what that costs."""
        seconds, told = self.now() - call.since, self._stages.get(stage, {})
        costs = Counter[str]()
        if gpus := told.get("gpus"):
            costs[GPU_SECONDS] = gpus * seconds
        if paid := prices_of(told.get("dollars_per")).of(costs):
            costs[DOLLARS] = paid  # type: ignore[assignment]
        return Tally(Counter({stage: call.measured}), seconds={stage: seconds}, costs={stage: costs} if costs else {})


@dataclass
class _UnderWay:
    """A call that is not back."""

    since: float
    measured: int = 0


class _Heard:
    """Adds up what a watcher is told that calls took, and tells the watcher all of it."""

    def __init__(self, watcher: Watcher, tally: Tally, taken: _Taken) -> None:
        self._watcher, self._tally, self._taken = watcher, tally, taken

    def came(self, stage: str, clips: int, seconds: float, took_s: float, costs: Mapping[str, float]) -> None:
        with self._taken.lock:
            self._taken.under_way.pop(stage, None)  # the whole call is told now
            self._tally.measured[stage] += clips
            self._tally.seconds[stage] = self._tally.seconds.get(stage, 0.0) + seconds
            spent = self._tally.costs.setdefault(stage, Counter())
            for name, value in costs.items():
                spent[name] += value  # type: ignore[assignment]
        self._taken.has_come.set()
        self._watcher.came(stage, clips, seconds, took_s, costs)

    def holds(self, held: Mapping[str, float]) -> None:
        with self._taken.lock:
            self._tally.held = dict(held)
        self._watcher.holds(held)

    def expect(self, stage: str, more: int) -> None:
        self._watcher.expect(stage, more)

    def started(self, stage: str, n: int) -> None:
        if stage in self._taken.one_at_a_time:
            with self._taken.lock:
                self._taken.under_way[stage] = _UnderWay(self._taken.now())
        self._watcher.started(stage, n)

    def moved(self, stage: str, n: int) -> None:
        with self._taken.lock:
            if (call := self._taken.under_way.get(stage)) is not None:
                call.measured += n
        self._taken.has_come.set()
        self._watcher.moved(stage, n)

    def returned(self, stage: str, n: int) -> None:
        self._watcher.returned(stage, n)

    def ended(self, stage: str, **counts: int) -> None:
        self._watcher.ended(stage, **counts)

    def lost(self, stage: str, kind: str) -> None:
        with self._taken.lock:
            self._taken.under_way.pop(stage, None)
        self._watcher.lost(stage, kind)

    def note(self, text: str) -> None:
        self._watcher.note(text)
