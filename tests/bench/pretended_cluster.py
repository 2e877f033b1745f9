"""Machines with GPUs that are not there, and actors on them that take their time, stumble and die, in virtual time."""

import math
import random
from collections import Counter, defaultdict, deque
from collections.abc import Mapping
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
from queue import SimpleQueue
from typing import Any

from ray.exceptions import ActorDiedError, NodeDiedError

from actor18m.config.costs import GPU_SECONDS
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.pools import Node
from actor18m.execute.ray_deaths import SETTING_UP, Begun
from actor18m.execute.site import Post
from actor18m.execute.waiting_worker import COMMIT_S
from tests.bench.pretended_rows import PretendedRows
from tests.bench.virtual_time import VirtualTime

GPUS_A_NODE = 8
NODE_GIB = 2048.0
SET_UP_S, SET_UP_GPU_S = 10.0, 60.0
"""Of small models, and of those that fill a GPU."""
NOTICED_S, BACK_S = 30.0, 600.0
"""When a machine that was lost is known to be, and when another one is there in its place."""
STRAGGLERS, STRAGGLER_TIMES = 0.002, 8.0


@dataclass(frozen=True)
class Chances:
    """What goes wrong, and how unlike the times are."""

    spread: float = 0.4
    """Of the logarithm of how long a clip or image takes, one standard deviation."""
    node_hours: float = 1000.0
    """Of work between two losses of one machine."""
    crashes: float = 2e-5
    """Of calls in which a worker dies."""
    call_s: float = 0.0008
    """For how long a call of an actor keeps the driver from going on, in Ray: measured, with four images. To ask it
    takes 0.46 ms, and to read the answer 0.31 ms with Python's lock held; 0.4 ms more are of threads beside it."""


@dataclass
class Used:
    """What a stage's workers did, and the GPU seconds that it took."""

    busy_s: float = 0.0
    items: int = 0
    calls: int = 0
    at: list[tuple[float, int]] = field(default_factory=list)
    """When calls came back, and with how many items."""


@dataclass(eq=False)
class _Machine:
    id: str
    cpus: float
    gpus: float
    is_up: bool = True
    actors: list["PretendedActor"] = field(default_factory=list)


@dataclass(eq=False)
class _Call:
    duty: Duty
    task: Task | None
    answer: Future[Any]


class PretendedCluster:
    """A site: `seconds` of one clip or image by stage."""

    def __init__(
        self,
        gpus: int,
        cpus_per_gpu: float,
        seconds: Mapping[str, float],
        rows: PretendedRows,
        chances: Chances,
        time: VirtualTime,
        seed: int = 0,
    ) -> None:
        self.time, self.seconds, self.rows, self.chances = time, seconds, rows, chances
        self.random = random.Random(seed)
        count = max(1, gpus // GPUS_A_NODE)
        self._each = Node(cpus_per_gpu * gpus / count, gpus // count, NODE_GIB)
        self._machines = [_Machine(f"{number}", self._each.cpus, self._each.gpus) for number in range(count)]
        self._homeless: deque[PretendedActor] = deque()
        self.used: dict[str, Used] = defaultdict(Used)
        self.spans: list[tuple[float, float, float]] = []
        """Of each call: from when, until when, and what part of a GPU it kept busy."""
        self.deaths = self.lost_machines = 0
        for machine in self._machines:
            self._lose_one_day(machine)

    def now(self) -> float:
        return self.time.now()

    def first(self, came: "SimpleQueue[Any]", seconds: float) -> Any:
        return self.time.first(came, seconds)

    def nodes(self) -> list[Node]:
        return [replace(self._each, id=machine.id) for machine in self._machines if machine.is_up]

    def ask(self, workers: Counter[tuple[float, float]]) -> None:
        """Nobody brings more machines than there are."""

    def hire(self, post: Post) -> "PretendedActor":
        with self.time.not_counted():
            actor = PretendedActor(self, post)
            self._homeless.append(actor)
            self.house()
        self.time.charge(self.chances.call_s)
        return actor

    def close(self) -> None:
        """Nothing is there."""

    def house(self) -> None:
        """Actors without a place get one where there is room: where they were sent to, if they can."""
        for _ in range(len(self._homeless)):
            actor = self._homeless.popleft()
            if actor.has_ended:
                continue
            able = [each for each in self._machines if each.is_up and _fits(each, actor.post)]
            if able:
                actor.move_in(max(able, key=lambda each: (each.id == actor.post.place, each.gpus, each.cpus)))
            else:
                self._homeless.append(actor)

    def _lose_one_day(self, machine: _Machine) -> None:
        after = self.random.expovariate(1 / (self.chances.node_hours * 3600))
        self.time.at(self.time.now() + after, lambda: self._lose(machine))

    def _lose(self, machine: _Machine) -> None:
        machine.is_up = False
        self.lost_machines += 1
        for actor in machine.actors[:]:
            actor.die(NodeDiedError("its node has died"), NOTICED_S)  # type: ignore[no-untyped-call]
        self.time.at(self.time.now() + BACK_S, lambda: self._bring_back(machine))

    def _bring_back(self, machine: _Machine) -> None:
        machine.is_up, machine.id = True, f"{machine.id}+"
        self._lose_one_day(machine)
        self.house()


class PretendedActor:
    """Does one call after the other, or as a worker that waits many at once."""

    def __init__(self, cluster: PretendedCluster, post: Post) -> None:
        self._cluster, self.post = cluster, post
        self._time = cluster.time
        self._duties: dict[str, Duty] = {}
        self._calls: deque[_Call] = deque()
        """That did not begin."""
        self._at: set[_Call] = set()
        self._machine: _Machine | None = None
        self._since = 0.0
        """When it moved in."""
        self._note: Begun | None = None
        self._begun_at = self._each_s = 0.0
        self.has_ended = self._is_dead = False

    def set_up(self, duty: Duty) -> Future[Any]:
        return self._ask(_Call(duty, None, Future()))

    def do(self, task: Task) -> Future[Report]:
        return self._ask(_Call(self._duties[task.stage], task, Future()))

    def stop(self) -> None:
        """It has no time to begin anything in between."""

    def begun(self) -> Begun | None:
        with self._time.not_counted():
            if self._note is not None and self.post.waits:
                return Begun(int(self._time.now()), 0)  # its loop turns
            if self._note is not None and self._each_s:
                return Begun(self._note.task, int((self._time.now() - self._begun_at) / self._each_s))
            return self._note

    def end(self) -> None:
        with self._time.not_counted():
            self.has_ended = True
            self._leave()

    def move_in(self, machine: _Machine) -> None:
        machine.gpus -= self.post.gpus
        machine.cpus -= self.post.cpus
        machine.actors.append(self)
        self._machine, self._since = machine, self._time.now()
        self._go_on()

    def die(self, how: BaseException, noticed_after_s: float) -> None:
        self._is_dead = True
        left, self._calls, self._at = [*self._at, *self._calls], deque(), set()
        self._leave()

        def told() -> None:
            for call in left:
                if not self.has_ended:
                    call.answer.set_exception(how)

        self._time.at(self._time.now() + noticed_after_s, told)

    def _ask(self, call: _Call) -> Future[Any]:
        with self._time.not_counted():
            if call.task is None:
                self._duties[call.duty.stage] = call.duty
            if self._is_dead:
                self._time.at(self._time.now(), lambda: call.answer.set_exception(ActorDiedError()))
            else:
                self._calls.append(call)
                self._go_on()
        self._time.charge(self._cluster.chances.call_s)
        return call.answer

    def _go_on(self) -> None:
        """Begins what it has room for."""
        if self._machine is None:
            return
        while self._calls:
            duty = self._calls[0].duty
            if len(self._at) >= (duty.step.run.in_flight if self.post.waits and self._note is not None else 1):
                return
            call = self._calls.popleft()
            self._at.add(call)
            self._begin(call)

    def _begin(self, call: _Call) -> None:
        cluster, begun = self._cluster, self._time.now()
        if call.task is None:
            self._note, self._each_s = Begun(SETTING_UP, 0), 0.0
            took = SET_UP_GPU_S if self.post.gpus >= 1 else SET_UP_S
            self._time.at(begun + took, lambda: self._well(call, None, begun))
            return
        items = len(call.task.todos)
        took = _taken(cluster.random, cluster.seconds[call.task.stage], items, cluster.chances.spread)
        if self.post.waits:
            wait_s = cluster.random.uniform(0, COMMIT_S)  # until it is committed, with others
            self._time.at(begun + took, lambda: self._answered(call, begun, wait_s))
            return
        self._note, self._begun_at, self._each_s = Begun(call.task.number, 0), begun, took / items
        if cluster.random.random() < cluster.chances.crashes:
            self._time.at(begun + took / 2, lambda: self._crash(call))
        self._time.at(begun + took, lambda: self._well(call, call.task, begun))

    def _crash(self, call: _Call) -> None:
        if call in self._at:
            self._cluster.deaths += 1
            self.die(ActorDiedError(), 1.0)
            self._cluster.house()

    def _answered(self, call: _Call, begun: float, wait_s: float) -> None:
        """A place is free for the next one; it is told later."""
        if call in self._at:
            self._at.discard(call)
            ended = self._time.now()
            self._time.at(ended + wait_s, lambda: self._tell(call, begun, ended))
            self._go_on()

    def _well(self, call: _Call, task: Task | None, begun: float) -> None:
        if call not in self._at:
            return
        self._at.discard(call)
        if task is None:
            call.answer.set_result(self._time.now() - self._since)
        else:
            self._tell(call, begun, self._time.now())
        self._go_on()

    def _tell(self, call: _Call, begun: float, ended: float) -> None:
        if self.has_ended or self._is_dead or call.task is None:
            return
        task, cluster = call.task, self._cluster
        used, gpu_s = cluster.used[task.stage], self.post.gpus * (ended - begun)
        used.busy_s += gpu_s
        used.items += len(task.todos)
        used.calls += 1
        used.at.append((ended, len(task.todos)))
        if self.post.gpus:
            cluster.spans.append((begun, ended, self.post.gpus))
        known = cluster.rows.known(task.stage, task.lot, task.todos)
        costs = {GPU_SECONDS: gpu_s} if gpu_s else {}
        call.answer.set_result(Report(f"{task.number:016x}", known, {}, (), ended - begun, costs=costs))

    def _leave(self) -> None:
        if (machine := self._machine) is not None:
            machine.actors.remove(self)
            machine.gpus += self.post.gpus
            machine.cpus += self.post.cpus
            self._machine = None
            self._cluster.house()


def _fits(machine: _Machine, post: Post) -> bool:
    return machine.gpus + 1e-6 >= post.gpus and machine.cpus + 1e-6 >= post.cpus


def _taken(chance: random.Random, mean_s: float, items: int, spread: float) -> float:
    """Log-normal times with this mean, and now and then one that takes much longer."""
    took = 0.0
    for _ in range(items):
        each = mean_s * math.exp(chance.gauss(-spread * spread / 2, spread))
        took += each * STRAGGLER_TIMES if chance.random() < STRAGGLERS else each
    return took
