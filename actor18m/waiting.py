"""A stage whose work is waiting, such as for an endpoint that answers over HTTP.

It is a class of its own, and no flag of Stage: what such a stage says is another method, which is called for one clip
or image at a time, and how it is run follows from the class alone. Its `measure` is there already, so that a notebook,
and whoever else is given a stage, need not know the difference.
"""

import asyncio
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, cast

from typing_extensions import TypeVar

from actor18m.stage import Failure, Parameters, Row, Stage, Unit

Ready = TypeVar("Ready", default=Unit)
"""What a stage makes of a clip or image before it begins to wait: by default nothing else."""
Next = TypeVar("Next")


@dataclass(frozen=True, eq=False)
class Again(Generic[Next]):
    """There is one more question about a clip or image: `measure_one` is called again, with this. It is a request of
    its own, and what was answered before it is not asked again when it goes wrong."""

    ready: Next


class Notes(Protocol):
    """What a stage writes down for whoever goes on after its death: small files, each written once."""

    def names(self) -> list[str]: ...
    def read(self, name: str) -> bytes: ...
    def write(self, name: str, content: bytes) -> None: ...
    def forget(self, name: str) -> None:
        """Silent when it is gone already."""
        ...


class Unkept(Notes):
    """Notes of this process alone."""

    def __init__(self) -> None:
        self._there: dict[str, bytes] = {}

    def names(self) -> list[str]:
        return sorted(self._there)

    def read(self, name: str) -> bytes:
        return self._there[name]

    def write(self, name: str, content: bytes) -> None:
        self._there[name] = content

    def forget(self, name: str) -> None:
        self._there.pop(name, None)


class WaitingStage(Stage[Unit], Generic[Unit, Ready]):
    """A stage that measures while it waits. A worker keeps `run.concurrency` clips or images in flight, keeps to
    `run.requests_per_minute`, and commits every few seconds what has come. As `WaitingStage[Image, Question]` it has
    work to do before it can ask, and `prepare` does that ahead of time.

    What is raised is met as in other stages: an error that will pass (a lost connection, a time-out, an HTTP status
    such as 429 or 503) is tried again after a pause, for as long as the server asks (`Retry-After`, or an error's
    `retry_after_s`), and any other is the clip's or the stage's own. So leave retries to the worker: a client that
    retries by itself hides them from the pace, and from the budget.
    """

    notes: Notes = Unkept()
    """A worker gives it those of its store, before anything is measured."""

    def kept(self, keys: Sequence[str], /) -> None:
        """Told, in a thread, what is in the ledger now: what was noted of these is not needed any more."""

    def prepare(self, unit: Unit, /) -> Ready | Row | Failure:
        """What `measure_one` is given: pictures decoded, made smaller and encoded, frames read. It is called once, in
        a thread, while others are in flight, so that nothing is waited for when the turn comes; however often it is
        asked again, it is not prepared again. Where an outcome is returned, nobody is asked."""
        return cast(Ready, unit)

    @classmethod
    def most_questions(cls, parameters: Parameters) -> int:
        """About one clip or image: a budget of requests is not begun upon that could not pay for all of them."""
        return 1

    async def measure_one(self, ready: Ready, /) -> Row | Failure | Again[Ready]:
        """What was measured of one clip or image. All are awaited in one thread and one event loop for a worker's life,
        so a client may be kept; work of the processor belongs into `prepare`.
        """
        raise NotImplementedError

    def measure(self, units: Sequence[Unit], /) -> Iterable[Row | Failure]:
        """All at once."""

        async def one(unit: Unit) -> Row | Failure:
            ready = await asyncio.to_thread(self.prepare, unit)
            while not isinstance(ready, Row | Failure):
                told = await self.measure_one(ready)
                ready = told.ready if isinstance(told, Again) else told
            return ready

        async def together() -> list[Row | Failure]:
            return await asyncio.gather(*map(one, units))

        return asyncio.run(together())
