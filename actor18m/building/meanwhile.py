"""What a build took so far, kept in its store while it measures: one that is killed was paid for, too."""

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from actor18m.building.measuring import Watched
from actor18m.execute.tally import Tally, Watcher
from actor18m.storage.lease import Lease
from actor18m.survey import runs

EVERY_S = 5.0
"""No oftener; what was taken since is lost with a build that is killed."""


@contextmanager
def kept_meanwhile(
    lease: Lease, account: dict[str, Any], every_s: float = EVERY_S, now: Callable[[], float] = time.monotonic
) -> Iterator[Watched]:
    """Gives who watches each drain of the build. However the block is left, the run's account has what was taken."""
    stages: Mapping[str, Mapping[str, Any]] = account["stages"]
    begun, since, taken = account["begun"], now(), _Taken()
    with ThreadPoolExecutor(max_workers=1, thread_name_prefix="actor18m-meanwhile") as writing:
        written: Future[None] | None = None
        due = 0.0

        def keep() -> None:
            nonlocal written, due
            due = now() + every_s
            so_far = {"begun": begun, "seconds": round(now() - since, 1), "stages": with_taken(stages, taken.tally)}
            written = writing.submit(runs.keep_so_far, lease, so_far)

        def keep_when_due() -> None:
            if now() >= due and (written is None or written.done()):
                keep()

        try:
            yield lambda watcher: taken.heard(watcher, keep_when_due)
        finally:
            account["stages"] = with_taken(stages, taken.tally)
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
    """By all drains of a build, one after the other."""

    def __init__(self) -> None:
        self._before, self._now = Tally(), Tally()

    @property
    def tally(self) -> Tally:
        return self._before + self._now

    def heard(self, watcher: Watcher, then: Callable[[], None]) -> Watcher:
        """Of the next drain."""
        self._before, self._now = self.tally, Tally()
        return _Heard(watcher, self._now, then)


class _Heard:
    """Adds up what a watcher is told that calls took, and tells the watcher all of it."""

    def __init__(self, watcher: Watcher, tally: Tally, then: Callable[[], None]) -> None:
        self._watcher, self._tally, self._then = watcher, tally, then

    def came(self, stage: str, clips: int, seconds: float, took_s: float, costs: Mapping[str, float]) -> None:
        self._tally.measured[stage] += clips
        self._tally.seconds[stage] = self._tally.seconds.get(stage, 0.0) + seconds
        spent = self._tally.costs.setdefault(stage, Counter())
        for name, value in costs.items():
            spent[name] += value  # type: ignore[assignment]
        self._then()
        self._watcher.came(stage, clips, seconds, took_s, costs)

    def holds(self, held: Mapping[str, float]) -> None:
        self._tally.held = dict(held)
        self._then()
        self._watcher.holds(held)

    def expect(self, stage: str, more: int) -> None:
        self._watcher.expect(stage, more)

    def started(self, stage: str, n: int) -> None:
        self._watcher.started(stage, n)

    def moved(self, stage: str, n: int) -> None:
        self._watcher.moved(stage, n)

    def returned(self, stage: str, n: int) -> None:
        self._watcher.returned(stage, n)

    def ended(self, stage: str, **counts: int) -> None:
        self._watcher.ended(stage, **counts)

    def lost(self, stage: str, kind: str) -> None:
        self._watcher.lost(stage, kind)

    def note(self, text: str) -> None:
        self._watcher.note(text)
