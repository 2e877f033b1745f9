"""Measures in this process, one call at a time: no Ray, and the debugger works. A clip that was in flight when a driver
died is measured in a child process, whose death is survived.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from actor18m.execute.isolated import Isolated
from actor18m.execute.work import Duty, Task, Worker
from actor18m.execute.workers import Broken, Done
from actor18m.models.shared import Shared


class SerialWorkers:
    def __init__(self, duties: Mapping[str, Duty]) -> None:
        self._duties = duties
        self._workers: dict[str, Worker] = {}
        self._shared = Shared()
        self._isolated = Isolated()
        self._next: tuple[Task, bool] | None = None
        self._moved: Callable[[str, int], None] = lambda stage, clips: None

    def room(self, stage: str) -> int:
        return 0 if self._next else 1

    def room_alone(self, stage: str) -> int:
        return self.room(stage)

    def at_once(self, stage: str) -> int:
        return 1

    def watch(self, moved: Callable[[str, int], None]) -> None:
        self._moved = moved

    def submit(self, task: Task) -> None:
        self._next = task, False

    def submit_alone(self, task: Task) -> None:
        self._next = task, True

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        """Measures what was submitted."""
        if self._next is None:
            return []
        (task, is_alone), self._next = self._next, None
        duty = self._duties[task.stage]
        if is_alone:
            return [self._isolated.run(duty, task, duty.step.run.deadline_s)]
        if task.stage not in self._workers:
            self._workers[task.stage] = Worker(duty, self._shared)
        return [Done(task, self._workers[task.stage].do(task, partial(self._moved, task.stage)))]

    def release(self, stage: str) -> None:
        if (worker := self._workers.pop(stage, None)) is not None:
            worker.close()

    def close(self) -> None:
        for stage in list(self._workers):
            self.release(stage)
        self._isolated.close()
