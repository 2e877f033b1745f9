"""Has one clip or image of a stage that waits measured: it is made ready, asked about with patience, and each answer is
waited for until a deadline.
"""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from actor18m.execute.messages import Duty
from actor18m.execute.pace import Pace
from actor18m.execute.trouble import Patience, ended_by, is_soon_over, retry_after_s
from actor18m.execute.units import Unit
from actor18m.execute.worker import Outcome, check
from actor18m.stage import Failure, Row
from actor18m.waiting import Again, WaitingStage

T = TypeVar("T")

LONGEST_RETRY_AFTER_S = 300.0
"""Who wants to be left alone for longer is asked again by the next build."""
PATIENT_TIMES = 10
"""So often a clip waits for as long as it is asked to, before that counts as an attempt that failed."""


@dataclass(frozen=True, eq=False)
class Ready:
    """What the stage is given when its turn comes."""

    ready: Any


class Asker:
    """In the event loop of a worker, at its pace."""

    def __init__(self, duty: Duty, stage: WaitingStage[Any, Any], pace: Pace) -> None:
        self._duty, self._stage, self._pace = duty, stage, pace
        self._patience = Patience()

    async def prepared(self, key: str, unit: Unit) -> Ready | Outcome:
        """Tried again while its trouble looks as if it would pass. Nobody is asked yet."""
        pauses = list(self._patience.pauses_s)
        while True:
            try:
                ready = await self._within_deadline(asyncio.to_thread(self._stage.prepare, unit))
                return self._checked(key, ready) if isinstance(ready, Row | Failure) else Ready(ready)
            except Exception as error:
                if not pauses or not is_soon_over(error):
                    return ended_by(key, error)
                await self._pace.rest(pauses.pop(0))

    async def patiently(self, key: str, ready: Any, asks: Callable[[], None]) -> Outcome | None:
        """Tried again while its trouble looks as if it would pass. Whoever asks to be left alone is, by all. Where
        there is more to ask, that comes in a turn of its own, and also when nothing else is begun any more: what was
        answered before was paid for."""
        pauses, times, is_begun = list(self._patience.pauses_s), PATIENT_TIMES, False
        while await self._pace.turn() or is_begun:
            asks()
            is_begun = False
            try:
                outcome = await self._attempt(key, ready)
            except Exception as error:
                if not is_soon_over(error):
                    return ended_by(key, error)
                asked_s = retry_after_s(error)
                if asked_s is not None and asked_s <= LONGEST_RETRY_AFTER_S and times:
                    times -= 1
                    self._pace.hold(asked_s)
                elif pauses and asked_s is None:
                    await self._pace.rest(pauses.pop(0))
                else:
                    self._patience.gave_up()
                    return ended_by(key, error)
            else:
                self._patience.regained()
                if not isinstance(outcome, Again):
                    return outcome
                ready, pauses, times, is_begun = outcome.ready, list(self._patience.pauses_s), PATIENT_TIMES, True
        return None

    async def _attempt(self, key: str, ready: Any) -> Row | Failure | Again[Any]:
        told = await self._within_deadline(self._stage.measure_one(ready))
        return told if isinstance(told, Again) else self._checked(key, told)

    def _checked(self, key: str, outcome: Row | Failure) -> Row | Failure:
        if outcome.key != key:
            raise ValueError(f"stage {self._duty.stage} was given {key}, and gave an outcome of {outcome.key}")
        check(self._stage, [outcome])
        return outcome

    async def _within_deadline(self, work: Awaitable[T]) -> T:
        deadline_s = self._duty.step.run.deadline_s
        try:
            async with asyncio.timeout(deadline_s) as limit:
                return await work
        except TimeoutError as error:
            if limit.expired():
                raise TimeoutError(f"gave no answer within {deadline_s:g} s") from error
            raise
        except (Exception, asyncio.CancelledError):
            raise
        except BaseException as error:  # sys.exit(), a panic of a library: it has no say in when a build ends
            raise RuntimeError(f"it raised {type(error).__name__}: {error}") from error
