"""How fast requests may begin: so many a minute, evenly, and none while whoever is asked wants to be left alone."""

import asyncio
import time
from contextlib import suppress


class Pace:
    """Of one worker."""

    def __init__(self, per_minute: float | None) -> None:
        self._every_s = 60.0 / per_minute if per_minute else 0.0
        self._next = self._held_until = 0.0
        self._stopping = asyncio.Event()

    async def turn(self) -> bool:
        """Waits until a request may begin; false when none may any more."""
        while not self._stopping.is_set():
            now = time.monotonic()
            at = max(now, self._next, self._held_until)
            self._next = at + self._every_s
            await self.rest(at - now)
            if self._held_until <= time.monotonic():
                break
        return not self._stopping.is_set()

    async def rest(self, seconds: float) -> None:
        """A pause, which ends early when nothing may begin any more."""
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), seconds)

    def hold(self, seconds: float) -> None:
        """Nothing begins for so long."""
        self._held_until = max(self._held_until, time.monotonic() + seconds)

    @property
    def is_stopping(self) -> bool:
        return self._stopping.is_set()

    def stop(self) -> None:
        """Nothing begins any more."""
        self._stopping.set()
