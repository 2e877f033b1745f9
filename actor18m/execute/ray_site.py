"""The Ray cluster on which actors live."""

import time
import uuid
from collections import Counter
from concurrent.futures import Future
from queue import SimpleQueue
from typing import Any

import ray
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from actor18m.execute import ray_cluster
from actor18m.execute.messages import Duty, Report, Task
from actor18m.execute.pools import Node
from actor18m.execute.ray_deaths import Begun, drop_note, last_begun
from actor18m.execute.ray_hands import RayActor, RayWaitingActor
from actor18m.execute.ray_wishes import Wishes
from actor18m.execute.site import Post

_BESIDES = 8
"""Calls of an actor that waits, beside tasks: to stop, for one."""
_NO_GPU = {"CUDA_VISIBLE_DEVICES": ""}
"""Ray shows all GPUs of a machine to who claims none, and a model would take memory there that others have claimed."""


class OnRay:
    """An actor of Ray's. Ray itself tries nothing again."""

    def __init__(self, post: Post, namespace: str, environment: dict[str, str]) -> None:
        self._name = uuid.uuid4().hex
        kind: Any = RayWaitingActor if post.waits else RayActor
        self._actor: Any = kind.options(
            name=post.shown,
            namespace=namespace,
            num_cpus=post.cpus,
            num_gpus=post.gpus,
            scheduling_strategy=_where(post.place),
            runtime_env=post.environment.for_ray(environment if post.gpus else environment | _NO_GPU),
            **({"max_concurrency": post.calls + _BESIDES} if post.waits else {}),
        ).remote(self._name, post.memory_gib, post.one_at_a_time)

    def set_up(self, duty: Duty) -> Future[float]:
        answer: Future[float] = self._actor.set_up.remote(duty).future()
        return answer

    def do(self, task: Task) -> Future[Report]:
        answer: Future[Report] = self._actor.do.remote(task).future()
        return answer

    def stop(self) -> None:
        self._actor.stop.remote()

    def begun(self) -> Begun | None:
        return last_begun(self._name)

    def end(self) -> None:
        ray.kill(self._actor)
        drop_note(self._name)


def _where(place: str | None) -> Any:
    """Rather there than elsewhere: a machine may be full of what others run on the cluster, or have gone just now."""
    if place is None:
        return "SPREAD"
    return NodeAffinitySchedulingStrategy(place, soft=True, _spill_on_unavailable=True)


class RaySite:
    """The cluster at the address, or Ray started here until `close`."""

    def __init__(self, address: str | None = None) -> None:
        self._ends_ray = ray_cluster.join(address)
        self._environment = dict(ray_cluster.environment())
        self._namespace = f"actor18m-{uuid.uuid4().hex}"
        self._asked = Wishes()

    def nodes(self) -> list[Node]:
        return ray_cluster.nodes()

    def hire(self, post: Post) -> OnRay:
        return OnRay(post, self._namespace, self._environment)

    def ask(self, workers: Counter[tuple[float, float]]) -> None:
        if not self._ends_ray:  # this machine grows by nobody's wish
            self._asked.are(workers)

    def now(self) -> float:
        return time.monotonic()

    def first(self, came: "SimpleQueue[Any]", seconds: float) -> Any:
        return came.get(timeout=max(seconds, 0))

    def close(self) -> None:
        self.ask(Counter())
        if self._ends_ray:
            ray.shutdown()
