"""What the driver keeps of a pool's actors: where they should be, what each was asked, and who does what next."""

import math
from collections import Counter, deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from actor18m.execute.limits import SET_UP_S, deadline_s
from actor18m.execute.messages import Duty, Task
from actor18m.execute.pools import Pool
from actor18m.execute.site import Actor
from actor18m.execute.teams import Team
from actor18m.execute.waiting_worker import capacity

IN_FLIGHT = 2
"""Calls of one actor."""
LOOK_EVERY_S = 1.0
LONGEST_REST_S = 60.0
"""An actor that has nothing to do in its stage changes to another one when it was idle, in all, for as long as such a
change takes, and at the latest then: so changes take no more time than idleness would have."""
MANY = 8
"""Of so many actors one is spared for a stage that nobody plays, however little waits of it."""
_SMOOTH = 0.97


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
    place: str | None = None
    """The machine that it was hired for; of an isolated one, none."""
    plays: set[str] = field(default_factory=set)
    """Stages that it is set up for, or was asked to be."""
    calls: deque[Call] = field(default_factory=deque)
    tasks: int = 0
    """Of the calls."""
    seen: dict[int, int] = field(default_factory=dict)
    """Number of the task that it is at -> how many of its clips were told to be measured."""
    rested_s: float = 0.0
    """How long it had nothing to do since it came to the stage that it plays, until the last time that it had."""
    counted: tuple[str, float] | None = None
    """The stage that it was there for last, and until when its time is counted."""
    is_ready: bool = False
    is_leaving: bool = False
    has_ended: bool = False

    beat: int = 0
    """Of an actor of a stage that waits, how often its loop showed that it turns."""

    @property
    def is_alone(self) -> bool:
        """It measures what is suspected, and nothing in company."""
        return self.place is None

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
    team: Team
    pool: Pool
    idle_since: float = 0.0
    """When its last task came back; it means something while there is none."""
    hands: list[Hand] = field(default_factory=list)
    alone: dict[str, Hand] = field(default_factory=dict)
    waiting: dict[str, deque[Task]] = field(default_factory=dict)
    """By stage; what no actor was given yet."""
    waiting_alone: dict[str, Task] = field(default_factory=dict)
    under_way: Counter[str] = field(default_factory=Counter)
    """By stage, tasks in company that did not come back."""
    behind: Counter[str] = field(default_factory=Counter)
    """By stage, about how many more the driver has for which there was no room."""
    is_short: bool = False
    """It was asked for more room than it has."""
    failed_set_ups: Counter[str] = field(default_factory=Counter)
    """By stage, in a row."""
    change_s: dict[str, float] = field(default_factory=dict)
    """By stage, how long it took an actor lately to change to it."""
    call_s: dict[str, float] = field(default_factory=dict)
    """By stage, how long its calls take of late."""
    released: set[str] = field(default_factory=set)
    is_settled: bool = False
    """Its actors are where they should be."""
    hired: int = 0
    """Actors so far."""
    playing: Counter[str] = field(default_factory=Counter)
    """By stage, actors in company that are set up for it, or were asked to be."""
    _free: dict[int, dict[str, dict[Hand, None]]] = field(default_factory=dict)
    """Actors that may take another task, by how many they have and by each stage that they play: to look at each of
    hundreds whenever one has ended would take longer than all else that the driver does."""
    _filed: dict[Hand, tuple[int, tuple[str, ...]]] = field(default_factory=dict)
    """Where in `_free` each is."""

    @property
    def name(self) -> str:
        return "+".join(self.duties)

    @property
    def waits(self) -> bool:
        return self.team.waits

    @property
    def one_at_a_time(self) -> bool:
        """Its actors play one stage after the other: what they claim of a GPU is the memory of one."""
        return self.team.gpus > 0

    @property
    def is_over(self) -> bool:
        return self.released.issuperset(self.duties)

    @property
    def is_busy(self) -> bool:
        """Something of it waits or is being measured."""
        return self.under_way.total() > 0 or bool(self.waiting_alone) or any(hand.calls for hand in self.alone.values())

    @property
    def is_starving(self) -> bool:
        """Something of it waits, and it has nobody and no place for anybody."""
        return self.is_busy and not self.pool.places and not self.all_hands

    @cached_property
    def calls_each(self) -> int:
        """Of one actor at once."""
        return max(capacity(duty) if duty.step.waits else IN_FLIGHT for duty in self.duties.values())

    @property
    def at_once(self) -> int:
        """Calls of all actors; before any has a place, those of one: so it shows that there is something to do."""
        return self.calls_each * max(1, len(self.pool.places))

    @property
    def all_hands(self) -> list[Hand]:
        return [*self.hands, *self.alone.values()]

    def room(self, stage: str) -> int:
        """Stages that are played at the same time share it."""
        return self.at_once - (self.under_way[stage] if self.one_at_a_time else self.under_way.total())

    def seats(self) -> Counter[str]:
        """Machines of the actors in company. The isolated one claims no CPU, but a GPU it can only have in the place of
        another: of one that is not there, or is leaving, or else has least to do."""
        seats = Counter(self.pool.places)
        if seats and self.pool.gpus > 0 and (self.alone or self.waiting_alone):
            free = seats - Counter(hand.place for hand in self.hands if hand.place is not None)
            by_need = sorted(self.hands, key=lambda hand: (not hand.is_leaving, len(hand.calls)))
            there = [hand.place for hand in by_need if hand.place in seats]
            seats[next(iter(free), None) or there[0] or ""] -= 1
        return +seats

    def first_waiting(self) -> str | None:
        """The stage of the task that waits longest."""
        return min(self.waiting, key=lambda stage: self.waiting[stage][0].number, default=None)

    def neediest(self) -> str:
        """The stage of which there is most to do, for each actor that plays it. Something has to wait."""
        return max(self.waiting, key=lambda stage: self._to_do_s(stage) / (1 + self.playing[stage]))

    def overdue(self) -> tuple[str, Hand] | None:
        """A stage that will be over so much later than another that a change pays; and who is to play it next, of
        the stage that will be over first. Where nobody plays a stage, one of many actors is spared for it:
        else what comes seldom, such as another attempt at an image, would wait until nothing of the others is left.
        """
        by_end = sorted(self.duties, key=self._over_in_s)
        for stage in self.waiting:
            is_spared = not self.playing[stage] and len(self.hands) >= MANY
            pays_from_s = self._over_in_s(stage) - min(LONGEST_REST_S, self.change_s.get(stage, LONGEST_REST_S))
            for other in by_end:
                if not is_spared and (not self.playing[stage] or self._over_in_s(other) >= pays_from_s):
                    break
                if other != stage and self.playing[other] > 1 and (hand := self.freest(other)) is not None:
                    return stage, hand
        return None

    def _over_in_s(self, stage: str) -> float:
        """When its actors have done all that is known of it."""
        return self._to_do_s(stage) / self.playing[stage] if self.playing[stage] else math.inf

    def _to_do_s(self, stage: str) -> float:
        """How long one actor would take for what is under way and what the driver has beside it."""
        call_s = self.call_s.get(stage) or max(self.call_s.values(), default=1.0)
        return (self.under_way[stage] + self.behind[stage]) * call_s

    def took(self, stage: str, seconds: float) -> None:
        """One of its calls did."""
        before = self.call_s.get(stage, seconds)
        self.call_s[stage] = _SMOOTH * before + (1 - _SMOOTH) * seconds

    def pop(self, stage: str) -> Task:
        """The next task of it that waits."""
        task = self.waiting[stage].popleft()
        if not self.waiting[stage]:
            del self.waiting[stage]
        return task

    def freest(self, stage: str) -> Hand | None:
        """Who has least to do; of these, rather one that is set up for the stage. An actor that plays one stage at a
        time takes nothing else."""
        for tasks in sorted(self._free):
            by_stage = self._free[tasks]
            able = by_stage.get(stage) or ({} if self.one_at_a_time else next(filter(None, by_stage.values()), {}))
            if able:
                return next(iter(able))
        return None

    def file(self, hand: Hand) -> None:
        """Again, whenever what an actor has to do, or may do, is another thing than before."""
        tasks, plays = self._filed.pop(hand, (0, ()))
        for stage in plays:
            del self._free[tasks][stage][hand]
        if hand.is_ready and not (hand.is_leaving or hand.has_ended or hand.is_alone) and hand.tasks < self.calls_each:
            self._filed[hand] = hand.tasks, tuple(hand.plays)
            for stage in hand.plays:
                self._free.setdefault(hand.tasks, {}).setdefault(stage, {})[hand] = None

    def changing(self, now: float) -> tuple[str, Hand] | None:
        """A stage of which something waits that its own actors would do later than one could that changes, and an actor
        that would do better to play it than its own.
        """
        for stage in sorted(self.waiting, key=self._over_in_s, reverse=True):
            rest_s = min(LONGEST_REST_S, self.change_s.get(stage, 0.0))
            if self._over_in_s(stage) < rest_s:
                break
            for plays, idle in self._free.get(0, {}).items():
                for hand in idle if plays != stage else ():
                    is_free = not hand.calls and stage not in hand.plays
                    if is_free and (self.released.issuperset(hand.plays) or hand.rested_s + now - hand.since >= rest_s):
                        return stage, hand
        return None
