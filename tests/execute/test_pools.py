"""How a cluster is shared among stages: every stage gets a worker, whatever the machine."""

import pytest

from actor18m.config.stage_config import Run
from actor18m.errors import ActorError
from actor18m.execute.pools import Node, Pool, plan_pools

LAPTOP = Node(cpus=2, gpus=0, memory_gib=16)
SERVER = Node(cpus=16, gpus=4, memory_gib=256)


def claimed(pools: list[Pool]) -> float:
    return sum(pool.workers * pool.cpus for pool in pools)


def by_stage(pools: list[Pool]) -> dict[str, Pool]:
    return {stage: pool for pool in pools for stage in pool.stages}


def test_stages_that_want_nothing_of_their_own_share_a_pool() -> None:
    runs = {
        "a": Run(),
        "b": Run(gpus=0.5),
        "c": Run(memory_gib=2),
        "d": Run(cpus=2),
        "e": Run(),
        "f": Run(),
        "g": Run(),
    }
    pools = plan_pools(runs, [SERVER], None, waiting=["g"])
    assert [pool.stages for pool in pools] == [("a", "e", "f"), ("b",), ("c",), ("d",), ("g",)]


def test_each_pool_may_use_all_cpus_and_their_claims_fit() -> None:
    pools = plan_pools({"a": Run(memory_gib=1), "b": Run(memory_gib=1), "c": Run(), "d": Run()}, [LAPTOP], None)
    assert [pool.workers for pool in pools] == [2, 2, 2]
    assert 1.9 < claimed(pools) <= 2


def test_claims_fit_each_machine_and_not_only_their_sum() -> None:
    """Three workers of 2/3 CPU would fit the sum of two machines with one CPU each, and one of them no machine."""
    runs = {name: Run(workers=1, memory_gib=1) for name in "abc"}
    pools = plan_pools(runs, [Node(1, 0, 8), Node(1, 0, 8)], None)
    assert all(pool.cpus <= 0.5 for pool in pools)


def test_a_stage_that_asks_for_more_cpus_than_a_machine_has_gets_a_worker() -> None:
    pools = plan_pools({"wide": Run(cpus=8), "narrow": Run()}, [LAPTOP], None)
    assert by_stage(pools)["wide"].workers == 1
    assert claimed(pools) <= 2


def test_workers_of_the_pipeline_hold_unless_cpus_are_given() -> None:
    runs = {"a": Run(workers=5), "b": Run()}
    assert [pool.workers for pool in plan_pools(runs, [LAPTOP], None)] == [5, 2]
    assert [(pool.stages, pool.workers) for pool in plan_pools(runs, [LAPTOP], 3)] == [(("a", "b"), 3)]


def test_gpus_are_shared_among_the_stages_that_need_them() -> None:
    a, b, c = pools = plan_pools({"a": Run(gpus=1), "b": Run(gpus=0.25), "c": Run()}, [SERVER], None)
    assert [(pool.workers, pool.gpus) for pool in (a, b, c)] == [(2, 1), (8, 0.25), (16, 0)]
    assert claimed(pools) <= 16


def test_parts_of_gpus_are_not_put_together() -> None:
    """0.6 of each of four GPUs: the rest of them is no use to a fifth worker."""
    assert [pool.workers for pool in plan_pools({"a": Run(gpus=0.6)}, [SERVER], None)] == [4]


def test_more_gpus_than_there_are_is_an_error_that_names_the_stages() -> None:
    with pytest.raises(ActorError, match=r"more GPUs than the 0 there are, at the same time: b 1\."):
        plan_pools({"a": Run(), "b": Run(gpus=1)}, [LAPTOP], None)


def test_workers_that_are_given_may_wait_for_machines_to_come() -> None:
    assert [pool.workers for pool in plan_pools({"b": Run(gpus=1, workers=8)}, [LAPTOP], None)] == [8]


def test_memory_bounds_the_workers() -> None:
    pools = plan_pools({"a": Run(memory_gib=4), "b": Run(memory_gib=4)}, [Node(16, 0, 32)], None)
    assert sum(pool.workers for pool in pools) * 4 <= 32
    assert min(pool.workers for pool in pools) >= 1
