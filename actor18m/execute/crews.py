"""Who does a build's work: this process, or Ray. Ray is started or joined when there is something to do for it."""

import os
from collections.abc import Iterable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Protocol

from actor18m.config.environment import Environment
from actor18m.errors import ActorError
from actor18m.execute.messages import Duty
from actor18m.execute.tally import Watcher
from actor18m.execute.workers import Workers
from actor18m.publish.make import Made, ShardPlan, make_shard, one_by_one
from actor18m.storage.near_copies import BUILD, forget

if TYPE_CHECKING:
    from actor18m.execute.ray_actors import RayWorkers


class Crew(Protocol):
    name: str
    """As `--executor` calls it."""

    def hire(self, duties: Mapping[str, Duty]) -> Workers: ...
    def watched(self, watcher: Watcher) -> Watcher:
        """By whom else watches the workers that were hired."""
        ...

    def make_shards(self, plans: Iterator[ShardPlan]) -> Iterable[Made]: ...
    def close(self) -> None: ...


class SerialCrew:
    """One call after the other, here."""

    name = "serial"

    def __init__(self) -> None:
        self._has_told = False

    def hire(self, duties: Mapping[str, Duty]) -> Workers:
        from actor18m.execute.serial import SerialWorkers

        if own := [stage for stage, duty in duties.items() if duty.step.run.environment != Environment()]:
            raise ActorError(
                f"{', '.join(own)}: an environment of its own (`run.environment`) has a stage on Ray alone. Build with "
                "--executor ray, or without it where this environment has what the stage needs."
            )
        return SerialWorkers(duties)

    def watched(self, watcher: Watcher) -> Watcher:
        """Once, whoever watches is told of the cores that are idle."""
        cores = len(os.sched_getaffinity(0))
        if cores > 1 and not self._has_told:
            watcher.note(f"measuring in this process, one clip at a time; --executor ray uses all {cores} cores")
        self._has_told = True
        return watcher

    def make_shards(self, plans: Iterator[ShardPlan]) -> Iterable[Made]:
        return one_by_one(plans)

    def close(self) -> None:
        """Nothing is held."""


class RayCrew:
    """Ray at the address, or one of its own until `close`; `workers`: as many as so many CPUs allow."""

    name = "ray"

    def __init__(self, address: str | None, workers: int | None) -> None:
        self._address, self._workers = address, workers
        self._ends_ray = self._has_joined = False
        self._gpus: Mapping[str, float] = {}
        """By stage, what a worker claims of them."""
        self._hired: RayWorkers | None = None

    def hire(self, duties: Mapping[str, Duty]) -> Workers:
        from actor18m.execute.ray_actors import RayWorkers
        from actor18m.execute.ray_pythons import check

        self._join()
        check(duties)
        self._gpus = {stage: duty.step.run.gpus for stage, duty in duties.items()}
        self._hired = RayWorkers(duties, self._address, self._workers)
        return self._hired

    def watched(self, watcher: Watcher) -> Watcher:
        from actor18m.execute.ray_metrics import Metered

        if self._hired is not None:
            self._hired.tell = watcher.note
        return Metered(watcher, self._gpus)

    def make_shards(self, plans: Iterator[ShardPlan]) -> Iterator[Made]:
        """As many at once as there are CPUs; their machines must reach the dataset."""
        first = next(plans, None)
        if first is None:
            return
        import ray

        from actor18m.execute.ray_cluster import environment, nodes

        self._join()
        at_once = max(1, int(self._workers or sum(node.cpus for node in nodes())))
        task = ray.remote(max_retries=3)(make_shard).options(runtime_env={"env_vars": dict(environment())})
        running = [task.remote(first)]
        for plan in plans:
            running.append(task.remote(plan))
            if len(running) >= at_once:
                done, running = ray.wait(running)
                yield from _got(done)
        yield from _got(running)

    def close(self) -> None:
        if self._ends_ray:
            import ray

            ray.shutdown()
        elif self._has_joined and (build := os.environ.get(BUILD)):
            from actor18m.execute.ray_cluster import on_each_node

            on_each_node(forget, build)

    def _join(self) -> None:
        from actor18m.execute.ray_cluster import join

        self._ends_ray |= join(self._address)
        self._has_joined = True


def _got(answers: list[Any]) -> list[Made]:
    import ray
    from ray.exceptions import RayTaskError

    from actor18m.execute.ray_deaths import raised_in

    try:
        made: list[Made] = ray.get(answers)
        return made
    except RayTaskError as error:
        raise raised_in(error) or error from None
