"""A cluster that is not there: machines with GPUs that are counted, actors that take seconds which pass at once."""

import heapq
import itertools
import queue
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import dataclass, field
from typing import Any

import pyarrow as pa
from ray.exceptions import NodeDiedError

from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.pools import Node
from actor18m.execute.ray_deaths import Begun
from actor18m.execute.site import Post

DONE = Report(None, pa.table({}), {}, (), 1.0)
"""What is measured here is nobody's concern."""


class PretendedSite:
    """`set_up_s`: what an actor takes for each stage that it is set up for; `call_s`: and for each task."""

    def __init__(self, *nodes: Node, set_up_s: float = 10.0, call_s: float = 1.0) -> None:
        self.machines = {node.id: node for node in nodes}
        self.set_up_s, self.call_s = set_up_s, call_s
        self.actors: list[PretendedActor] = []
        self.asked: Counter[tuple[float, float]] = Counter()
        self.played: list[tuple[float, str, str]] = []
        """When, which actor, which stage: each set-up."""
        self._now = 0.0
        self._soon: list[tuple[float, int, Callable[[], None]]] = []
        self._numbers = itertools.count()

    def nodes(self) -> list[Node]:
        return list(self.machines.values())

    def hire(self, post: Post) -> "PretendedActor":
        actor = PretendedActor(self, post)
        self.actors.append(actor)
        self.seat()
        return actor

    def ask(self, workers: Counter[tuple[float, float]]) -> None:
        self.asked = Counter(workers)

    def now(self) -> float:
        return self._now

    def first(self, came: "queue.SimpleQueue[Any]", seconds: float) -> Any:
        until = self._now + max(seconds, 0.0)
        while came.empty():
            if not self._soon or self._soon[0][0] > until:
                self._now = until
                raise queue.Empty
            self._now, _, happens = heapq.heappop(self._soon)
            happens()
        return came.get_nowait()

    def close(self) -> None:
        self.ask(Counter())

    def after(self, seconds: float, happens: Callable[[], None]) -> None:
        heapq.heappush(self._soon, (self._now + seconds, next(self._numbers), happens))

    def lose(self, node: str) -> None:
        del self.machines[node]
        for actor in self.actors:
            if actor.node == node:
                actor.die()

    def seat(self) -> None:
        """Who waits for a machine gets one that has what he claims: his own rather than another one."""
        for actor in self.actors:
            if actor.is_alive and actor.node is None:
                for node in sorted(self.machines, key=lambda node: node != actor.post.place):
                    if self.gpus_free(node) >= actor.post.gpus - 1e-9:
                        actor.node = node
                        actor.next()
                        break

    def gpus_free(self, node: str) -> float:
        return self.machines[node].gpus - sum(a.post.gpus for a in self.actors if a.is_alive and a.node == node)

    @property
    def alive(self) -> Counter[str]:
        """Actors that have a machine, by the stages that their pool has."""
        return Counter(a.post.shown.rpartition("-")[0] for a in self.actors if a.is_alive and a.node)


@dataclass(eq=False)
class PretendedActor:
    site: PretendedSite
    post: Post
    node: str | None = None
    is_alive: bool = True
    todo: list[tuple[float, Task | None, Future[Any]]] = field(default_factory=list)
    at: int | None = None

    def set_up(self, duty: Duty) -> Future[Any]:
        self.site.played.append((self.site.now(), self.post.shown, duty.stage))
        return self._asked(self.site.set_up_s, None)

    def do(self, task: Task) -> Future[Report]:
        return self._asked(self.site.call_s, task)

    def stop(self) -> None: ...

    def begun(self) -> Begun | None:
        return None if self.at is None else Begun(self.at, 0)

    def end(self) -> None:
        self.is_alive = False
        self.site.seat()

    def die(self) -> None:
        self.is_alive = False
        todo, self.todo = self.todo, []
        for _, _, answer in todo:
            answer.set_exception(NodeDiedError("its node has died"))  # type: ignore[no-untyped-call]

    def _asked(self, seconds: float, task: Task | None) -> Future[Any]:
        answer: Future[Any] = Future()
        self.todo.append((seconds, task, answer))
        if len(self.todo) == 1 and self.node is not None:
            self.next()
        return answer

    def next(self) -> None:
        if self.todo and self.is_alive:
            seconds, task, _ = self.todo[0]
            self.at = -1 if task is None else task.number
            self.site.after(seconds, self._ended)

    def _ended(self) -> None:
        if self.is_alive:
            seconds, task, answer = self.todo.pop(0)
            self.next()
            answer.set_result(seconds if task is None else DONE)
