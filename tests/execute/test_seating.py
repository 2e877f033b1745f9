"""How the driver of Ray uses a cluster whose GPUs are too few, become free, join and are lost: on one that pretends."""

import time
from collections import Counter, deque
from dataclasses import dataclass, field

import pytest

from actor18m.errors import ActorError
from actor18m.execute.limits import SET_UP_S
from actor18m.execute.messages import Duty, Task
from actor18m.execute.pools import Node
from actor18m.execute.ray_actors import RayWorkers
from actor18m.execute.workers import Broken, Done
from actor18m.storage.lease import Lease
from tests.execute.duties import edits, task
from tests.execute.pretended_site import PretendedSite

SMALL = "tests.execute.sharing_models:Small"
BIG = Node(8, 4, 512, "big")


def ones(*names: str) -> list[Node]:
    """Machines of one GPU each."""
    return [Node(8, 1, 128, name) for name in names]


@dataclass
class Driver:
    """Hands out as the engine's does: of later stages first, as much as there is room for."""

    workers: RayWorkers
    site: PretendedSite
    queues: dict[str, deque[Task]] = field(default_factory=dict)
    back: list[Done | Broken] = field(default_factory=list)
    busiest: Counter[str] = field(default_factory=Counter)
    notes: list[str] = field(default_factory=list)
    most_at_once: int = 0
    """Actors that there were, with a machine or waiting for one."""

    def __post_init__(self) -> None:
        self.workers.tell = self.notes.append

    def add(self, stage: str, count: int) -> None:
        self.queues.setdefault(stage, deque()).extend(task("a", stage=stage) for _ in range(count))

    def step(self) -> None:
        for stage in reversed(self.queues):
            room = self.workers.room(stage, len(self.queues[stage])) if self.queues[stage] else 0
            for _ in range(min(room, len(self.queues[stage]))):
                self.workers.submit(self.queues[stage].popleft())
        for each in self.workers.wait(0.5):
            self.back.append(each)
            if isinstance(each, Broken):
                self.queues[each.task.stage].append(each.task)
        self.busiest |= self.site.alive
        self.most_at_once = max(self.most_at_once, sum(actor.is_alive for actor in self.site.actors))

    def run(self, seconds: float) -> None:
        until = self.site.now() + seconds
        while self.site.now() < until:
            self.step()

    def finish(self, count: int) -> float:
        """Until so many tasks are done; when that was."""
        while sum(isinstance(each, Done) for each in self.back) < count:
            self.step()
            assert self.site.now() < 10_000, self.back
        return self.site.now()

    def done(self, stage: str) -> int:
        return sum(isinstance(each, Done) and each.task.stage == stage for each in self.back)


def driving(site: PretendedSite, *duties: Duty, workers: int | None = None) -> Driver:
    return Driver(RayWorkers({each.stage: each for each in duties}, site=site, workers=workers), site)


def test_makers_with_one_model_take_turns_on_one_gpu_and_change_seldom(lease: Lease) -> None:
    site = PretendedSite(*ones("a"))
    driver = driving(site, *(edits(lease, stage) for stage in ("views", "attributes", "sheets")))
    for stage in ("views", "attributes", "sheets"):
        driver.add(stage, 40)
    ended_s = driver.finish(120)
    assert driver.busiest == {"views+attributes+sheets": 1}
    assert len(site.played) == 3, "one stage after the other"
    assert ended_s < 120 * site.call_s + 3 * site.set_up_s + 10


def test_a_worker_that_is_idle_for_a_moment_keeps_its_stage(lease: Lease) -> None:
    """A change takes ten seconds: it rests for as long, once that is known."""
    site = PretendedSite(*ones("a"))
    driver = driving(site, edits(lease, "views"), edits(lease, "sheets"))
    for _ in range(2):
        driver.add("views", 1)
        driver.run(30)
        driver.add("sheets", 1)
        driver.run(30)
    changes = len(site.played)
    for _ in range(20):  # now and then a sheet, while views keep coming
        driver.add("views", 4)
        driver.add("sheets", 1)
        driver.run(5)
    assert len(site.played) - changes <= 100 / site.set_up_s
    assert driver.done("views") > 60
    driver.finish(104)
    driver.add("views", 1)
    driver.finish(105)
    driver.workers.release("views")  # nothing of it can come: it need not be waited for
    driver.add("sheets", 1)
    at = site.now()
    assert driver.finish(106) < at + site.set_up_s + site.call_s + 2


def test_workers_of_a_pool_play_what_there_is_to_do(lease: Lease) -> None:
    site = PretendedSite(BIG)
    driver = driving(site, edits(lease, "views"), edits(lease, "sheets"))
    driver.add("views", 400)
    driver.run(100)
    driver.add("sheets", 200)
    ended_s = driver.finish(600)
    assert driver.busiest == {"views+sheets": 4}
    assert ended_s < 600 / 4 + 4 * site.set_up_s


def test_what_comes_seldom_does_not_wait_until_nothing_else_is_left(lease: Lease) -> None:
    site = PretendedSite(Node(256, 16, 2048, "big"))
    driver = driving(site, edits(lease, "views"), edits(lease, "sheets"))
    driver.add("views", 16 * 200)
    driver.run(30)
    driver.add("sheets", 100)
    driver.run(120)
    assert driver.done("sheets") == 100, "by one that is spared for them"
    assert driver.queues["views"], "there was something else to do all the time"
    assert len(site.played) <= 16 + 2, "no more change than it takes"


def test_workers_are_shared_by_all_that_there_is_to_do_and_not_by_what_there_is_room_for(lease: Lease) -> None:
    site = PretendedSite(Node(256, 16, 2048, "big"))
    driver = driving(site, edits(lease, "views"), edits(lease, "sheets"))
    driver.add("views", 1400)
    driver.add("sheets", 200)
    ended_s = driver.finish(1600)
    assert sorted(stage for _, _, stage in site.played) == [*["sheets"] * 2, *["views"] * 14]
    assert ended_s < site.set_up_s + 1600 * site.call_s / 16 + 10


def test_stages_that_claim_otherwise_take_turns_where_gpus_are_too_few_for_one_of_each(lease: Lease) -> None:
    site = PretendedSite(*ones("a"))
    small = edits(lease, "faces", SMALL, gpus=0.25)
    driver = driving(site, small, edits(lease, "views"))
    driver.add("faces", 40)
    driver.add("views", 20)
    ended_s = driver.finish(60)
    assert ended_s < 40 / 4 + 20 + 2 * site.set_up_s + 20
    assert driver.busiest == {"faces": 4, "views": 1}
    assert driver.notes == [
        "too few GPUs for one worker of each stage, views wait: stages take turns, each until it has nothing to do"
    ]
    driver.add("faces", 4)
    driver.finish(64)


def test_gpus_of_a_stage_that_has_ended_go_to_those_that_have_not(lease: Lease) -> None:
    site = PretendedSite(BIG)
    small = edits(lease, "faces", SMALL, gpus=0.5)
    driver = driving(site, small, edits(lease, "views"))
    driver.add("faces", 8)
    driver.add("views", 200)
    driver.run(30)
    assert site.alive == {"faces": 4, "views": 2}
    driver.workers.release("faces")
    driver.run(30)
    assert site.alive == {"views": 4}


def test_calls_of_a_lost_machine_go_back_and_a_place_elsewhere_is_taken(lease: Lease) -> None:
    site = PretendedSite(*ones("a", "b", "c"))
    driver = driving(site, edits(lease, "views"))
    driver.add("views", 100)
    driver.run(20)
    site.lose("b")
    driver.finish(100)
    broken = [each for each in driver.back if isinstance(each, Broken)]
    assert [(each.kind, each.is_blamed) for each in broken] == [("lost", False)] * 2
    assert any("1 lost (8 CPUs, 1 GPU); there are 2 now (16 CPUs, 2 GPUs)" in note for note in driver.notes)


def test_the_only_gpu_is_lost_and_comes_back(lease: Lease) -> None:
    site = PretendedSite(Node(8, 0, 64, "head"), *ones("a"))
    driver = driving(site, edits(lease, "views"))
    driver.add("views", 20)
    driver.run(15)
    site.lose("a")
    driver.run(60)
    assert site.alive == {}
    assert site.asked == {(1.0, 1): 1}
    assert "views: no machine has what a worker claims; it waits for one to come" in driver.notes
    site.machines["b"] = ones("b")[0]
    driver.finish(20)
    assert {actor.node for actor in site.actors} == {"a", "b"}


def test_a_gpu_that_does_not_come_back_ends_the_build(lease: Lease) -> None:
    site = PretendedSite(Node(8, 0, 64, "head"), *ones("a"))
    driver = driving(site, edits(lease, "views"))
    driver.add("views", 20)
    driver.run(15)
    site.lose("a")
    with pytest.raises(ActorError, match=r"stage views: .* found no machine that has what it claims for 600 s"):
        driver.run(SET_UP_S + 20)


def test_machines_that_join_are_used_and_asked_for_while_more_waits_than_is_taken(lease: Lease) -> None:
    site = PretendedSite(*ones("a"))
    driver = driving(site, edits(lease, "views"))
    driver.add("views", 300)
    driver.run(20)
    assert site.asked == {(1.0, 1): 1}
    for names, asked in (("b", 2), ("cd", 4)):
        site.machines |= {node.id: node for node in ones(*names)}
        driver.run(6)
        assert site.asked == {}, "what was asked for may hold what those wait for who were hired"
        driver.run(14)
        assert site.asked == {(1.0, 1): asked}
    assert site.alive == {"views": 4}
    driver.finish(300)
    driver.run(10)
    assert site.asked == {}
    driver.workers.close()
    assert not any(actor.is_alive for actor in site.actors)


def test_no_more_is_asked_for_than_who_builds_allows(lease: Lease) -> None:
    site = PretendedSite(*ones("a"))
    driver = driving(site, edits(lease, "views"), workers=1)
    driver.add("views", 100)
    driver.run(30)
    assert site.asked == {}
    given = driving(site, edits(lease, "sheets", workers=3))
    given.add("sheets", 100)
    driver.workers.close()
    given.run(30)
    assert site.asked == {(1.0, 1): 2}, "of three there is one"


def test_one_that_is_tried_alone_has_the_gpu_of_another(lease: Lease) -> None:
    site = PretendedSite(*ones("a"))
    driver = driving(site, edits(lease, "views"), edits(lease, "sheets"))
    driver.add("views", 6)
    driver.run(12)
    driver.workers.submit_alone(task("a", stage="sheets"))
    driver.finish(7)
    assert [actor.post.place for actor in site.actors][:2] == ["a", None]
    assert driver.most_at_once == 1, "nobody is hired before there is a place"


def test_time_in_which_a_worker_loads_or_waits_is_held_and_not_worked(lease: Lease) -> None:
    """Two GPUs for half a minute; four calls take a second each, and loading ten."""
    site = PretendedSite(*ones("a", "b"), set_up_s=10.0, call_s=1.0)
    driver = Driver(RayWorkers({"views": edits(lease, "views")}, site=site), site)
    driver.add("views", 4)
    driver.run(30)
    assert len(driver.back) == 4
    assert driver.workers.held() == {"views": pytest.approx(2 * 30, abs=1)}
    driver.workers.release("views")
    driver.run(20)
    assert driver.workers.held() == {"views": pytest.approx(2 * 30, abs=1)}, "they have ended"


def test_time_is_that_of_the_stage_that_a_worker_plays(lease: Lease) -> None:
    site = PretendedSite(*ones("a"), set_up_s=10.0, call_s=5.0)
    driver = Driver(RayWorkers({stage: edits(lease, stage) for stage in ("views", "sheets")}, site=site), site)
    driver.add("views", 4)
    driver.run(40)  # 10 s to load, 20 s to work, 10 s idle
    driver.add("sheets", 2)
    driver.run(20)  # 10 s to change, 10 s to work
    held = driver.workers.held()
    assert held == {"views": pytest.approx(40, abs=1), "sheets": pytest.approx(20, abs=1)}


def test_what_a_result_costs_the_driver_does_not_grow_with_the_number_of_workers(lease: Lease) -> None:
    def each_s(gpus: int) -> float:
        """Of the processor, for each of as many calls as keep all busy five times over."""
        site = PretendedSite(Node(gpus, gpus, 8 * gpus, "big"), call_s=30.0)
        driver = Driver(RayWorkers({"views": edits(lease, "views")}, site=site), site)
        driver.add("views", 2 * gpus)
        driver.finish(2 * gpus)  # all are there
        driver.add("views", 5 * gpus)
        begun = time.thread_time()
        driver.finish(7 * gpus)
        return (time.thread_time() - begun) / (5 * gpus)

    assert each_s(320) < 4 * each_s(20)
