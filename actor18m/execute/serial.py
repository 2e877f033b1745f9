"""Measures in this process, one call at a time: no Ray, and the debugger works. A clip that was in flight when a driver
died is measured in a child process, whose death is survived. Stages that wait do so beside the others.
"""

import queue
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from functools import partial

from actor18m.execute.isolated import Isolated
from actor18m.execute.limits import deadline_s
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.waiting_worker import WaitingWorker, capacity
from actor18m.execute.worker import Worker
from actor18m.execute.workers import Broken, Done
from actor18m.models.backends import Backend
from actor18m.models.shared import Shared


class SerialWorkers:
    def __init__(self, duties: Mapping[str, Duty]) -> None:
        self._duties = duties
        self._workers: dict[str, Worker] = {}
        self._shared = Shared()
        self._to_come = {stage for stage, duty in duties.items() if not duty.step.waits}
        """Stages that have no worker yet and may want one."""
        self._kept: dict[str, list[Backend]] = {}
        """For these, what stages before them had loaded and have given back."""
        self._isolated = Isolated()
        self._next: tuple[Task, bool] | None = None
        self._moved: Callable[[str, int], None] = lambda stage, clips: None
        self._waiting: dict[str, WaitingWorker] = {}
        self._under_way = dict.fromkeys(duties, 0)
        """Tasks of stages that wait."""
        self._came: queue.SimpleQueue[tuple[Task, Future[Report]]] = queue.SimpleQueue()

    def now(self) -> float:
        return time.monotonic()

    def room(self, stage: str, waiting: int = 1) -> int:
        if self._duties[stage].step.waits:
            return capacity(self._duties[stage]) - self._under_way[stage]
        return self.room_alone(stage)

    def room_alone(self, stage: str) -> int:
        return 0 if self._next else 1

    def at_once(self, stage: str) -> int:
        return 1

    def watch(self, moved: Callable[[str, int], None]) -> None:
        self._moved = moved

    def submit(self, task: Task) -> None:
        if not self._duties[task.stage].step.waits:
            self._next = task, False
            return
        if task.stage not in self._waiting:
            self._waiting[task.stage] = WaitingWorker(self._duties[task.stage])
        self._under_way[task.stage] += 1
        future = self._waiting[task.stage].submit(task)
        future.add_done_callback(lambda future: self._came.put((task, future)))

    def submit_alone(self, task: Task) -> None:
        self._next = task, True

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        """Measures what was submitted, and has what came meanwhile of stages that wait."""
        back: list[Done | Broken] = []
        if self._next is not None:
            (task, is_alone), self._next = self._next, None
            back.append(self._measured(task, is_alone))
            seconds = 0.0
        back += self._waited(seconds)
        return back

    def held(self) -> Mapping[str, float]:
        return {}

    def stop(self, stage: str) -> None:
        if stage in self._waiting:
            self._waiting[stage].stop()

    def release(self, stage: str) -> None:
        self._to_come.discard(stage)
        if (worker := self._workers.pop(stage, None)) is not None:
            self._keep_what_is_shared(stage)
            worker.close()
        self._give_back_kept(stage)
        if (waiting := self._waiting.pop(stage, None)) is not None:
            waiting.close()

    def close(self) -> None:
        self._to_come.clear()
        for stage in {*self._workers, *self._waiting, *self._kept}:
            self.release(stage)
        self._isolated.close()

    def _keep_what_is_shared(self, stage: str) -> None:
        """For whoever comes later: models need not be loaded again, and may know what they have looked at."""
        own = list(self._duties[stage].step.roles.values())
        for later in self._to_come:
            for backend in self._duties[later].step.roles.values():
                if backend in own and backend not in (kept := self._kept.setdefault(later, [])):
                    self._shared.lend(backend)
                    kept.append(backend)

    def _give_back_kept(self, stage: str) -> None:
        for backend in self._kept.pop(stage, ()):
            self._shared.take_back(backend)

    def _measured(self, task: Task, is_alone: bool) -> Done | Broken:
        duty = self._duties[task.stage]
        if is_alone:
            return self._isolated.run(duty, task, deadline_s(duty.step, task))
        if task.stage not in self._workers:
            self._workers[task.stage] = Worker(duty, self._shared)
            self._to_come.discard(task.stage)
            self._give_back_kept(task.stage)
        return Done(task, self._workers[task.stage].do(task, partial(self._moved, task.stage)))

    def _waited(self, seconds: float) -> Iterator[Done]:
        """All that came, after a wait for something to come."""
        if not any(self._under_way.values()):
            return
        try:
            task, future = self._came.get(timeout=seconds) if seconds else self._came.get_nowait()
            while True:
                self._under_way[task.stage] -= 1
                yield Done(task, future.result())
                task, future = self._came.get_nowait()
        except queue.Empty:
            return
