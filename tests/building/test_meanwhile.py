"""What a build took is kept while it goes on, however it ends and however many drains it has."""

import json
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actor18m.building.listener import Silent
from actor18m.building.meanwhile import kept_meanwhile
from actor18m.execute.tally import Tally
from actor18m.policy.words import now
from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import Store, make_store
from actor18m.survey import runs
from actor18m.survey.spending import Spent, spent_of
from tests.engine.killing import Project, paused, put_films
from tests.engine.site import Site
from tests.engine.slow_server import PIPELINE, SlowServer

ASKED_WITH = "{concurrency: 1, dollars_per: {request: 0.25}}"


@pytest.fixture
def lease(tmp_path: Path) -> Iterator[Lease]:
    with hold(make_store(tmp_path / "store")) as held:
        yield held


def begun(lease: Lease) -> dict[str, Any]:
    account = {"begun": now(), "stages": {"edit": {"fingerprint": "f1", "gpus": 0.5}}}
    lease.create(f"runs/{lease.epoch:06d}.begun.json", json.dumps(account).encode())
    return account


def wait_for(is_so: Callable[[], bool]) -> None:
    end = time.monotonic() + 10
    while not is_so():
        assert time.monotonic() < end
        time.sleep(0.001)


def told(store: Store) -> Spent:
    (account,) = runs.accounts(store)
    assert runs.is_open(account)
    return spent_of(account)["edit"]


def test_calls_and_the_time_of_workers_are_kept_drain_by_drain(lease: Lease) -> None:
    with kept_meanwhile(lease, begun(lease), every_s=0.01) as heard:
        first = heard(Silent())
        first.came("edit", 3, 20.0, 25.0, {"gpu_seconds": 10.0, "requests": 4})
        first.holds({"edit": 30.0})
        first.holds({"edit": 50.0})
        second = heard(Silent())
        second.came("edit", 2, 10.0, 12.0, {"gpu_seconds": 5.0, "requests": 2})
        second.holds({"edit": 11.0})
    spent = told(lease.store)
    assert (spent.measured, spent.worker_s, spent.held_s) == (5, 30, 61)
    assert (spent.gpu_s, spent.idle_gpu_s, spent.more) == (15, 15.5, {"requests": 6})


def test_it_is_written_no_oftener_than_every_few_seconds(lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    written: list[int] = []
    monkeypatch.setattr(runs, "keep_so_far", lambda _, account: written.append(account["stages"]["edit"]["measured"]))
    with kept_meanwhile(lease, begun(lease), every_s=0.5) as heard:
        watcher = heard(Silent())
        watcher.came("edit", 1, 1.0, 1.0, {})
        wait_for(lambda: written == [1])
        for _ in range(3):
            watcher.came("edit", 1, 1.0, 1.0, {})
        assert written == [1]
        wait_for(lambda: len(written) == 2)
        watcher.came("edit", 1, 1.0, 1.0, {})
    assert written == [1, 4, 5], "and once at the end"


def test_a_call_that_is_at_work_is_kept_with_what_it_measured_and_took_so_far(lease: Lease) -> None:
    clock = [100.0]
    with kept_meanwhile(lease, begun(lease), ["edit"], every_s=0.01, now=lambda: clock[0]) as heard:
        watcher = heard(Silent())
        watcher.started("other", 3)
        watcher.started("edit", 8)
        clock[0] = 130.0
        workers = [threading.Thread(target=watcher.moved, args=("edit", 1)) for _ in range(5)]
        for worker in workers:
            worker.start()
            worker.join()
        clock[0] = 148.0
        wait_for(lambda: [run.get("seconds") for run in runs.accounts(lease.store)] == [48.0])
        spent = told(lease.store)
        assert (spent.measured, spent.worker_s, spent.gpu_s, spent.idle_gpu_s) == (5, 48, 24, 0)
        watcher.moved("edit", 3)
        watcher.came("edit", 8, 50.0, 50.0, {"gpu_seconds": 25.0})
        watcher.started("edit", 1)
        watcher.lost("edit", "killed")
        clock[0] = 200.0
    spent = told(lease.store)
    assert (spent.measured, spent.worker_s, spent.gpu_s) == (8, 50, 25), "once"


def test_an_error_leaves_it_in_the_account_of_the_run(lease: Lease) -> None:
    def measure(account: dict[str, Any]) -> None:
        with kept_meanwhile(lease, account) as heard:
            heard(Silent()).came("edit", 3, 20.0, 25.0, {"gpu_seconds": 10.0})
            raise OSError("the disk went away")

    account = begun(lease)
    with pytest.raises(OSError, match="the disk"):
        measure(account)
    assert spent_of(account)["edit"].gpu_s == 10


def test_drains_one_after_the_other_add_up() -> None:
    first = Tally(seconds={"edit": 1.0}, held={"edit": 5.0}, costs={"edit": Counter({"requests": 2})})
    second = Tally(seconds={"edit": 2.0, "read": 4.0}, held={"edit": 0.0}, costs={"read": Counter({"requests": 3})})
    both = first + second
    assert (both.seconds, both.held) == ({"edit": 3.0, "read": 4.0}, {"edit": 5.0})
    assert both.costs == {"edit": {"requests": 2}, "read": {"requests": 3}}


@pytest.mark.slow
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_of_a_long_call_in_this_process_is_told_what_it_took_until_it_was_stopped(
    tmp_path: Path, way: signal.Signals
) -> None:
    put_films(tmp_path / "in", 3)
    (tmp_path / "pipeline.yaml").write_text(paused(3.0))
    project = Project(tmp_path, tmp_path / "in", tmp_path / "pipeline.yaml")
    build = project.start()
    build.until(lambda: (tmp_path / "calls" / f"read-{build.process.pid}").exists())
    begun = time.monotonic()
    build.until(lambda: time.monotonic() > begun + 8)
    lasted_s = time.monotonic() - begun
    build.signal(way)
    build.process.wait()
    (run,) = runs.accounts(make_store(project.store))
    assert run["seconds"] == pytest.approx(lasted_s, abs=7)
    read = spent_of(run)["read"]
    assert 1 <= read.measured <= 2
    assert 3 * read.measured <= read.worker_s <= lasted_s + 1
    assert project.rows()["read"] == (0 if way is signal.SIGKILL else read.measured)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("way", "how"), [(signal.SIGKILL, "did not end"), (signal.SIGINT, "interrupted")], ids=["killed", "interrupted"]
)
def test_what_a_build_took_that_did_not_finish_is_told_with_the_rest(
    tmp_path: Path, way: signal.Signals, how: str
) -> None:
    (tmp_path / "pipeline.yaml").write_text("")
    site = Site(tmp_path)
    site.put({f"good{number:02d}": f"good take {number}" for number in range(12)})
    project = Project(tmp_path, site.videos, tmp_path / "pipeline.yaml")
    so_far = tmp_path / "store" / "runs" / "000001.so-far.json"
    with SlowServer(1.0) as server:
        project.pipeline.write_text(PIPELINE.format(url=server.url, run=ASKED_WITH))
        build = project.start()
        build.until(lambda: so_far.exists() and json.loads(so_far.read_text())["stages"]["asked"]["measured"] > 0)
        build.signal(way)
        build.process.wait()
        assert so_far.exists() is (way is signal.SIGKILL)
        (unfinished,) = runs.accounts(make_store(tmp_path / "store"))
        assert unfinished["how"] == how
        before = spent_of(unfinished)["asked"]
        assert before.more["requests"] == before.measured > 0
        assert before.dollars == pytest.approx(0.5 * before.measured), "a quarter by the row, one by the request"
        said = site.bare("runs", "--store", str(project.store)).stdout
        assert ("killed after " in said and "took until about then " in said) is (way is signal.SIGKILL)
        assert f"{before.measured} requests, $" in said
        server.pause_s = 0.01
        project.finish()
    asked = server.answered
    killed, ended = runs.accounts(make_store(tmp_path / "store"))
    assert (killed["how"], ended["how"]) == (how, "finished")
    shown = site.bare("status", str(project.pipeline), "--store", str(project.store)).stdout
    assert "in 2 builds" in shown
    assert ("of these killed, and told as far as it was kept: 1 build" in shown) is (way is signal.SIGKILL)
    after = spent_of(ended)["asked"]
    lost = asked - before.measured - after.measured
    assert 0 <= lost <= 3, "answers that came in the last seconds before the kill, and what was in flight"
    assert not list((tmp_path / "store" / "runs").glob("000002.so-far*"))
