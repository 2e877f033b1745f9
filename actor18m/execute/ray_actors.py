"""Workers on Ray: long-lived actors, in pools that play one stage or several (staff.py), each on the machine where it
has a place (seating.py).

Each actor has two calls, so that it need not wait for the driver: the one it is at, and one that waits behind it. When
it dies, only the first is to blame. Ray itself tries nothing again: what is tried again, and how, is the driver's to
decide.
"""

import logging
import queue
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from actor18m.execute.deaths import OUT_OF_MEMORY, Death, hung, not_set_up
from actor18m.execute.limits import SET_UP_S
from actor18m.execute.messages import Duty, Task
from actor18m.execute.ray_deaths import BESIDE, NO_ENVIRONMENT, SETTING_UP, Begun, death, raised_in
from actor18m.execute.ray_site import RaySite
from actor18m.execute.seating import Seating
from actor18m.execute.site import Post, Site
from actor18m.execute.staff import LOOK_EVERY_S, Call, Hand, Staff
from actor18m.execute.workers import Broken, Done

LOOKS_A_SECOND = 200
"""What an actor notes costs the driver a call to Ray."""
IDLE_S = 5.0
"""An isolated actor without work ends after so long."""
_SET_UPS = 3
"""So many deaths in a row while a stage is set up are no accident."""


class RayWorkers:
    """Made for a run and its stages. A pool's actors start when its first task comes."""

    def __init__(
        self,
        duties: Mapping[str, Duty],
        address: str | None = None,
        workers: int | None = None,
        site: Site | None = None,
    ) -> None:
        """`address`: of a cluster to join, else Ray is started here. `workers`: as many as so many CPUs allow. `site`:
        where actors are hired instead.
        """
        self._site = site = RaySite(address) if site is None else site
        self._seating = Seating(duties, site, workers)
        self._staffs = self._seating.staffs
        self.tell: Callable[[str], None] = logging.getLogger(__name__).info
        """Is told what a person should know of the machines."""
        self._staff_of = {stage: staff for staff in self._staffs for stage in staff.duties}
        self._moved: Callable[[str, int], None] = lambda stage, clips: None
        self._look_at = self._late_at = site.now() + LOOK_EVERY_S
        self._held: dict[str, float] = dict.fromkeys(duties, 0.0)
        """By stage, seconds of actors, as far as they are counted."""
        self._came: queue.SimpleQueue[tuple[Hand, Call, float]] = queue.SimpleQueue()
        self._asked: dict[Staff, None] = {}
        """Staffs that were given something since the last wait: for what to hire is best told by all of it."""

    def now(self) -> float:
        return self._site.now()

    def room(self, stage: str, waiting: int = 1) -> int:
        staff = self._staff_of[stage]
        room = staff.room(stage)
        staff.is_short |= room <= 0
        staff.behind[stage] = max(0, waiting - max(0, room))
        return room

    def at_once(self, stage: str) -> int:
        return self._staff_of[stage].at_once

    def watch(self, moved: Callable[[str, int], None]) -> None:
        self._moved = moved

    def submit(self, task: Task) -> None:
        staff = self._staff_of[task.stage]
        staff.under_way[task.stage] += 1
        staff.waiting.setdefault(task.stage, deque()).append(task)
        self._asked[staff] = None

    def room_alone(self, stage: str) -> int:
        staff = self._staff_of[stage]
        is_free = stage not in staff.waiting_alone and (stage not in staff.alone or not staff.alone[stage].calls)
        return int(is_free)

    def submit_alone(self, task: Task) -> None:
        staff = self._staff_of[task.stage]
        staff.waiting_alone[task.stage] = task
        staff.is_settled = False
        self._asked[staff] = None

    def wait(self, seconds: float) -> Sequence[Done | Broken]:
        for staff in self._asked:
            self._staff(staff)
        self._asked.clear()
        until = self.now() + seconds
        back: list[Done | Broken] = []
        while True:
            for hand, call, at in self._events(min(until, self._late_at) - self.now()):
                back += self._take(hand, call, at)
            back += self._late()
            self._look()
            self._look_at_places()
            if back or self.now() >= until:
                return back

    def held(self) -> Mapping[str, float]:
        for staff in self._staffs:
            for hand in staff.all_hands:
                self._count(hand, self.now())
        return self._held

    def _count(self, hand: Hand, until: float) -> None:
        """Its time until then: while it has calls, as that of the stage of the first; and when it is idle, of the last
        one. Before it was set up it may have waited for a machine: it tells itself what it held.
        """
        if hand.counted is not None:
            last, since = hand.counted
            stage = hand.calls[0].stage if hand.calls else last
            hand.counted = stage, max(since, until)
            self._held[stage] += max(0.0, until - since)

    def stop(self, stage: str) -> None:
        staff = self._staff_of[stage]
        if staff.waits:
            for hand in staff.all_hands:
                hand.actor.stop()

    def release(self, stage: str) -> None:
        """A pool's actors end with its last stage."""
        staff = self._staff_of[stage]
        staff.released.add(stage)
        if stage in staff.alone:
            self._end(staff.alone[stage])
        if staff.is_over:
            for hand in list(staff.all_hands):
                self._end(hand)
            self._seating.plan()
            self._staff_all()

    def close(self) -> None:
        for staff in self._staffs:
            for hand in list(staff.all_hands):
                self._end(hand)
        self._site.close()

    def _look_at_places(self, at_once: bool = False) -> None:
        if self._seating.look(at_once):
            self._staff_all()
        for note in self._seating.notes():
            self.tell(note)

    def _staff_all(self) -> None:
        """Those that leave first: others may wait for what they claim."""
        for staff in sorted(self._staffs, key=lambda staff: len(staff.pool.places) - len(staff.hands)):
            self._staff(staff)

    def _staff(self, staff: Staff) -> None:
        """Brings a pool's actors to where they should be, and gives them what waits."""
        if not staff.is_settled:
            self._seat(staff)
        self._hand_out(staff)

    def _seat(self, staff: Staff) -> None:
        seats, leaving = staff.seats(), []
        for hand in sorted(staff.hands, key=lambda hand: (hand.is_leaving, -len(hand.calls))):
            if hand.place is not None and seats[hand.place] > 0:
                seats[hand.place] -= 1
                hand.is_leaving = False
            else:
                hand.is_leaving = True
                leaving += [] if hand.tasks else [hand]
            staff.file(hand)
        for hand in leaving:
            self._end(hand)
        if staff.waiting:
            for place in (+seats).elements():
                staff.hands.append(self._hire(staff, staff.neediest(), place))
            seats.clear()
        for stage, task in list(staff.waiting_alone.items()):
            if stage not in staff.alone and self._may_be_alone(staff):
                staff.alone[stage] = self._hire(staff, stage, None)
            if stage in staff.alone and staff.alone[stage].is_ready:
                self._give(staff.alone[stage], task)
                del staff.waiting_alone[stage]
        staff.is_settled = not (staff.alone or staff.waiting_alone or +seats or any(h.is_leaving for h in staff.hands))

    def _may_be_alone(self, staff: Staff) -> bool:
        """What it claims of a GPU is free, or will be."""
        return not staff.pool.gpus or len(staff.hands) + len(staff.alone) < len(staff.pool.places)

    def _hand_out(self, staff: Staff) -> None:
        """Gives what waits to actors that may take it."""
        if not staff.one_at_a_time:
            while (stage := staff.first_waiting()) is not None and (free := staff.freest(stage)) is not None:
                self._give(free, staff.pop(stage))
            return
        while (overdue := staff.overdue()) is not None:
            self._give(overdue[1], staff.pop(overdue[0]))
        for stage in list(staff.waiting):
            while stage in staff.waiting and (free := staff.freest(stage)) is not None:
                self._give(free, staff.pop(stage))
        while (changing := staff.changing(self.now())) is not None:
            stage, hand = changing
            while stage in staff.waiting and hand.tasks < staff.calls_each:
                self._give(hand, staff.pop(stage))

    def _hire(self, staff: Staff, stage: str, place: str | None) -> Hand:
        """An actor that is first set up for this stage; without a place, an isolated one, which claims no CPU."""
        staff.hired += 1
        post = Post(
            shown=f"{staff.name}-{staff.hired}",
            waits=staff.waits,
            calls=staff.calls_each,
            cpus=0 if place is None else staff.pool.cpus,
            gpus=staff.pool.gpus,
            memory_gib=staff.team.run.memory_gib,
            place=place,
            one_at_a_time=staff.one_at_a_time,
            environment=staff.team.run.environment,
        )
        hand = Hand(staff, self._site.hire(post), since=self.now(), place=place)
        self._set_up(hand, stage)
        return hand

    def _set_up(self, hand: Hand, stage: str) -> None:
        duty = hand.staff.duties[stage].for_one_of(hand.staff.pool.workers)
        if hand.staff.one_at_a_time:
            hand.staff.playing.subtract(() if hand.is_alone else hand.plays)
            hand.plays.clear()
            hand.rested_s = 0.0
        hand.plays.add(stage)
        hand.staff.playing[stage] += not hand.is_alone
        self._call(hand, stage, None, hand.actor.set_up(duty))

    def _give(self, hand: Hand, task: Task) -> None:
        if not hand.calls:
            self._count(hand, self.now())
            hand.rested_s += self.now() - hand.since
            hand.since = self.now()
        if task.stage not in hand.plays:
            self._set_up(hand, task.stage)
        self._call(hand, task.stage, task, hand.actor.do(task))

    def _call(self, hand: Hand, stage: str, task: Task | None, answer: Future[Any]) -> None:
        call = Call(stage, task, answer)
        hand.calls.append(call)
        hand.tasks += task is not None
        hand.staff.file(hand)
        call.future.add_done_callback(lambda _: self._came.put((hand, call, self.now())))

    def _end(self, hand: Hand) -> None:
        staff, hand.has_ended = hand.staff, True
        staff.is_settled = False
        staff.file(hand)
        self._count(hand, self.now())
        if hand.is_alone:
            (stage,) = hand.plays
            del staff.alone[stage]
        else:
            staff.hands.remove(hand)
            staff.playing.subtract(hand.plays)
        hand.actor.end()

    def _events(self, seconds: float) -> Iterator[tuple[Hand, Call, float]]:
        """All that came, after a wait for something to come; with the time it came."""
        try:
            yield self._site.first(self._came, seconds)
            while True:
                yield self._came.get_nowait()
        except queue.Empty:
            return

    def _take(self, hand: Hand, call: Call, at: float) -> list[Done | Broken]:
        if hand.has_ended:
            return []  # what became of its calls was told
        error = call.future.exception()
        if error is None:
            if hand.counted is None:
                hand.counted = call.stage, at - call.future.result()
            self._count(hand, at)
            hand.calls.remove(call)
            hand.tasks -= call.task is not None
            if call.task is not None:
                hand.staff.took(call.stage, at - hand.since)
            elif hand.is_ready:
                hand.staff.change_s[call.stage] = at - hand.since
            hand.since = max(hand.since, at)
            back = self._well(hand, call)
            hand.staff.file(hand)
            self._staff(hand.staff)
            return back
        raised = raised_in(error)
        if raised is None:
            return self._bury(hand, death(error))
        if call.task is None:
            raise not_set_up(call.stage, raised, hand.staff.team.run.environment) from raised
        if isinstance(raised, MemoryError):
            return self._bury(hand, OUT_OF_MEMORY)
        raise raised

    def _well(self, hand: Hand, call: Call) -> list[Done | Broken]:
        if call.task is None:
            hand.is_ready = True
            del hand.staff.failed_set_ups[call.stage]
            return []
        self._came_back(hand, call)
        return [Done(call.task, call.future.result())]

    def _bury(self, hand: Hand, how: Death) -> list[Done | Broken]:
        """What an actor that is no more had to do; another takes its place."""
        staff, back, begun = hand.staff, list[Done | Broken](), hand.actor.begun()
        was_setting_up = begun is None or begun.task == SETTING_UP
        for call in list(hand.calls):
            if call.future.done() and call.future.exception() is None:  # it came just before
                back += self._well(hand, call)
            elif call.task is None:
                if was_setting_up:
                    self._count_failed_set_up(staff, call.stage, how)
                was_setting_up = False  # the next ones wait behind this one
            else:
                self._came_back(hand, call)
                kind, why = how if how[0] == "lost" or self._was_at(hand, call.task, begun) else BESIDE
                back.append(Broken(call.task, why, kind, is_blamed=kind != "lost"))
        self._end(hand)
        if how[0] == "lost":
            self._look_at_places(at_once=True)
        self._staff(staff)
        return back

    def _came_back(self, hand: Hand, call: Call) -> None:
        staff = hand.staff
        staff.under_way[call.stage] -= not hand.is_alone
        staff.idle_since = self.now()

    def _was_at(self, hand: Hand, task: Task, begun: Begun | None) -> bool:
        """Whether it was measured when its actor died. Of many in flight none is blamed: which are in flight at every
        death shows in the end.
        """
        if hand.is_alone:
            return True
        return not hand.staff.waits and begun is not None and task.number == begun.task

    def _count_failed_set_up(self, staff: Staff, stage: str, how: Death) -> None:
        kind, why = how
        staff.failed_set_ups[stage] += kind != "lost"
        tried_enough = kind == NO_ENVIRONMENT and not any(other.is_ready for other in staff.all_hands)
        if tried_enough or staff.failed_set_ups[stage] == _SET_UPS:
            raise not_set_up(stage, why, staff.team.run.environment)

    def _look(self) -> None:
        """How far the actors are with the calls that they are at."""
        if self.now() < self._look_at:
            return
        busy = [hand for staff in self._staffs for hand in staff.all_hands if hand.calls and hand.is_ready]
        for hand in busy:
            begun = hand.actor.begun()
            if begun is not None and hand.staff.waits:
                if begun.task != hand.beat:
                    hand.beat, hand.since = begun.task, self.now()
            elif begun is not None:
                for task in (call.task for call in hand.calls if call.task and call.task.number == begun.task):
                    self._moved(task.stage, begun.clips - hand.seen.get(begun.task, 0))
                    hand.seen = {begun.task: begun.clips}
        for staff in self._staffs:
            if staff.waiting and staff.one_at_a_time:
                self._hand_out(staff)  # an actor may have rested long enough to change to another stage
        self._look_at = self.now() + max(LOOK_EVERY_S, len(busy) * LOOK_EVERY_S / LOOKS_A_SECOND)

    def _late(self) -> list[Done | Broken]:
        """What became of actors that take too long, or are idle for too long; a deadline is kept to the second."""
        now, back = self.now(), list[Done | Broken]()
        if now < self._late_at:
            return back
        idle = [hand.since + IDLE_S for staff in self._staffs for hand in staff.alone.values() if not hand.calls]
        self._late_at = min([now + LOOK_EVERY_S, *(at for at in idle if at > now)])
        for staff in self._staffs:
            for hand in staff.all_hands:
                if hand.has_ended:
                    continue  # with another one just now, when a machine was lost
                if not hand.calls:
                    if hand.is_alone and now >= hand.since + IDLE_S:
                        self._end(hand)
                        self._staff(staff)
                elif now >= hand.since + hand.deadline_s() and not hand.calls[0].future.done():
                    back += self._overrun(hand)
        return back

    def _overrun(self, hand: Hand) -> list[Done | Broken]:
        if hand.is_ready:
            return self._bury(hand, hung(hand.deadline_s()))
        is_a_place_promised = any(other.is_leaving for staff in self._staffs for other in staff.hands)
        if not (is_a_place_promised or any(other.is_ready for other in hand.staff.hands)):
            why = f"was not ready within {SET_UP_S:g} s, or found no place on the cluster (see `ray status`)"
            raise not_set_up(hand.calls[0].stage, why, hand.staff.team.run.environment)
        hand.since = self.now()  # it waits for a machine, as after one was lost; others go on
        return []
