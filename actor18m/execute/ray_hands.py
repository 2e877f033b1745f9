"""An actor on Ray: what it does in its own process, and what the driver keeps of it and of its stage's pool."""

import asyncio
import itertools
import time
from collections import deque
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import ray

from actor18m.execute.limits import SET_UP_S, deadline_s, limit_memory
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.pools import Pool
from actor18m.execute.ray_deaths import note_begun
from actor18m.execute.waiting_worker import WaitingWorker, capacity
from actor18m.execute.worker import Worker
from actor18m.log import guard

IN_FLIGHT = 2
"""Calls of one actor."""
LOOK_EVERY_S = 1.0


class _Actor:
    """In its own process: a worker of one stage."""

    def set_up(self, name: str, duty: Duty) -> None:
        self._name = name
        guard()
        limit_memory(duty.step.run.memory_gib)
        self._worker = Worker(duty)

    def do(self, task: Task) -> Report:
        measured = itertools.count(1)
        note_begun(self._name, task.number)
        return self._worker.do(task, lambda _: note_begun(self._name, task.number, next(measured)))


class _WaitingActor:
    """Likewise of a stage that waits: many calls at once, in one event loop."""

    async def set_up(self, name: str, duty: Duty) -> None:
        guard()
        limit_memory(duty.step.run.memory_gib)
        self._worker = WaitingWorker(duty, lambda beat: note_begun(name, beat))

    async def do(self, task: Task) -> Report:
        return await asyncio.wrap_future(self._worker.submit(task))

    async def stop(self) -> None:
        self._worker.stop()


RayActor = ray.remote(max_restarts=0, max_task_retries=0)(_Actor)
RayWaitingActor = ray.remote(max_restarts=0, max_task_retries=0)(_WaitingActor)


@dataclass(eq=False)
class Call:
    """Of an actor; without a task, the one that sets it up."""

    task: Task | None
    future: Future[Any]


@dataclass(eq=False)
class Hand:
    """An actor, and what it was asked, in order."""

    stage: "Staffed"
    actor: Any
    name: str
    calls: deque[Call] = field(default_factory=deque)
    since: float = field(default_factory=time.monotonic)
    """When the first of its calls began; without calls, when the last one ended."""
    seen: dict[int, int] = field(default_factory=dict)
    """Number of the task that it is at -> how many of its clips were told to be measured."""
    is_ready: bool = False
    is_leaving: bool = False
    has_ended: bool = False

    beat: int = 0
    """Of an actor of a stage that waits, how often its loop showed that it turns."""

    def deadline_s(self) -> float:
        """How long nothing may be heard of it."""
        task, step = self.calls[0].task, self.stage.duty.step
        if task is None:
            return SET_UP_S
        return step.run.deadline_s + LOOK_EVERY_S if step.waits else deadline_s(step, task)


@dataclass(eq=False)
class Staffed:
    """A stage's pool, and its isolated actor while there is one."""

    duty: Duty
    pool: Pool
    hands: list[Hand] = field(default_factory=list)
    alone: Hand | None = None
    waiting: deque[Task] = field(default_factory=deque)
    waiting_alone: Task | None = None
    under_way: int = 0
    """Tasks in company that did not come back."""
    failed_set_ups: int = 0
    hired: int = 0
    """Actors so far."""

    @property
    def calls_each(self) -> int:
        """Of one actor at once."""
        return capacity(self.duty) if self.duty.step.waits else IN_FLIGHT

    @property
    def all_hands(self) -> list[Hand]:
        return self.hands if self.alone is None else [*self.hands, self.alone]

    @property
    def seats(self) -> int:
        """Actors in company. The isolated one claims no CPU, but a GPU it can only have in the place of another."""
        is_lent = self.pool.gpus > 0 and (self.alone is not None or self.waiting_alone is not None)
        return self.pool.workers - is_lent

    def freest(self) -> Hand | None:
        most = self.calls_each
        able = [hand for hand in self.hands if hand.is_ready and not hand.is_leaving and len(hand.calls) < most]
        return min(able, key=lambda hand: len(hand.calls), default=None)
