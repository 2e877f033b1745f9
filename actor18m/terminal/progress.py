"""What a build shows while it runs: a table that is drawn anew in a terminal, plain lines elsewhere.

Whoever drains the stages tells what happened, from any thread; a thread of this module draws. Whatever becomes of the
screen, the build goes on.
"""

import os
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from types import TracebackType
from typing import IO, Self

from actor18m.log import printable
from actor18m.redact import redact
from actor18m.terminal.progress_counts import StageProgress
from actor18m.terminal.progress_views import Log, Now, Screen

_DRAW_EVERY_S = 0.25
_GONE = (OSError, ValueError)
"""A terminal that was closed, a pipe whose reader has gone, a stream that was closed: nobody looks any more."""


class Progress:
    """Counts clips by stage, and shows the counts from the beginning of its `with` block to the end."""

    def __init__(self, stages: Sequence[str], out: IO[str], is_terminal: bool) -> None:
        self._tallies = {stage: StageProgress(stage) for stage in stages}
        self._lock = threading.Lock()
        self._begun = time.monotonic()
        self._view = Screen(out, self._now) if is_terminal else Log(out, self._now)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._draw_until_the_end, name="actor18m-progress", daemon=True)

    def expect(self, stage: str, more: int) -> None:
        """So many more clips became known that the stage has to measure."""
        with self._lock:
            self._tallies[stage].expected += more

    def started(self, stage: str, n: int) -> None:
        """A worker has them now."""
        with self._lock:
            self._tallies[stage].started(n, time.monotonic())

    def moved(self, stage: str, n: int) -> None:
        """Of those that were started, so many more are measured; they end when their call does."""
        with self._lock:
            self._tallies[stage].moved(n, time.monotonic())

    def returned(self, stage: str, n: int) -> None:
        """Their worker died or was stopped, and they will be started again."""
        with self._lock:
            self._tallies[stage].returned(n, time.monotonic())

    def ended(
        self,
        stage: str,
        *,
        ok: int = 0,
        rejected: int = 0,
        failed: int = 0,
        quarantined: int = 0,
        unavailable: int = 0,
    ) -> None:
        """A clip ends once: measured and past the rules (ok), measured and rejected, failed, or quarantined. An image
        may also be one that cannot be made.
        """
        with self._lock:
            self._tallies[stage].ended(ok, rejected, failed, quarantined, time.monotonic(), unavailable)

    def came(self, stage: str, clips: int, seconds: float, took_s: float, costs: Mapping[str, float]) -> None:
        """What it took is told at the end."""

    def lost(self, stage: str, kind: str) -> None:
        """Whoever is to blame for it is told in a note."""

    def holds(self, held: Mapping[str, float]) -> None:
        """Likewise."""

    def note(self, text: str) -> None:
        """A line that stays."""
        with suppress(*_GONE):
            self._view.note(printable(redact(text)))

    def __enter__(self) -> Self:
        self._begun = time.monotonic()
        with suppress(*_GONE):
            self._view.begin()
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            self._stop.set()
            self._thread.join()
        finally:
            with suppress(*_GONE):
                self._view.end()

    def _now(self) -> Now:
        with self._lock:
            tallies = [each.copy() for each in self._tallies.values()]
        return Now(tallies, time.monotonic(), time.monotonic() - self._begun)

    def _draw_until_the_end(self) -> None:
        with suppress(*_GONE):
            while not self._stop.wait(_DRAW_EVERY_S):
                self._view.draw()


def progress(stages: Sequence[str], to: IO[str] | None = None, is_terminal: bool | None = None) -> Progress:
    """For these stages, in this order. Shown on stderr unless another stream is given: stdout is for results."""
    out = sys.stderr if to is None else to
    if is_terminal is None:
        is_terminal = out.isatty() and os.environ.get("TERM", "dumb") not in ("dumb", "unknown")
    return Progress(stages, out, is_terminal)
