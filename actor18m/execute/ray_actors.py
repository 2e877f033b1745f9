"""Workers on Ray: long-lived actors, a pool for each stage.

Each actor has two calls, so that it need not wait for the driver: the one it is at, and one that waits behind it. When
it dies, only the first is to blame. Ray itself tries nothing again: what is tried again, and how, is the driver's to
decide.
"""

import itertools
import queue
import time
import uuid
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import ray

from actor18m.execute.deaths import OUT_OF_MEMORY, Death, hung, not_set_up
from actor18m.execute.limits import SET_UP_S, limit_memory
from actor18m.execute.pools import Pool, plan_pools
from actor18m.execute.ray_cluster import environment, join, nodes
from actor18m.execute.ray_deaths import BESIDE, death, drop_note, last_begun, note_begun, raised_in
from actor18m.execute.work import Duty, Report, Task, Worker
from actor18m.execute.workers import Broken, Done
from actor18m.log import guard

IN_FLIGHT = 2
"""Calls of one actor."""
LOOK_EVERY_S = 1.0
LOOKS_A_SECOND = 200
"""What an actor notes costs the driver a call to Ray."""
IDLE_S = 5.0
"""An isolated actor without work ends after so long."""
_SET_UPS = 3
"""So many deaths in a row while a stage is set up are no accident."""


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


_RayActor = ray.remote(max_restarts=0, max_task_retries=0)(_Actor)


@dataclass(eq=False)
class _Call:
    """Of an actor; without a task, the one that sets it up."""

    task: Task | None
    future: Future[Any]


@dataclass(eq=False)
class _Hand:
    """An actor, and what it was asked, in order."""

    stage: "_Stage"
    actor: Any
    name: str
    calls: deque[_Call] = field(default_factory=deque)
    since: float = field(default_factory=time.monotonic)
    """When the first of its calls began; without calls, when the last one ended."""
    seen: dict[int, int] = field(default_factory=dict)
    """Number of the task that it is at -> how many of its clips were told to be measured."""
    is_ready: bool = False
    is_leaving: bool = False
    has_ended: bool = False

    def deadline_s(self) -> float:
        task = self.calls[0].task
        return SET_UP_S if task is None else self.stage.duty.step.run.deadline_s * len(task.todos)


@dataclass(eq=False)
class _Stage:
    """A stage's pool, and its isolated actor while there is one."""

    duty: Duty
    pool: Pool
    hands: list[_Hand] = field(default_factory=list)
    alone: _Hand | None = None
    waiting: deque[Task] = field(default_factory=deque)
    waiting_alone: Task | None = None
    under_way: int = 0
    """Tasks in company that did not come back."""
    failed_set_ups: int = 0
    hired: int = 0
    """Actors so far."""

    @property
    def all_hands(self) -> list[_Hand]:
        return self.hands if self.alone is None else [*self.hands, self.alone]

    @property
    def seats(self) -> int:
        """Actors in company. The isolated one claims no CPU, but a GPU it can only have in the place of another."""
        is_lent = self.pool.gpus > 0 and (self.alone is not None or self.waiting_alone is not None)
        return self.pool.workers - is_lent

    def freest(self) -> _Hand | None:
        able = [hand for hand in self.hands if hand.is_ready and not hand.is_leaving and len(hand.calls) < IN_FLIGHT]
        return min(able, key=lambda hand: len(hand.calls), default=None)


class RayWorkers:
    """Made for a run and its stages. A stage's actors start when its first task comes."""

    def __init__(self, duties: Mapping[str, Duty], address: str | None = None, workers: int | None = None) -> None:
        """`address`: of a cluster to join, else Ray is started here. `workers`: as many as so many CPUs allow."""
        self._ends_ray = join(address)
        pools = plan_pools({stage: duty.step.run for stage, duty in duties.items()}, nodes(), workers)
        self._stages = {stage: _Stage(duty, pools[stage]) for stage, duty in duties.items()}
        self._environment = environment()
        self._moved: Callable[[str, int], None] = lambda stage, clips: None
        self._look_at = time.monotonic() + LOOK_EVERY_S
        self._namespace = f"actor18m-{uuid.uuid4().hex}"
        self._came: queue.SimpleQueue[tuple[_Hand, _Call, float]] = queue.SimpleQueue()

    def room(self, stage: str) -> int:
        of = self._stages[stage]
        return IN_FLIGHT * of.pool.workers - of.under_way

    def at_once(self, stage: str) -> int:
        return IN_FLIGHT * self._stages[stage].pool.workers

    def watch(self, moved: Callable[[str, int], None]) -> None:
        self._moved = moved

    def submit(self, task: Task) -> None:
        of = self._stages[task.stage]
        of.under_way += 1
        of.waiting.append(task)
        self._staff(of)

    def room_alone(self, stage: str) -> int:
        of = self._stages[stage]
        is_free = of.waiting_alone is None and (of.alone is None or not of.alone.calls)
        return int(is_free)

    def submit_alone(self, task: Task) -> None:
        of = self._stages[task.stage]
        of.waiting_alone = task
        self._staff(of)

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        until = time.monotonic() + seconds
        back: list[Done | Broken] = []
        while True:
            for hand, call, at in self._events(min(until, self._wakes()) - time.monotonic()):
                back += self._take(hand, call, at)
            back += self._late()
            self._look()
            if back or time.monotonic() >= until:
                return back

    def release(self, stage: str) -> None:
        for hand in list(self._stages[stage].all_hands):
            self._end(hand)

    def close(self) -> None:
        for stage in self._stages:
            self.release(stage)
        if self._ends_ray:
            ray.shutdown()

    def _staff(self, of: _Stage) -> None:
        """Brings a stage's actors to the number it should have, and gives them what waits."""
        if of.waiting:
            of.hands += [self._hire(of, of.pool.cpus) for _ in range(of.seats - len(of.hands))]
        leaving = sorted(of.hands, key=lambda hand: (not hand.is_leaving, len(hand.calls)))
        for hand in leaving[: max(0, len(of.hands) - of.seats)]:
            hand.is_leaving = True
            if not any(call.task for call in hand.calls):
                self._end(hand)
        if of.waiting_alone is not None:
            if of.alone is None and len(of.hands) <= of.seats:
                of.alone = self._hire(of, 0)
            if of.alone is not None and of.alone.is_ready:
                self._give(of.alone, of.waiting_alone)
                of.waiting_alone = None
        while of.waiting and (free := of.freest()) is not None:
            self._give(free, of.waiting.popleft())

    def _hire(self, of: _Stage, cpus: float) -> _Hand:
        of.hired += 1
        actor: Any = _RayActor.options(
            name=f"{of.duty.stage}-{of.hired}",  # as the dashboard shows it
            namespace=self._namespace,
            num_cpus=cpus,
            num_gpus=of.pool.gpus,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": self._environment},
        ).remote()
        hand = _Hand(of, actor, uuid.uuid4().hex)
        self._call(hand, None, actor.set_up.remote(hand.name, of.duty))
        return hand

    def _give(self, hand: _Hand, task: Task) -> None:
        if not hand.calls:
            hand.since = time.monotonic()
        self._call(hand, task, hand.actor.do.remote(task))

    def _call(self, hand: _Hand, task: Task | None, answer: Any) -> None:
        call = _Call(task, answer.future())
        hand.calls.append(call)
        call.future.add_done_callback(lambda _: self._came.put((hand, call, time.monotonic())))

    def _end(self, hand: _Hand) -> None:
        of, hand.has_ended = hand.stage, True
        if hand is of.alone:
            of.alone = None
        else:
            of.hands.remove(hand)
        ray.kill(hand.actor)
        drop_note(hand.name)

    def _events(self, seconds: float) -> Iterator[tuple[_Hand, _Call, float]]:
        """All that came, after a wait for something to come; with the time it came."""
        try:
            yield self._came.get(timeout=max(seconds, 0))
            while True:
                yield self._came.get_nowait()
        except queue.Empty:
            return

    def _take(self, hand: _Hand, call: _Call, at: float) -> list[Done | Broken]:
        if hand.has_ended:
            return []  # what became of its calls was told
        error = call.future.exception()
        if error is None:
            hand.calls.remove(call)
            hand.since = at
            back = self._well(hand, call)
            self._staff(hand.stage)
            return back
        raised = raised_in(error)
        if raised is None:
            return self._bury(hand, death(error))
        if call.task is None:
            raise not_set_up(hand.stage.duty.stage, raised) from raised
        if isinstance(raised, MemoryError):
            return self._bury(hand, OUT_OF_MEMORY)
        raise raised

    def _well(self, hand: _Hand, call: _Call) -> list[Done | Broken]:
        if call.task is None:
            hand.is_ready = True
            hand.stage.failed_set_ups = 0
            return []
        hand.stage.under_way -= hand is not hand.stage.alone
        return [Done(call.task, call.future.result())]

    def _bury(self, hand: _Hand, how: Death) -> list[Done | Broken]:
        """What an actor that is no more had to do; another takes its place."""
        of, back, begun = hand.stage, list[Done | Broken](), last_begun(hand.name)
        for call in hand.calls:
            if call.future.done() and call.future.exception() is None:  # it came just before
                back += self._well(hand, call)
            elif call.task is None:
                self._count_failed_set_up(of, how)
            else:
                of.under_way -= hand is not of.alone
                kind, why = how if how[0] == "lost" or (begun and call.task.number == begun.task) else BESIDE
                back.append(Broken(call.task, why, kind, is_blamed=kind != "lost"))
        self._end(hand)
        self._staff(of)
        return back

    def _count_failed_set_up(self, of: _Stage, how: Death) -> None:
        kind, why = how
        of.failed_set_ups += kind != "lost"
        if of.failed_set_ups == _SET_UPS:
            raise not_set_up(of.duty.stage, why)

    def _wakes(self) -> float:
        """When something is late, or too long idle, if nothing comes."""
        ends = [hand.since + hand.deadline_s() for of in self._stages.values() for hand in of.all_hands if hand.calls]
        idle = [of.alone.since + IDLE_S for of in self._stages.values() if of.alone and not of.alone.calls]
        return min([*ends, *idle], default=float("inf"))

    def _look(self) -> None:
        """How far the actors are with the calls that they are at."""
        if time.monotonic() < self._look_at:
            return
        busy = [hand for of in self._stages.values() for hand in of.all_hands if hand.calls and hand.is_ready]
        for hand in busy:
            begun = last_begun(hand.name)
            if begun is not None and any(call.task and call.task.number == begun.task for call in hand.calls):
                self._moved(hand.stage.duty.stage, begun.clips - hand.seen.get(begun.task, 0))
                hand.seen = {begun.task: begun.clips}
        self._look_at = time.monotonic() + max(LOOK_EVERY_S, len(busy) * LOOK_EVERY_S / LOOKS_A_SECOND)

    def _late(self) -> list[Done | Broken]:
        now, back = time.monotonic(), list[Done | Broken]()
        for of in self._stages.values():
            for hand in list(of.all_hands):
                if not hand.calls:
                    if hand is of.alone and now >= hand.since + IDLE_S:
                        self._end(hand)
                        self._staff(of)
                elif now >= hand.since + hand.deadline_s() and not hand.calls[0].future.done():
                    back += self._overrun(hand)
        return back

    def _overrun(self, hand: _Hand) -> list[Done | Broken]:
        of = hand.stage
        if hand.calls[0].task is not None:
            return self._bury(hand, hung(hand.deadline_s()))
        if not any(other.is_ready for other in of.hands):
            why = f"was not ready within {SET_UP_S:g} s, or found no place on the cluster (see `ray status`)"
            raise not_set_up(of.duty.stage, why)
        hand.since = time.monotonic()  # it waits for a machine, as after one was lost; others go on
        return []
