"""An actor on Ray: what it does in its own process, and what the driver keeps of it and of its pool."""

import asyncio
import time
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import ray

from actor18m.execute.limits import SET_UP_S, deadline_s, limit_memory
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.pools import Pool
from actor18m.execute.ray_deaths import SETTING_UP, note_begun
from actor18m.execute.site import Actor
from actor18m.execute.waiting_worker import WaitingWorker, capacity
from actor18m.execute.worker import Worker
from actor18m.log import guard
from actor18m.models.shared import Shared

IN_FLIGHT = 2
"""Calls of one actor."""
LOOK_EVERY_S = 1.0
NOTE_EVERY_S = 0.25
"""A stage may measure thousands of clips a second, and each note is a call to Ray."""


class _Actor:
    """In its own process: a worker of each stage that it was set up for. They share what they load."""

    def __init__(self, name: str, memory_gib: float | None) -> None:
        guard()
        limit_memory(memory_gib)
        self._name, self._shared = name, Shared()
        self._workers: dict[str, Worker] = {}

    def set_up(self, duty: Duty) -> None:
        note_begun(self._name, SETTING_UP)
        self._workers[duty.stage] = Worker(duty, self._shared)

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

    def __init__(self, name: str, memory_gib: float | None) -> None:
        guard()
        limit_memory(memory_gib)
        self._name = name

    async def set_up(self, duty: Duty) -> None:
        self._worker = WaitingWorker(duty, lambda beat: note_begun(self._name, beat))

    async def do(self, task: Task) -> Report:
        return await asyncio.wrap_future(self._worker.submit(task))

    async def stop(self) -> None:
        self._worker.stop()


RayActor = ray.remote(max_restarts=0, max_task_retries=0)(_Actor)
RayWaitingActor = ray.remote(max_restarts=0, max_task_retries=0)(_WaitingActor)


@dataclass(eq=False)
class Call:
    """Of an actor; without a task, the one that sets it up for the stage."""

    stage: str
    task: Task | None
    future: Future[Any]


@dataclass(eq=False)
class Hand:
    """An actor, and what it was asked, in order."""

    staff: "Staff"
    actor: Actor
    since: float
    """When the first of its calls began; without calls, when the last one ended."""
    plays: set[str] = field(default_factory=set)
    """Stages that it is set up for, or was asked to be."""
    calls: deque[Call] = field(default_factory=deque)
    seen: dict[int, int] = field(default_factory=dict)
    """Number of the task that it is at -> how many of its clips were told to be measured."""
    is_ready: bool = False
    is_leaving: bool = False
    has_ended: bool = False

    beat: int = 0
    """Of an actor of a stage that waits, how often its loop showed that it turns."""

    @property
    def tasks(self) -> int:
        """That it has to do."""
        return sum(call.task is not None for call in self.calls)

    def deadline_s(self) -> float:
        """How long nothing may be heard of it."""
        step, task = self.staff.duties[self.calls[0].stage].step, self.calls[0].task
        if task is None:
            return SET_UP_S
        return step.run.deadline_s + LOOK_EVERY_S if step.waits else deadline_s(step, task)


@dataclass(eq=False)
class Staff:
    """A pool's actors, and of each of its stages the isolated one while there is one."""

    duties: Mapping[str, Duty]
    pool: Pool
    hands: list[Hand] = field(default_factory=list)
    alone: dict[str, Hand] = field(default_factory=dict)
    waiting: deque[Task] = field(default_factory=deque)
    waiting_alone: dict[str, Task] = field(default_factory=dict)
    under_way: int = 0
    """Tasks in company that did not come back."""
    failed_set_ups: Counter[str] = field(default_factory=Counter)
    """By stage, in a row."""
    released: set[str] = field(default_factory=set)
    hired: int = 0
    """Actors so far."""

    @property
    def waits(self) -> bool:
        return any(duty.step.waits for duty in self.duties.values())

    @property
    def calls_each(self) -> int:
        """Of one actor at once."""
        return max(capacity(duty) if duty.step.waits else IN_FLIGHT for duty in self.duties.values())

    @property
    def all_hands(self) -> list[Hand]:
        return [*self.hands, *self.alone.values()]

    @property
    def seats(self) -> int:
        """Actors in company. The isolated one claims no CPU, but a GPU it can only have in the place of another."""
        is_lent = self.pool.gpus > 0 and bool(self.alone or self.waiting_alone)
        return self.pool.workers - is_lent

    def freest(self, stage: str) -> Hand | None:
        """Who has least to do; of these, rather one that is set up for the stage."""
        able = [hand for hand in self.hands if hand.is_ready and not hand.is_leaving and hand.tasks < self.calls_each]
        return min(able, key=lambda hand: (hand.tasks, stage not in hand.plays), default=None)
