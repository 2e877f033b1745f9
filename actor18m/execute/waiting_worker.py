"""A worker of a stage that waits: many clips or images are in flight in one process, and what has come is committed
every few seconds, many with one commit.

Everything happens in one event loop, in a thread of its own: the driver's process stays free, and the serial executor
goes on with other stages meanwhile. A task is reported once it is committed, so a worker that is killed loses what came
in the last seconds, and what was in flight.
"""

import asyncio
import threading
import time
from collections import defaultdict
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar

from actor18m.config.costs import REQUESTS
from actor18m.execute.asker import Asker, Ready
from actor18m.execute.messages import Duty, Report, Task, Todo
from actor18m.execute.pace import Pace
from actor18m.execute.sources import troubles
from actor18m.execute.units import Unit, Units
from actor18m.execute.worker import Measured, Outcome, away, committed, stage_of
from actor18m.media.watch import SourceTrouble, watch_coroutine
from actor18m.models.shared import Shared
from actor18m.waiting import WaitingStage

T = TypeVar("T")

COMMIT_S = 2.0
"""What has come waits no longer than this for company."""
BEAT_S = 1.0
_LAST_WORDS_S = 5.0
_IN_STORE = 3
"""A worker is given so many times what it has in flight: what was committed is told, and what comes next is there."""
_READY = 2
"""So many times what it has in flight is made ready at most, in flight or not: what is ready may be large."""


def capacity(duty: Duty) -> int:
    """How many tasks of one clip or image a worker takes."""
    return _IN_STORE * duty.step.run.in_flight


@dataclass(eq=False)
class _Call:
    task: Task
    future: Future[Report]
    ended: dict[str, Outcome] = field(default_factory=dict)
    left: list[str] = field(default_factory=list)
    requests: int = 0
    begun: float | None = None
    """When the first of it was asked."""
    took_s: float | None = None

    def asks(self) -> None:
        self.requests += 1

    @property
    def is_whole(self) -> bool:
        return len(self.ended) + len(self.left) == len(self.task.todos)


class WaitingWorker:
    """Measures what it is given, from any thread. `alive` is told of every second that the event loop turns."""

    def __init__(self, duty: Duty, alive: Callable[[int], None] = lambda beat: None) -> None:
        self._shared = Shared()  # its own: others of this process ask theirs in another thread
        made = stage_of(duty, self._shared)
        assert isinstance(made, WaitingStage)
        self._duty, self._stage, self._units, self._alive = duty, made, Units(duty, made), alive
        self._threads = ThreadPoolExecutor(4, f"actor18m-{duty.stage}")
        """For the engine's own reading and writing: asyncio's are the stage's."""
        self._is_set_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"actor18m-{duty.stage}", daemon=True)
        self._thread.start()
        self._is_set_up.wait()

    def submit(self, task: Task) -> Future[Report]:
        """Done when all of it is committed."""
        call = _Call(task, Future())
        self._loop.call_soon_threadsafe(self._given.put_nowait, call)
        return call.future

    def do(self, task: Task, moved: Callable[[int], None] = lambda clips: None) -> Report:
        """One task, and waits for it."""
        report = self.submit(task).result()
        moved(len(task.todos))
        return report

    def stop(self) -> None:
        """Begins nothing more: what is not in flight comes back as it is."""
        self._loop.call_soon_threadsafe(self._pace.stop)

    def close(self) -> None:
        """Ends now; what is in flight is not reported."""
        self._loop.call_soon_threadsafe(self._main.cancel)
        self._thread.join(_LAST_WORDS_S)
        self._threads.shutdown(wait=False)
        self._duty.step.given_back(self._shared)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        """The loop's life: takes in, measures, commits, and shows that it turns."""
        current = asyncio.current_task()
        assert current is not None
        self._main, self._loop = current, asyncio.get_running_loop()
        self._given: asyncio.Queue[_Call] = asyncio.Queue()
        self._open: set[_Call] = set()
        """Calls that were taken in and are not committed."""
        self._whole: list[_Call] = []
        """Of these, what is to be committed."""
        self._is_due = asyncio.Event()
        self._timer: asyncio.TimerHandle | None = None
        self._slots = asyncio.Semaphore(self._duty.step.run.in_flight)
        self._ahead = asyncio.Semaphore(_READY * self._duty.step.run.in_flight)
        self._pace = Pace(self._duty.step.run.requests_per_minute)
        self._asker = Asker(self._duty, self._stage, self._pace)
        self._since = time.monotonic()
        """When it was committed last, or a call came after there was none."""
        self._is_set_up.set()
        why: BaseException = asyncio.CancelledError()
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take_in(group))
                group.create_task(self._commit_when_due())
                group.create_task(self._beat())
        except asyncio.CancelledError:
            pass
        except BaseExceptionGroup as error:
            why = error.exceptions[0]
        self._fail(list(self._open), why)

    async def _beat(self) -> None:
        beat = 0
        while True:
            beat += 1
            self._alive(beat)
            await asyncio.sleep(BEAT_S)

    async def _take_in(self, group: asyncio.TaskGroup) -> None:
        """All that waits is read from the ledger at once: many read the same files."""
        while True:
            calls = [await self._given.get()]
            while not self._given.empty():
                calls.append(self._given.get_nowait())
            if not self._open:
                self._since = time.monotonic()
            self._open.update(calls)
            try:
                units = await self._in_thread(self._units.of, *(call.task for call in calls))
            except Exception as error:
                self._fail(calls, error)
                continue
            at = iter(units)
            for call in calls:
                for todo in call.task.todos:
                    group.create_task(self._one(call, todo, next(at)))

    async def _one(self, call: _Call, todo: Todo, unit: Unit) -> None:
        async with self._ahead:
            outcome = None if self._pace.is_stopping else await self._of_registered(call, todo, unit)
        if outcome is None:
            call.left.append(todo.key)
        else:
            call.ended[todo.key] = outcome
        if call.is_whole:
            self._whole.append(call)
            if self._timer is None:
                self._timer = self._loop.call_later(COMMIT_S, self._is_due.set)
            self._commit_if_enough()

    def _commit_if_enough(self) -> None:
        """When nothing else is to come, or as much is there as is in flight."""
        if self._whole and len(self._whole) >= min(len(self._open), self._duty.step.run.in_flight):
            self._is_due.set()

    async def _of_registered(self, call: _Call, todo: Todo, unit: Unit) -> Outcome | None:
        """What was measured of the file that was registered, or why there is nothing; None when it was not begun."""
        if lost := await self._lost(todo):
            return lost
        watch = watch_coroutine({todo.uri: todo.version} if self._stage.reads_source else {})
        ready = await self._asker.prepared(todo.key, unit)
        if isinstance(ready, Ready):
            async with self._slots:
                call.begun = call.begun or time.monotonic()
                outcome = await self._asker.patiently(todo.key, ready.ready, call.asks)
                call.took_s = time.monotonic() - call.begun
            if outcome is None:
                return None
        else:
            outcome = ready
        lost = watch.troubles.get(todo.uri) or await self._lost(todo) or away(outcome, todo.uri, todo.version)
        return lost or outcome

    async def _lost(self, todo: Todo) -> SourceTrouble | None:
        """Where the stage looks at files, what is the matter with this one."""
        if not self._stage.reads_source:
            return None
        return (await self._in_thread(troubles, {todo.key: (todo.uri, todo.version)})).get(todo.key)

    async def _commit_when_due(self) -> None:
        """One commit for each lot, of all that is whole."""
        while True:
            await self._is_due.wait()
            self._is_due.clear()
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            calls, self._whole = self._whole, []
            now = time.monotonic()
            each_s, self._since = (now - self._since) / max(1, len(calls)), now
            by_lot: dict[int, list[_Call]] = defaultdict(list)
            for call in calls:
                by_lot[call.task.lot].append(call)
            for of_lot in by_lot.values():
                await self._commit(of_lot, each_s * len(of_lot))
            self._commit_if_enough()

    async def _commit(self, calls: list[_Call], seconds: float) -> None:
        """Of one lot."""
        measured = [_measured(call) for call in calls]
        try:
            reports = await self._in_thread(committed, self._duty, self._stage, measured, lambda: seconds)
        except Exception as error:
            self._fail(calls, error)
            return
        self._open.difference_update(calls)
        for call, report in zip(calls, reports, strict=True):
            call.future.set_result(report)

    def _fail(self, calls: list[_Call], error: BaseException) -> None:
        """For what no clip is to blame: it ends the build."""
        self._open.difference_update(calls)
        for call in calls:
            call.future.set_exception(error)

    def _in_thread(self, call: Callable[..., T], *arguments: Any) -> Awaitable[T]:
        return self._loop.run_in_executor(self._threads, partial(call, *arguments))


def _measured(call: _Call) -> Measured:
    requests = {REQUESTS: call.requests} if call.requests else {}
    return Measured(call.task, call.ended, requests, tuple(call.left), call.took_s)
