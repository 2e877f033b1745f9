"""An actor on Ray: what it does in its own process."""

import asyncio
import time

import ray

from actor18m.execute.limits import limit_memory
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.ray_deaths import SETTING_UP, note_begun
from actor18m.execute.waiting_worker import WaitingWorker
from actor18m.execute.worker import Worker
from actor18m.log import guard
from actor18m.models.shared import Shared

NOTE_EVERY_S = 0.25
"""A stage may measure thousands of clips a second, and each note is a call to Ray."""


class _Actor:
    """In its own process: a worker of each stage that it was set up for. They share what they load."""

    def __init__(self, name: str, memory_gib: float | None, one_at_a_time: bool) -> None:
        """`one_at_a_time`: there is memory for the models of one stage."""
        self._begun = time.monotonic()
        guard()
        limit_memory(memory_gib)
        self._name, self._shared, self._one_at_a_time = name, Shared(), one_at_a_time
        self._workers: dict[str, Worker] = {}

    def set_up(self, duty: Duty) -> float:
        """Tells for how many seconds it is there, and has what it claims."""
        note_begun(self._name, SETTING_UP)
        staying = duty.step.roles.values() if self._one_at_a_time else ()
        with self._shared.staying(staying):
            if self._one_at_a_time:
                while self._workers:
                    self._workers.popitem()[1].close()
            self._workers[duty.stage] = Worker(duty, self._shared)
        return time.monotonic() - self._begun

    def do(self, task: Task) -> Report:
        note_begun(self._name, task.number)
        measured, noted_at = 0, time.monotonic()

        def moved(clips: int) -> None:
            nonlocal measured, noted_at
            measured += clips
            if time.monotonic() >= noted_at + NOTE_EVERY_S:
                note_begun(self._name, task.number, measured)
                noted_at = time.monotonic()

        return self._workers[task.stage].do(task, moved)


class _WaitingActor:
    """Of one stage, which waits: many calls at once, in one event loop."""

    def __init__(self, name: str, memory_gib: float | None, one_at_a_time: bool) -> None:
        self._begun = time.monotonic()
        guard()
        limit_memory(memory_gib)
        self._name = name

    async def set_up(self, duty: Duty) -> float:
        self._worker = WaitingWorker(duty, lambda beat: note_begun(self._name, beat))
        return time.monotonic() - self._begun

    async def do(self, task: Task) -> Report:
        return await asyncio.wrap_future(self._worker.submit(task))

    async def stop(self) -> None:
        self._worker.stop()


RayActor = ray.remote(max_restarts=0, max_task_retries=0)(_Actor)
RayWaitingActor = ray.remote(max_restarts=0, max_task_retries=0)(_WaitingActor)
