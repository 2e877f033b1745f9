"""Workers on Ray: long-lived actors, a pool for each stage.

Each actor has two calls, so that it need not wait for the driver: the one it is at, and one that waits behind it. When
it dies, only the first is to blame. Ray itself tries nothing again: what is tried again, and how, is the driver's to
decide.
"""

import queue
import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import ray

from actor18m.execute.deaths import OUT_OF_MEMORY, Death, hung, not_set_up
from actor18m.execute.limits import SET_UP_S
from actor18m.execute.messages import Duty, Task
from actor18m.execute.pools import plan_pools
from actor18m.execute.ray_cluster import environment, join, nodes
from actor18m.execute.ray_deaths import BESIDE, Begun, death, drop_note, last_begun, raised_in
from actor18m.execute.ray_hands import LOOK_EVERY_S, Call, Hand, RayActor, RayWaitingActor, Staffed
from actor18m.execute.workers import Broken, Done

LOOKS_A_SECOND = 200
"""What an actor notes costs the driver a call to Ray."""
IDLE_S = 5.0
"""An isolated actor without work ends after so long."""
_BESIDES = 8
"""Calls of an actor that waits, beside tasks: to stop, for one."""
_SET_UPS = 3
"""So many deaths in a row while a stage is set up are no accident."""


class RayWorkers:
    """Made for a run and its stages. A stage's actors start when its first task comes."""

    def __init__(self, duties: Mapping[str, Duty], address: str | None = None, workers: int | None = None) -> None:
        """`address`: of a cluster to join, else Ray is started here. `workers`: as many as so many CPUs allow."""
        self._ends_ray = join(address)
        waiting = [stage for stage, duty in duties.items() if duty.step.waits]
        pools = plan_pools({stage: duty.step.run for stage, duty in duties.items()}, nodes(), workers, waiting)
        self._stages = {stage: Staffed(duty, pools[stage]) for stage, duty in duties.items()}
        self._environment = environment()
        self._moved: Callable[[str, int], None] = lambda stage, clips: None
        self._look_at = time.monotonic() + LOOK_EVERY_S
        self._namespace = f"actor18m-{uuid.uuid4().hex}"
        self._came: queue.SimpleQueue[tuple[Hand, Call, float]] = queue.SimpleQueue()

    def room(self, stage: str) -> int:
        of = self._stages[stage]
        return self.at_once(stage) - of.under_way

    def at_once(self, stage: str) -> int:
        return self._stages[stage].calls_each * self._stages[stage].pool.workers

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

    def stop(self, stage: str) -> None:
        of = self._stages[stage]
        if of.duty.step.waits:
            for hand in of.all_hands:
                hand.actor.stop.remote()

    def release(self, stage: str) -> None:
        for hand in list(self._stages[stage].all_hands):
            self._end(hand)

    def close(self) -> None:
        for stage in self._stages:
            self.release(stage)
        if self._ends_ray:
            ray.shutdown()

    def _staff(self, of: Staffed) -> None:
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

    def _hire(self, of: Staffed, cpus: float) -> Hand:
        of.hired += 1
        kind: Any = RayWaitingActor if of.duty.step.waits else RayActor
        actor: Any = kind.options(
            name=f"{of.duty.stage}-{of.hired}",  # as the dashboard shows it
            namespace=self._namespace,
            num_cpus=cpus,
            num_gpus=of.pool.gpus,
            scheduling_strategy="SPREAD",
            runtime_env={"env_vars": self._environment},
            **({"max_concurrency": of.calls_each + _BESIDES} if of.duty.step.waits else {}),
        ).remote()
        hand = Hand(of, actor, uuid.uuid4().hex)
        self._call(hand, None, actor.set_up.remote(hand.name, of.duty.for_one_of(of.pool.workers)))
        return hand

    def _give(self, hand: Hand, task: Task) -> None:
        if not hand.calls:
            hand.since = time.monotonic()
        self._call(hand, task, hand.actor.do.remote(task))

    def _call(self, hand: Hand, task: Task | None, answer: Any) -> None:
        call = Call(task, answer.future())
        hand.calls.append(call)
        call.future.add_done_callback(lambda _: self._came.put((hand, call, time.monotonic())))

    def _end(self, hand: Hand) -> None:
        of, hand.has_ended = hand.stage, True
        if hand is of.alone:
            of.alone = None
        else:
            of.hands.remove(hand)
        ray.kill(hand.actor)
        drop_note(hand.name)

    def _events(self, seconds: float) -> Iterator[tuple[Hand, Call, float]]:
        """All that came, after a wait for something to come; with the time it came."""
        try:
            yield self._came.get(timeout=max(seconds, 0))
            while True:
                yield self._came.get_nowait()
        except queue.Empty:
            return

    def _take(self, hand: Hand, call: Call, at: float) -> list[Done | Broken]:
        if hand.has_ended:
            return []  # what became of its calls was told
        error = call.future.exception()
        if error is None:
            hand.calls.remove(call)
            hand.since = max(hand.since, at)
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

    def _well(self, hand: Hand, call: Call) -> list[Done | Broken]:
        if call.task is None:
            hand.is_ready = True
            hand.stage.failed_set_ups = 0
            return []
        hand.stage.under_way -= hand is not hand.stage.alone
        return [Done(call.task, call.future.result())]

    def _bury(self, hand: Hand, how: Death) -> list[Done | Broken]:
        """What an actor that is no more had to do; another takes its place."""
        of, back, begun = hand.stage, list[Done | Broken](), last_begun(hand.name)
        for call in hand.calls:
            if call.future.done() and call.future.exception() is None:  # it came just before
                back += self._well(hand, call)
            elif call.task is None:
                self._count_failed_set_up(of, how)
            else:
                of.under_way -= hand is not of.alone
                kind, why = how if how[0] == "lost" or self._was_at(hand, call.task, begun) else BESIDE
                back.append(Broken(call.task, why, kind, is_blamed=kind != "lost"))
        self._end(hand)
        self._staff(of)
        return back

    def _was_at(self, hand: Hand, task: Task, begun: Begun | None) -> bool:
        """Whether it was measured when its actor died. Of many in flight none is blamed: which are in flight at every
        death shows in the end.
        """
        of = hand.stage
        return hand is of.alone if of.duty.step.waits else begun is not None and task.number == begun.task

    def _count_failed_set_up(self, of: Staffed, how: Death) -> None:
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
            if begun is not None and hand.stage.duty.step.waits:
                if begun.task != hand.beat:
                    hand.beat, hand.since = begun.task, time.monotonic()
            elif begun is not None and any(call.task and call.task.number == begun.task for call in hand.calls):
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

    def _overrun(self, hand: Hand) -> list[Done | Broken]:
        of = hand.stage
        if hand.calls[0].task is not None:
            return self._bury(hand, hung(hand.deadline_s()))
        if not any(other.is_ready for other in of.hands):
            why = f"was not ready within {SET_UP_S:g} s, or found no place on the cluster (see `ray status`)"
            raise not_set_up(of.duty.stage, why)
        hand.since = time.monotonic()  # it waits for a machine, as after one was lost; others go on
        return []
