"""Workers on Ray: what comes back when they work, die, hang, or cannot be set up, and what they leave behind."""

import socket
import sys
import time
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import ray
from ray.exceptions import RuntimeEnvSetupError

from actor18m.errors import ActorError
from actor18m.execute import ray_actors
from actor18m.execute.crews import RayCrew
from actor18m.execute.messages import Duty, Task
from actor18m.execute.ray_actors import RayWorkers
from actor18m.execute.ray_deaths import death
from actor18m.execute.ray_pythons import check
from actor18m.execute.ray_site import OnRay, RaySite
from actor18m.execute.site import Post
from actor18m.execute.staff import IN_FLIGHT
from actor18m.execute.workers import Broken, Done
from actor18m.storage.lease import Lease, TakenOver, hold
from tests.execute.duties import committed, duty, edits, task
from tests.execute.poison_stages import CALLS, SLOW_S, calls

Start = Callable[..., RayWorkers]
PATIENCE_S = 900


@pytest.fixture(scope="module", autouse=True)
def _ray() -> Iterator[None]:
    ray.init(address="local", num_cpus=1, num_gpus=1, include_dashboard=False, log_to_driver=False)
    yield
    ray.shutdown()


@pytest.fixture
def start() -> Iterator[Start]:
    started = []

    def of(*duties: Duty, workers: int = 1) -> RayWorkers:
        started.append(RayWorkers({duty.stage: duty for duty in duties}, workers=workers))
        return started[-1]

    yield of
    for workers in started:
        workers.close()


def all_of(workers: RayWorkers, count: int) -> dict[int, Done | Broken]:
    """What came of so many tasks, by number."""
    back: list[Done | Broken] = []
    until = time.monotonic() + PATIENCE_S
    while len(back) < count:
        assert time.monotonic() < until, f"only {back} came back"
        back += workers.wait(1)
    return {each.task.number: each for each in back}


def run(workers: RayWorkers, *tasks: Task) -> list[Done | Broken]:
    """What came of tasks in company, in their order."""
    for each in tasks:
        workers.submit(each)
    back = all_of(workers, len(tasks))
    return [back[each.number] for each in tasks]


def test_rows_are_committed_and_an_actor_has_two_calls(start: Start, lease: Lease) -> None:
    given = duty(lease)
    workers = start(given)
    assert workers.room("poison") == IN_FLIGHT == 2
    ended = run(workers, task("a", "b"), task("c"))
    assert all(isinstance(each, Done) for each in ended)
    assert committed(given) == {key for each in ended for key in each.task.keys}
    workers.submit(task("slow"))
    workers.submit(task("slow"))
    assert workers.room("poison") == 0
    all_of(workers, 1)
    assert workers.room("poison") == 1


@pytest.mark.parametrize(
    ("name", "kind", "words"),
    [
        ("segfault", "killed", "crashed or was killed"),
        ("killed", "killed", "crashed or was killed"),
        ("exit", "killed", "crashed or was killed"),
        ("hang", "hung", "gave no result within 8 s"),
        ("stuck", "hung", "gave no result within 8 s"),
    ],
)
def test_a_death_blames_only_what_was_being_measured(
    start: Start, lease: Lease, name: str, kind: str, words: str
) -> None:
    workers = start(duty(lease, deadline_s=8 if kind == "hung" else 60))
    well, poison, behind = run(workers, task("a"), task(name), task("b"))
    assert isinstance(well, Done)
    assert isinstance(poison, Broken)
    assert isinstance(behind, Broken)
    assert (poison.kind, poison.is_blamed, poison.why[: len(words)]) == (kind, True, words)
    assert (behind.kind, behind.is_blamed) == ("lost", False)
    assert isinstance(run(workers, behind.task)[0], Done)


def test_a_deadline_is_for_each_clip_and_begins_with_its_own_call(start: Start, lease: Lease) -> None:
    workers = start(duty(lease, deadline_s=SLOW_S + 0.5))
    # the second waits so long for the first that, counted from when it was sent, it would be late
    ended = run(workers, task(*["slow"] * 4), task(*["slow"] * 4))
    assert [type(each) for each in ended] == [Done, Done]


def test_a_clip_without_end_meets_the_memory_limit(start: Start, lease: Lease) -> None:
    workers = start(duty(lease, memory_gib=0.5))
    hungry, beside = run(workers, task("hungry"), task("a"))
    # Python is told that there is no more, unless another of the process's threads asked for some just then
    assert hungry.report.out_of_memory == hungry.task.keys if isinstance(hungry, Done) else hungry.is_blamed
    assert isinstance(beside, Done) or not beside.is_blamed


def test_alone_is_a_process_of_its_own_and_a_fresh_one_after_a_death(
    start: Start, lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(CALLS, str(tmp_path))
    monkeypatch.setattr(ray_actors, "IDLE_S", 0.5)
    workers = start(duty(lease))
    run(workers, task("company"))
    for name in ("a", "segfault", "b"):
        assert workers.room_alone("poison") == 1
        workers.submit_alone(task(name))
        assert workers.room_alone("poison") == 0
        (ended,) = all_of(workers, 1).values()
        assert isinstance(ended, Broken if name == "segfault" else Done)
    pids = dict(calls(tmp_path))
    assert pids["a.mp4"] == pids["segfault.mp4"]
    assert len({pids["company.mp4"], pids["a.mp4"], pids["b.mp4"]}) == 3
    workers.wait(1)
    _until(lambda: not Path(f"/proc/{pids['b.mp4']}").exists())
    assert Path(f"/proc/{pids['company.mp4']}").exists()


@pytest.mark.parametrize(
    ("ready", "cause"),
    [("unready", "raised ActorError: the weights of poison are not there"), ("segfault", "crashed or was killed")],
)
def test_a_stage_that_cannot_be_set_up_stops_the_build(start: Start, lease: Lease, ready: str, cause: str) -> None:
    workers = start(duty(lease, ready))
    workers.submit(task("a"))
    with pytest.raises(ActorError, match=f"stage poison: its worker could not be set up: it {cause}"):
        all_of(workers, 1)


def test_what_stops_a_build_comes_through(start: Start, lease: Lease) -> None:
    workers = start(duty(lease))
    with hold(lease.store, take_over=True):
        workers.submit(task("a"))
        with pytest.raises(TakenOver):
            all_of(workers, 1)


def test_a_released_stage_gives_back_what_it_claimed(start: Start, lease: Lease) -> None:
    workers = start(duty(lease))
    run(workers, task("a"))
    _until(lambda: _free("CPU") == 0)
    workers.release("poison")
    _until(lambda: _free("CPU") == 1)


def test_a_gpu_is_lent_to_the_clip_that_is_alone(
    start: Start, lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A GPU that Ray only counts."""
    monkeypatch.setenv(CALLS, str(tmp_path))
    monkeypatch.setattr(ray_actors, "IDLE_S", 0.5)
    workers = start(duty(lease, gpus=1))
    assert workers.room("poison") == IN_FLIGHT
    workers.submit(task("slow-1"))
    workers.submit_alone(task("alone"))
    workers.submit(task("slow-2"))
    assert {type(each) for each in all_of(workers, 3).values()} == {Done}
    pids = dict(calls(tmp_path))
    assert pids["alone.mp4"] not in (pids["slow-1.mp4"], pids["slow-2.mp4"])


@pytest.mark.slow
def test_stages_share_a_gpu_by_pool_and_by_turns(start: Start, lease: Lease) -> None:
    """A half each for two makers with one model, and a whole one for a stage that there is no room for beside them."""
    views, sheets = (edits(lease, stage, gpus=0.5, deadline_s=PATIENCE_S) for stage in ("views", "sheets"))
    whole = duty(lease, gpus=1, deadline_s=PATIENCE_S)
    workers = start(views, sheets, whole, workers=1)
    ended = run(workers, *(task("a", stage=stage) for stage in ("views", "sheets", "poison", "views")))
    assert [type(each) for each in ended] == [Done] * 4
    assert (len(committed(views)), len(committed(sheets)), len(committed(whole))) == (2, 1, 1)
    hired = {name for name in _hired() if name.startswith("views")}
    assert hired <= {"views+sheets-1", "views+sheets-2"}
    workers.release("poison")
    workers.release("views")
    workers.release("sheets")
    _until(lambda: _free("GPU") == 1)


def test_stages_share_actors(start: Start, lease: Lease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(CALLS, str(tmp_path))
    first, second = duty(lease), duty(lease, stage="second")
    workers = start(first, second)
    ended = run(workers, task("a"), task("b", stage="second"), task("c"))
    assert all(isinstance(each, Done) for each in ended)
    assert (len(committed(first)), len(committed(second))) == (2, 1)
    pids = dict(calls(tmp_path))
    assert set(pids) == {"a.mp4", "b.mp4", "c.mp4"}
    assert len(set(pids.values())) == 1
    workers.release("poison")
    assert isinstance(run(workers, task("d", stage="second"))[0], Done)
    assert dict(calls(tmp_path))["d.mp4"] == pids["a.mp4"]
    workers.release("second")
    _until(lambda: _free("CPU") == 1)


def test_a_death_in_one_stage_blames_no_clip_of_another_that_shares_its_actor(start: Start, lease: Lease) -> None:
    workers = start(duty(lease), duty(lease, stage="second"))
    poison, behind = run(workers, task("killed"), task("a", stage="second"))
    assert isinstance(poison, Broken)
    assert isinstance(behind, Broken)
    assert (poison.is_blamed, behind.is_blamed) == (True, False)
    assert isinstance(run(workers, behind.task)[0], Done)


def test_a_stage_that_kills_the_actors_it_shares_when_it_is_set_up_stops_the_build(start: Start, lease: Lease) -> None:
    workers = start(duty(lease), duty(lease, "segfault", stage="second"))
    assert isinstance(run(workers, task("a"))[0], Done)
    broken = list[Done | Broken]()

    def again_and_again() -> None:
        while True:
            broken.extend(run(workers, task("b", stage="second")))

    with pytest.raises(ActorError, match="stage second: its worker could not be set up: it crashed or was killed"):
        again_and_again()
    assert all(isinstance(each, Broken) and not each.is_blamed for each in broken)


def _free(resource: str) -> float:
    return float(ray.available_resources().get(resource, 0))  # type: ignore[no-untyped-call]


def _until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + PATIENCE_S
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.1)


def _hired() -> set[str]:
    """Names of actors that live."""
    return {each["name"] for each in ray.util.list_named_actors(all_namespaces=True)}


def test_the_dashboard_names_actors_by_stage(start: Start, lease: Lease) -> None:
    workers = start(duty(lease))
    run(workers, task("a"))
    workers.submit_alone(task("b"))
    all_of(workers, 1)
    assert {"poison-1", "poison-2"} <= _hired()


def test_clips_are_told_while_their_call_goes_on(start: Start, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray_actors, "LOOK_EVERY_S", 0.1)
    workers, moved = start(duty(lease, deadline_s=30)), list[int]()
    workers.watch(lambda stage, clips: moved.append(clips))
    workers.submit(task(*["slow"] * 6))
    seen_before_the_end = 0
    while not workers.wait(0.2):
        seen_before_the_end = sum(moved)
    assert 0 < seen_before_the_end <= 6


def test_a_python_that_a_machine_has_not_is_refused_before_anything_is_measured(lease: Lease) -> None:
    crew = RayCrew(None, 1)
    with pytest.raises(
        ActorError, match=rf"stage poison: .*/nope/python, and that is no program on {socket.gethostname()}\."
    ):
        crew.hire({"poison": duty(lease, environment={"py_executable": "/nope/python"})})
    assert not committed(duty(lease))
    check({"poison": duty(lease, environment={"py_executable": sys.executable})})


def test_a_python_without_ray_or_of_another_version_is_told_in_seconds(lease: Lease, tmp_path: Path) -> None:
    venv.create(tmp_path / "bare")
    other = tmp_path / "other"
    other.write_text("#!/bin/sh\necho actor18m sees 3.9.1 2.9.0\n")
    other.chmod(0o755)
    for python, why in (
        (
            tmp_path / "bare" / "bin" / "python",
            r"cannot run a worker: ModuleNotFoundError: No module named '(ray|\w+)'",
        ),
        (other, r"is Python 3\.9\.1, and here it is 3\."),
    ):
        with pytest.raises(ActorError, match=rf"stage poison: .*{python}, and that {why}.* on {socket.gethostname()}"):
            RayCrew(None, 1).hire({"poison": duty(lease, environment={"py_executable": str(python)})})
    assert not committed(duty(lease))


def test_an_environment_that_ray_cannot_make_is_tried_once(
    start: Start, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ray itself has tried several times by then."""
    hired, hire = list[str](), RaySite.hire

    def noting(site: RaySite, post: Post) -> OnRay:
        hired.append(post.shown)
        return hire(site, post)

    monkeypatch.setattr(RaySite, "hire", noting)
    workers = start(duty(lease, environment={"conda": "no-such-environment"}))
    with pytest.raises(ActorError, match="got no environment, since Ray could not make it"):
        run(workers, task("a"))
    assert hired == ["poison-1"]


def test_of_an_environment_that_ray_cannot_make_the_last_words_are_told() -> None:
    frames = "\n".join(
        ["  File 'agent.py', line 1, in create", "    made = await plugin.create()", "    ^^^^^^^"] * 100
    )
    error = RuntimeEnvSetupError(f"[Node] Traceback:\n{frames}\nValueError: The conda environment 'x' doesn't exist\n")
    kind, words = death(error)
    assert (
        words == "got no environment, since Ray could not make it: ValueError: The conda environment 'x' doesn't exist"
    )
    assert kind != "lost"
