"""Workers on Ray: long-lived actors, in pools that play one stage or several (staff.py), each on the machine where it
has a place (seating.py). Here the driver listens to them; hiring.py has who is hired, and who is given what.

Each actor has two calls, so that it need not wait for the driver: the one it is at, and one that waits behind it. When
it dies, only the first is to blame. Ray itself tries nothing again: what is tried again, and how, is the driver's to
decide.
"""

import logging
import queue
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence

from actor18m.execute.deaths import OUT_OF_MEMORY, Death, hung, not_set_up
from actor18m.execute.hiring import Hiring
from actor18m.execute.limits import SET_UP_S
from actor18m.execute.messages import Duty, Task
from actor18m.execute.ray_deaths import BESIDE, NO_ENVIRONMENT, SETTING_UP, Begun, death, raised_in
from actor18m.execute.ray_site import RaySite
from actor18m.execute.seating import Seating
from actor18m.execute.site import Site
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
        self._hiring = Hiring(site, self._staffs, duties)
        self.tell: Callable[[str], None] = logging.getLogger(__name__).info
        """Is told what a person should know of the machines."""
        self._staff_of = {stage: staff for staff in self._staffs for stage in staff.duties}
        self._moved: Callable[[str, int], None] = lambda stage, clips: None
        self._look_at = self._late_at = site.now() + LOOK_EVERY_S
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
            self._hiring.settle(staff)
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
        return self._hiring.held()

    def stop(self, stage: str) -> None:
        staff = self._staff_of[stage]
        staff.behind[stage] = 0
        if staff.waits:
            for hand in staff.all_hands:
                hand.actor.stop()

    def release(self, stage: str) -> None:
        """A pool's actors end with its last stage."""
        staff = self._staff_of[stage]
        staff.released.add(stage)
        if stage in staff.alone:
            self._hiring.end(staff.alone[stage])
        if staff.is_over:
            for hand in list(staff.all_hands):
                self._hiring.end(hand)
            self._seating.plan()
            self._hiring.settle_all()

    def close(self) -> None:
        for staff in self._staffs:
            for hand in list(staff.all_hands):
                self._hiring.end(hand)
        self._site.close()

    def _look_at_places(self, at_once: bool = False) -> None:
        if self._seating.look(at_once):
            self._hiring.settle_all()
        for note in self._seating.notes():
            self.tell(note)

    def _events(self, seconds: float) -> Iterator[tuple[Hand, Call, float]]:
        """All that came, after a wait for something to come; with the time it came."""
        try:
            yield self._site.first(self._hiring.came, seconds)
            while True:
                yield self._hiring.came.get_nowait()
        except queue.Empty:
            return

    def _take(self, hand: Hand, call: Call, at: float) -> list[Done | Broken]:
        if hand.has_ended:
            return []  # what became of its calls was told
        error = call.future.exception()
        if error is None:
            if hand.counted is None:
                hand.counted = call.stage, at - call.future.result()
            self._hiring.count(hand, at)
            hand.calls.remove(call)
            hand.tasks -= call.task is not None
            if call.task is not None:
                hand.staff.took(call.stage, at - hand.since)
            elif hand.is_ready:
                hand.staff.change_s[call.stage] = at - hand.since
            hand.since = max(hand.since, at)
            back = self._well(hand, call)
            hand.staff.file(hand)
            self._hiring.settle(hand.staff)
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
        self._hiring.end(hand)
        if how[0] == "lost":
            self._look_at_places(at_once=True)
        self._hiring.settle(staff)
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
                self._hiring.hand_out(staff)  # an actor may have rested long enough to change to another stage
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
                        self._hiring.end(hand)
                        self._hiring.settle(staff)
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
