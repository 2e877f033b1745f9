"""Which actors there are, and what each is given: pools are brought to where their staff should be, and what waits is
handed out.
"""

import queue
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

from actor18m.execute.messages import Task
from actor18m.execute.site import Post, Site
from actor18m.execute.staff import Call, Hand, Staff


class Hiring:
    """Of all pools."""

    def __init__(self, site: Site, staffs: Sequence[Staff], stages: Iterable[str]) -> None:
        self._site, self._staffs = site, staffs
        self._held = dict.fromkeys(stages, 0.0)
        """By stage, seconds of actors, as far as they are counted."""
        self.came: queue.SimpleQueue[tuple[Hand, Call, float]] = queue.SimpleQueue()
        """Calls that ended, well or not, and when."""

    def held(self) -> Mapping[str, float]:
        for staff in self._staffs:
            for hand in staff.all_hands:
                self.count(hand, self._site.now())
        return self._held

    def count(self, hand: Hand, until: float) -> None:
        """Its time until then: while it has calls, as that of the stage of the first; and when it is idle, of the last
        one. Before it was set up it may have waited for a machine: it tells itself what it held.
        """
        if hand.counted is not None:
            last, since = hand.counted
            stage = hand.calls[0].stage if hand.calls else last
            hand.counted = stage, max(since, until)
            self._held[stage] += max(0.0, until - since)

    def settle_all(self) -> None:
        """Those that leave first: others may wait for what they claim."""
        for staff in sorted(self._staffs, key=lambda staff: len(staff.pool.places) - len(staff.hands)):
            self.settle(staff)

    def settle(self, staff: Staff) -> None:
        """Brings a pool's actors to where they should be, and gives them what waits."""
        if not staff.is_settled:
            self._seat(staff)
        self.hand_out(staff)

    def hand_out(self, staff: Staff) -> None:
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
        while (changing := staff.changing(self._site.now())) is not None:
            stage, hand = changing
            while stage in staff.waiting and hand.tasks < staff.calls_each:
                self._give(hand, staff.pop(stage))

    def end(self, hand: Hand) -> None:
        staff, hand.has_ended = hand.staff, True
        staff.is_settled = False
        staff.file(hand)
        self.count(hand, self._site.now())
        if hand.is_alone:
            (stage,) = hand.plays
            del staff.alone[stage]
        else:
            staff.hands.remove(hand)
            staff.playing.subtract(hand.plays)
        hand.actor.end()

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
            self.end(hand)
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
        hand = Hand(staff, self._site.hire(post), since=self._site.now(), place=place)
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
            self.count(hand, self._site.now())
            hand.rested_s += self._site.now() - hand.since
            hand.since = self._site.now()
        if task.stage not in hand.plays:
            self._set_up(hand, task.stage)
        self._call(hand, task.stage, task, hand.actor.do(task))

    def _call(self, hand: Hand, stage: str, task: Task | None, answer: Future[Any]) -> None:
        call = Call(stage, task, answer)
        hand.calls.append(call)
        hand.tasks += task is not None
        hand.staff.file(hand)
        call.future.add_done_callback(lambda _: self.came.put((hand, call, self._site.now())))
