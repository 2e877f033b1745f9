"""How a cluster is shared among stages: every stage gets a worker, whatever the machine, or its turn."""

from collections import Counter
from collections.abc import Collection, Mapping, Sequence

import pytest

from actor18m.config.environment import Environment
from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import shipped
from actor18m.config.stage_config import Run
from actor18m.errors import ActorError
from actor18m.execute.pools import Node, Pool, check_gpus, plan_pools
from actor18m.execute.teams import teams_of

LAPTOP = Node(cpus=2, gpus=0, memory_gib=16, id="laptop")
SERVER = Node(cpus=16, gpus=4, memory_gib=256, id="server")
CLUSTER = {
    "identity": Run(gpus=0.1, memory_gib=8),
    "motion": Run(gpus=0.25, memory_gib=16),
    "faces": Run(gpus=0.1, memory_gib=8),
    "views": Run(),
    "view_images": Run(gpus=1),
    "attribute_images": Run(gpus=1),
    "annotate": Run(gpus=0.1, memory_gib=16),
    "judge": Run(),
}
MODELS = {
    "identity": ["retinaface", "arcface"],
    "motion": ["d-fine", "clip"],
    "faces": ["retinaface", "bisenet"],
    "view_images": ["qwen-image-edit", "d-fine"],
    "attribute_images": ["qwen-image-edit"],
    "annotate": ["retinaface"],
}


def planned(
    runs: Mapping[str, Run],
    nodes: Sequence[Node],
    cpus: int | None = None,
    waiting: Collection[str] = (),
    models: Mapping[str, Collection[str]] | None = None,
) -> list[Pool]:
    return plan_pools(teams_of(runs, cpus, waiting, models), nodes, cpus)


def claimed(pools: list[Pool]) -> float:
    return sum(pool.workers * pool.cpus for pool in pools)


def by_stage(pools: list[Pool]) -> dict[str, Pool]:
    return {stage: pool for pool in pools for stage in pool.stages}


def fits(pools: list[Pool], nodes: Sequence[Node]) -> bool:
    """No machine is claimed beyond what it has."""
    cpus, gpus = Counter[str](), Counter[str]()
    for pool in pools:
        for place in pool.places:
            cpus[place] += pool.cpus  # type: ignore[assignment]
            gpus[place] += pool.gpus  # type: ignore[assignment]
    return all(cpus[node.id] <= node.cpus + 1e-6 and gpus[node.id] <= node.gpus + 1e-6 for node in nodes)


def test_stages_that_want_nothing_of_their_own_share_a_pool() -> None:
    own = Run(environment=Environment(pip=("six",)))
    runs = {
        "a": Run(),
        "b": Run(gpus=0.5),
        "c": Run(memory_gib=2),
        "d": Run(cpus=2),
        "e": Run(),
        "f": Run(),
        "g": Run(),
        "h": own,
    }
    pools = planned(runs, [SERVER], waiting=["g"])
    assert [pool.stages for pool in pools] == [("a", "e", "f"), ("b",), ("c",), ("d",), ("g",), ("h",)]


def test_stages_on_gpus_share_a_pool_where_claim_and_a_model_are_the_same() -> None:
    teams = teams_of(CLUSTER, None, ["judge"], MODELS)
    assert [team.stages for team in teams] == [
        ("identity", "faces"),
        ("motion",),
        ("views",),
        ("view_images", "attribute_images"),
        ("annotate",),
        ("judge",),
    ]


def test_the_makers_of_the_cluster_s_pipeline_share_their_workers() -> None:
    steps = {step.name: step for step in load_pipeline(shipped()["cluster"]).stages}
    models = {name: {each.name for each in step.roles.values()} for name, step in steps.items()}
    waiting = [name for name, step in steps.items() if step.waits]
    teams = teams_of({name: step.run for name, step in steps.items()}, None, waiting, models)
    sharing = {team.stages for team in teams if team.gpus and len(team.stages) > 1}
    assert sharing == {
        ("identity", "faces", "pose"),
        ("motion", "bodies"),
        ("view_images", "attribute_images", "sheet_images"),
    }


def test_a_stage_joins_two_others_that_have_nothing_in_common_but_it() -> None:
    runs = {name: Run(gpus=1) for name in "abc"}
    teams = teams_of(runs, None, models={"a": ["x"], "b": ["y"], "c": ["x", "y"]})
    assert [team.stages for team in teams] == [("a", "b", "c")]


def test_each_pool_may_use_all_cpus_and_their_claims_fit() -> None:
    pools = planned({"a": Run(memory_gib=1), "b": Run(memory_gib=1), "c": Run(), "d": Run()}, [LAPTOP])
    assert [pool.workers for pool in pools] == [2, 2, 2]
    assert 1.9 < claimed(pools) <= 2


def test_claims_fit_each_machine_and_not_only_their_sum() -> None:
    """Three workers of 2/3 CPU would fit the sum of two machines with one CPU each, and one of them no machine."""
    nodes = [Node(1, 0, 8, "a"), Node(1, 0, 8, "b")]
    pools = planned({name: Run(workers=1, memory_gib=1) for name in "abc"}, nodes)
    assert all(pool.cpus <= 0.5 for pool in pools)
    assert fits(pools, nodes)


def test_a_stage_that_asks_for_more_cpus_than_a_machine_has_gets_a_worker() -> None:
    pools = planned({"wide": Run(cpus=8), "narrow": Run()}, [LAPTOP])
    assert by_stage(pools)["wide"].places == ("laptop",)
    assert claimed(pools) <= 2


def test_workers_of_the_pipeline_hold_unless_cpus_are_given() -> None:
    runs = {"a": Run(workers=5), "b": Run()}
    assert [pool.workers for pool in planned(runs, [LAPTOP])] == [5, 2]
    assert [(pool.stages, pool.workers) for pool in planned(runs, [LAPTOP], 3)] == [(("a", "b"), 3)]


def test_gpus_are_shared_among_the_stages_that_need_them() -> None:
    a, b, c = pools = planned({"a": Run(gpus=1), "b": Run(gpus=0.25), "c": Run()}, [SERVER])
    assert [(pool.workers, pool.gpus) for pool in (a, b, c)] == [(2, 1), (8, 0.25), (16, 0)]
    assert claimed(pools) <= 16


def test_a_pool_has_a_share_for_each_of_its_stages_and_what_is_left_over_goes_to_who_can_use_it() -> None:
    nodes = [Node(64, 8, 1024, str(at)) for at in range(4)]
    pools = by_stage(planned(CLUSTER, nodes, waiting=["judge"], models=MODELS))
    gpus = {stage: pools[stage].gpus * pools[stage].workers for stage in ("identity", "motion", "view_images")}
    assert sum(pool.gpus * pool.workers for pool in set(pools.values())) > 31, "of 32"
    assert gpus["view_images"] == pytest.approx(2 * gpus["motion"], abs=1)
    assert gpus["identity"] == pytest.approx(2 * gpus["motion"], abs=1)
    assert fits(list(set(pools.values())), nodes)


def test_parts_of_gpus_are_not_put_together() -> None:
    """0.6 of each of four GPUs: the rest of them is no use to a fifth worker."""
    assert [pool.workers for pool in planned({"a": Run(gpus=0.6)}, [SERVER])] == [4]


def test_workers_lie_on_machines_that_have_what_they_claim() -> None:
    nodes = [SERVER, Node(8, 0, 64, "a"), Node(8, 0, 64, "b")]
    pools = by_stage(planned({"a": Run(workers=4), "b": Run(gpus=0.5), "c": Run(gpus=2)}, nodes))
    assert set(pools["b"].places) == set(pools["c"].places) == {"server"}
    assert Counter(pools["a"].places) == {"a": 2, "b": 2}, "CPUs of the machine with GPUs are taken last"


def test_a_machine_that_is_full_of_workers_on_its_gpus_crowds_no_other_one() -> None:
    nodes = [Node(16, 0, 64, "a"), Node(2, 2, 64, "b"), Node(64, 0, 256, "c")]
    parts, *others = planned({"p": Run(gpus=0.1), **{name: Run(cpus=1, memory_gib=0.1) for name in "xyz"}}, nodes)
    assert parts.workers == 20
    assert parts.cpus == pytest.approx(0.1, abs=0.02)
    where = Counter(place for pool in others for place in pool.places)
    assert where["a"] / 16 <= where["c"] / 64, "for each CPU no more than where there are many"
    assert where["a"] > 30
    assert fits([parts, *others], nodes)


def test_a_claim_of_two_gpus_needs_them_on_one_machine() -> None:
    nodes = [Node(4, 1, 64, "a"), Node(4, 1, 64, "b")]
    with pytest.raises(ActorError, match=r"wide: a worker claims 2 GPUs, and no machine here has so many"):
        check_gpus(teams_of({"wide": Run(gpus=2)}, None), nodes)
    check_gpus(teams_of({"wide": Run(gpus=2)}, None), [Node(4, 2, 64, "c")])


def test_a_gpu_where_there_is_none_is_an_error_that_names_the_stage() -> None:
    with pytest.raises(ActorError, match=r"^b: a worker claims 0\.5 of a GPU, and no machine here has so many"):
        check_gpus(teams_of({"a": Run(), "b": Run(gpus=0.5)}, None), [LAPTOP])
    with pytest.raises(ActorError, match=r"^b: a worker claims 1 GPU"):
        check_gpus(teams_of({"b": Run(gpus=1)}, None, waiting=["b"]), [LAPTOP])


def test_where_gpus_are_too_few_for_one_worker_of_each_some_wait_for_their_turn() -> None:
    one = Node(8, 1, 256, "one")
    teams = teams_of(CLUSTER, None, ["judge"], MODELS)
    pools = by_stage(plan_pools(teams, [one]))
    assert pools["view_images"].workers == 0
    assert min(pools[stage].workers for stage in ("identity", "motion", "annotate")) >= 1
    makers_first = sorted(teams, key=lambda team: "view_images" not in team.stages)
    pools = by_stage(plan_pools(makers_first, [one]))
    assert [pools[stage].workers for stage in ("view_images", "identity", "motion", "annotate")] == [1, 0, 0, 0]
    assert pools["views"].workers == 8, "stages on CPUs wait for nobody"


def test_workers_stay_where_they_are_when_others_join_or_end() -> None:
    nodes = [Node(8, 2, 64, "a"), Node(8, 2, 64, "b")]
    teams = teams_of({"x": Run(gpus=1), "y": Run(gpus=1), "z": Run(workers=3)}, None)
    x, y, z = plan_pools(teams, nodes)
    assert [Counter(pool.places) for pool in (x, y)] == [{"a": 1, "b": 1}] * 2
    held: dict[tuple[str, ...], Sequence[str]] = {("x",): ["b", "b"], ("y",): ["a", "a"], ("z",): z.places}
    x, y, z = plan_pools(teams, nodes, None, held)
    assert [sorted(pool.places) for pool in (x, y)] == [["b", "b"], ["a", "a"]]
    more = plan_pools(teams, [*nodes, Node(8, 4, 64, "c")], None, held)
    for before, after in zip((x, y, z), more, strict=True):
        assert not Counter(before.places) - Counter(after.places)
    assert [pool.workers for pool in more] == [4, 4, 3]
    (alone,) = plan_pools(teams[1:2], nodes, None, held)
    assert alone.workers == 4
    assert not Counter(y.places) - Counter(alone.places)


def test_workers_that_are_given_may_wait_for_machines_to_come() -> None:
    (pool,) = planned({"b": Run(gpus=1, workers=8)}, [LAPTOP])
    assert (pool.workers, pool.places) == (8, ())
    check_gpus(teams_of({"b": Run(gpus=1, workers=8)}, None), [LAPTOP])


def test_memory_bounds_the_workers() -> None:
    pools = planned({"a": Run(memory_gib=4), "b": Run(memory_gib=4)}, [Node(16, 0, 32)])
    assert sum(pool.workers for pool in pools) * 4 <= 32
    assert min(pool.workers for pool in pools) >= 1
    (pool,) = planned({"a": Run(gpus=0.1, memory_gib=8)}, [Node(16, 4, 64, "a")])
    assert pool.workers == 6, "of 40 for which there are GPUs"


def test_a_cluster_of_a_thousand_gpus_is_shared_out_at_once() -> None:
    nodes = [Node(64, 8, 1024, str(at)) for at in range(128)]
    pools = planned(CLUSTER, nodes, waiting=["judge"], models=MODELS)
    assert sum(pool.gpus * pool.workers for pool in pools) > 1020
    assert fits(pools, nodes)
