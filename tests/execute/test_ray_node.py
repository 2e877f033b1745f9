"""A machine of a cluster is lost: nothing on it is to blame, and the rest goes on."""

import time
from collections.abc import Iterator

import pytest
import ray
from ray.cluster_utils import Cluster

from actor18m.execute.messages import Task
from actor18m.execute.ray_actors import RayWorkers
from actor18m.execute.workers import Broken, Done
from actor18m.storage.lease import Lease
from tests.execute.duties import committed, duty, task

PATIENCE_S = 300


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """Two machines of one CPU each, on this one."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "include_dashboard": False})
    made.add_node(num_cpus=1)
    yield made
    ray.shutdown()
    made.shutdown()  # type: ignore[no-untyped-call]


@pytest.mark.slow
def test_clips_of_a_lost_machine_are_measured_elsewhere(cluster: Cluster, lease: Lease) -> None:
    given = duty(lease)
    workers = RayWorkers({"poison": given}, cluster.address)
    assert workers.room("poison") == 4
    _run(workers, [task(name) for name in "abcd"])
    while not all(hand.is_ready for hand in workers._staffs[0].hands):  # on a busy machine one may be late
        workers.wait(0.2)
    slow = [task(*["slow"] * 10) for _ in range(4)]
    for each in slow:
        workers.submit(each)
    assert not workers.wait(0.5)
    cluster.remove_node(next(iter(cluster.worker_nodes)), allow_graceful=False)
    back = _back(workers, 4)
    lost = [each for each in back if isinstance(each, Broken)]
    assert [(each.kind, each.is_blamed) for each in lost] == [("lost", False)] * 2
    again = _run(workers, [each.task for each in lost])
    assert [type(each) for each in again] == [Done, Done]
    assert committed(given) >= {key for each in slow for key in each.keys}
    workers.close()


def _run(workers: RayWorkers, tasks: list[Task]) -> list[Done | Broken]:
    for each in tasks:
        workers.submit(each)
    return _back(workers, len(tasks))


def _back(workers: RayWorkers, count: int) -> list[Done | Broken]:
    back: list[Done | Broken] = []
    until = time.monotonic() + PATIENCE_S
    while len(back) < count:
        assert time.monotonic() < until, f"only {back} came back"
        back += workers.wait(1)
    return back
