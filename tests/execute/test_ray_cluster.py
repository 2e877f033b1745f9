"""Workers on a cluster of several machines, which processes play: who is where, and which GPU it sees."""

import time
from collections.abc import Iterator, Mapping
from typing import Any

import pytest
import ray
from ray.cluster_utils import Cluster

from actor18m.config.stage_config import Run, Step
from actor18m.execute.messages import Duty, Task
from actor18m.execute.ray_actors import RayWorkers
from actor18m.execute.workers import Done
from actor18m.ledger.index import Values
from actor18m.ledger.ledger import Ledger
from actor18m.storage.lease import Lease
from tests.execute.duties import task
from tests.execute.poison_stages import nothing_kept
from tests.execute.telling_stages import TellsParameters

pytestmark = pytest.mark.slow
PATIENCE_S = 600


def tells(lease: Lease, stage: str, pause_s: float = 0.0, package: str = "", **run: Any) -> Duty:
    of = "tests.execute.telling_stages:Tells"
    parameters = TellsParameters(package=package, pause_s=pause_s)
    step = Step(stage=of, parameters=parameters, run=Run.model_validate({"deadline_s": PATIENCE_S, **run}))
    return Duty(stage, step, Ledger(lease.store, stage, "f1"), {}, {}, Values("none", (), nothing_kept), lease)


def told(workers: RayWorkers, given: Duty, tasks: list[Task]) -> list[Mapping[str, Any]]:
    """What each clip's row says."""
    for each in tasks:
        workers.submit(each)
    back, until = 0, time.monotonic() + PATIENCE_S
    while back < len(tasks):
        assert time.monotonic() < until, f"only {back} of {len(tasks)} came back"
        for done in workers.wait(1):
            assert isinstance(done, Done), done
            back += done.task.stage == given.stage
    return [row for _, rows in given.ledger.read() for row in rows.to_pylist()]


@pytest.fixture
def machines() -> Iterator[tuple[Cluster, Mapping[str, str]]]:
    """One with two CPUs, and one with a CPU and two GPUs that Ray only counts; their ids."""
    made = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 0, "include_dashboard": False})
    with_gpus: Any = made.add_node(num_cpus=1, num_gpus=2)
    assert made.head_node is not None
    yield made, {"cpus": made.head_node.node_id, "gpus": with_gpus.node_id}
    ray.shutdown()
    made.shutdown()


def test_workers_lie_where_they_can_and_four_quarters_see_one_gpu(
    machines: tuple[Cluster, Mapping[str, str]], lease: Lease
) -> None:
    cluster, ids = machines
    quarters = tells(lease, "quarters", pause_s=0.3, gpus=0.25, workers=4, cpus=0.1)
    whole = tells(lease, "whole", gpus=1, workers=1, cpus=0.1)
    plain = tells(lease, "plain", pause_s=0.3, workers=2, cpus=0.5)
    spread = tells(lease, "spread", pause_s=0.3, workers=3, cpus=0.4)
    workers = RayWorkers({each.stage: each for each in (quarters, whole, plain, spread)}, cluster.address)
    try:
        rows = told(workers, quarters, [task(*"abcd", stage="quarters") for _ in range(16)])
        assert {row["node"] for row in rows} == {ids["gpus"]}
        assert len({row["process"] for row in rows}) == 4
        assert len({row["gpus"] for row in rows}) == 1, "four quarters are one GPU"
        (other,) = told(workers, whole, [task("a", stage="whole")])
        assert {other["gpus"], rows[0]["gpus"]} == {"0", "1"}
        rows = told(workers, plain, [task(*"abcd", stage="plain") for _ in range(6)])
        assert {row["node"] for row in rows} == {ids["cpus"]}, "CPUs of the machine with GPUs are taken last"
        rows = told(workers, spread, [task(*"abcd", stage="spread") for _ in range(12)])
        assert {row["node"] for row in rows} == set(ids.values())
        assert {row["gpus"] for row in rows} == {""}, "who claims no GPU sees none, wherever it is"
    finally:
        workers.close()
