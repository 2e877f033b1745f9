"""Stages that wait for a server: many are in flight at once, and what was answered is not asked again."""

import json
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from typer.testing import Result

from actor18m.building import measuring
from actor18m.building.listener import Silent
from actor18m.catalog.sources import find_inputs
from actor18m.config.pipeline import parse_pipeline
from actor18m.execute import trouble
from actor18m.execute.serial import SerialWorkers
from actor18m.execute.waiting_worker import COMMIT_S
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.survey.project import Project
from tests.engine.site import Site
from tests.engine.slow_server import OF_IMAGES, PIPELINE, SlowServer


@pytest.fixture
def server() -> Iterator[SlowServer]:
    with SlowServer(0.2) as started:
        yield started


def asking(site: Site, server: SlowServer, run: str = "{}", pipeline: str = PIPELINE) -> Site:
    return replace(site, pipeline=pipeline.format(url=server.url, run=run))


def takes(count: int, kind: str = "good") -> dict[str, str]:
    return {f"{kind}{number:03d}": f"{kind} take {number}" for number in range(count)}


def nobody() -> str:
    """An address where nobody listens."""
    with closing(socket.socket()) as taken:
        taken.bind(("127.0.0.1", 0))
        return f"127.0.0.1:{taken.getsockname()[1]}"


def validated(site: Site) -> Result:
    (site.root / "steady.yaml").write_text(site.pipeline)
    return site.bare("validate", str(site.root / "steady.yaml"))


def account(site: Site) -> dict[str, Any]:
    """Of the last run."""
    told: dict[str, Any] = json.loads(max((site.root / "store" / "runs").glob("??????.json")).read_text())
    return told


def test_many_are_in_flight_and_committed_together(site: Site, server: SlowServer) -> None:
    site.put(takes(48))
    with hold(make_store(site.root / "store")) as lease:
        text = PIPELINE.format(url=server.url, run="{concurrency: 16}")
        project = Project(parse_pipeline(text, "waiting"), lease.store)
        measuring.register(project, lease, find_inputs([str(site.videos)]))
        tally = measuring.measure(project, lease, SerialWorkers, Silent())
        parts = lease.store.names("ledger/asked")
    assert tally.measured["asked"] == 48
    assert 12 <= server.most_in_flight <= 16
    assert len(list(parts)) <= 12, "one commit for many"
    assert set(server.asked.values()) == {1}


def test_what_is_asked_and_answered_is_published(site: Site, server: SlowServer) -> None:
    site = asking(site, server)
    site.put(takes(5))
    site.build()
    assert set(site.states().values()) == {"accepted"}
    assert site.called() == {"read": 5, "asked": 5}
    told = account(site)
    assert told["tally"]["costs"] == {"asked": {"dollars": 1.25, "requests": 5}}
    assert told["stages"]["asked"]["costs"] == {"dollars": 1.25, "requests": 5}
    site.build()
    assert site.called() == {}


def test_images_wait_likewise(site: Site, server: SlowServer) -> None:
    site = asking(site, server, "{concurrency: 8}", OF_IMAGES)
    site.put({"apples": "a film about apples", "pears": "a film about pears"})
    site.build()
    assert site.called() == {"read": 2, "ask": 2, "draw": 8, "asked_of_images": 8}
    assert site.ask("status")["images"]["A"]["states"] == {"kept": 8}
    assert server.most_in_flight > 4
    answers = {row["answer"] for row in site.table("references")}
    assert "PEARS IN BLACK" in answers


def test_who_is_busy_is_asked_again_when_it_says_and_nobody_else_is(site: Site, server: SlowServer) -> None:
    site = asking(site, server)
    site.put(takes(6) | takes(1, "busy"))
    begun = time.monotonic()
    site.build()
    assert time.monotonic() - begun > 0.6
    assert set(site.states().values()) == {"accepted"}
    assert server.asked.pop("busy take 0") == 3
    assert set(server.asked.values()) == {1}
    assert account(site)["tally"]["costs"]["asked"]["requests"] == 9


def test_who_is_down_costs_nothing_but_itself(site: Site, server: SlowServer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", (0.01, 0.02))
    site = asking(site, server)
    site.put(takes(6) | takes(1, "down"))
    site.build(code=3)
    assert sum(state == "accepted" for state in site.states().values()) == 6
    assert site.states()["down000"] == "pending"
    assert server.asked.pop("down take 0") == 3
    assert set(server.asked.values()) == {1}


def test_a_dead_server_stops_its_stage_with_one_message(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", (0.01,))
    site = replace(site, pipeline=PIPELINE.format(url=nobody(), run="{concurrency: 8}"))
    site.put(takes(80))
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert result.exit_code == 1
    assert result.stderr.count("stage asked was stopped") == 1
    assert result.stderr.count("given up for now") == 1
    assert "Traceback" not in result.stderr
    assert "not now" not in result.stdout
    called = site.called()
    assert called["read"] == 80, "the other stage went on"
    assert called["asked"] < 80, "and most were never tried"
    assert site.ask("status")["states"] == {"pending": 80}


def test_a_dead_server_stops_a_stage_of_images(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trouble, "PATIENCE_S", (0.01,))
    site = replace(site, pipeline=OF_IMAGES.format(url=nobody(), run="{concurrency: 4}"))
    site.put({f"film{number}": f"a film about the number {number} of six words" for number in range(5)})
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert result.exit_code == 1
    assert "20 images failed alike" in result.stderr
    called = site.called()
    assert (called["ask"], called["draw"]) == (5, 45)
    assert site.ask("status")["images"]["A"]["states"] == {"pending": 45}


@pytest.mark.parametrize("word", ["bug", "exit"])
def test_a_broken_stage_that_waits_is_stopped(site: Site, server: SlowServer, word: str) -> None:
    site = asking(site, server)
    site.put(takes(30, word))
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert result.exit_code == 1
    assert ("NameError: name 'lenght'" if word == "bug" else "RuntimeError: it raised SystemExit") in result.stderr
    assert site.ask("status")["states"] == {"pending": 30}


def test_one_that_fails_among_others_fails_for_itself(site: Site, server: SlowServer) -> None:
    site = asking(site, server)
    site.put(takes(6) | takes(1, "bug"))
    site.build()
    assert site.states()["bug000"] == "failed"


def test_a_budget_ends_its_stage_and_the_rest_waits(site: Site, server: SlowServer) -> None:
    site = asking(site, server, "{budget: {requests: 10}}")
    site.put(takes(25))
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos))
    assert result.exit_code == 0
    assert "asked: stopped at its budget: 10 of 10 requests" in result.stdout
    assert site.called() == {"read": 25, "asked": 10}
    assert site.ask("status")["states"] == {"accepted": 10, "pending": 15}
    (bound,) = account(site)["tally"]["spent"]["asked"]
    assert (bound["by"], bound["cost"], bound["spent"], bound["most"]) == ("run.budget", "requests", 10, 10)
    assert "raise `run.budget.requests` of asked in the pipeline" in result.stdout
    site.build()
    site.build()
    assert site.called() == {"asked": 15}
    assert set(site.states().values()) == {"accepted"}


def test_a_budget_of_what_rows_say(site: Site, server: SlowServer) -> None:
    site = asking(site, server, "{budget: {dollars: 3}}")
    site.put(takes(25))
    site.build()
    assert site.called() == {"read": 25, "asked": 12}, "a quarter of a dollar each"


def test_a_build_may_spend_so_many_dollars(site: Site, server: SlowServer) -> None:
    site = asking(site, server)
    site.put(takes(25))
    result = site.run("build", str(site.root / "steady.yaml"), "--input", str(site.videos), "--budget-usd", "3")
    assert result.exit_code == 0
    assert "asked: stopped at its budget: 3 of 3 dollars of all stages together" in result.stdout
    assert "or raise --budget-usd" in result.stdout
    assert site.called() == {"read": 25, "asked": 12}
    assert site.ask("status")["states"] == {"accepted": 12, "pending": 13}
    result = site.run("build", str(site.root / "steady.yaml"), "--budget-usd", "0")
    assert result.exit_code == 0
    assert site.called() == {}, "nothing is spent"


def test_a_build_may_measure_so_many(site: Site, server: SlowServer) -> None:
    site = asking(site, server)
    site.put(takes(20))
    limited = ("--input", str(site.videos), "--limit", "5")
    result = site.run("build", str(site.root / "steady.yaml"), *limited)
    assert site.called() == {"read": 5, "asked": 5}
    (line,) = (line for line in result.stdout.splitlines() if "stopped at" in line)
    assert line.startswith("stopped at --limit 5: read. The rest is pending: run the same command again")
    assert site.ask("status")["states"] == {"accepted": 5, "pending": 15}
    site.build()
    assert site.called() == {"read": 15, "asked": 15}


def test_what_has_no_effect_is_refused(site: Site, server: SlowServer) -> None:
    wrong = asking(site, server, "{budget: {dolars: 5}}")
    result = validated(wrong)
    assert result.exit_code == 1
    assert "did you mean dollars?" in result.output
    sync = replace(wrong, pipeline=wrong.pipeline.replace("steady:Read", "steady:Read\n    run: {concurrency: 4}"))
    assert "measures one call after the other" in validated(sync).output


@pytest.mark.slow
def test_a_killed_build_loses_the_last_seconds(site: Site) -> None:
    """240 clips, 8 at a time: 20 a second."""
    with SlowServer(0.4) as server:
        site = asking(site, server, "{concurrency: 8}")
        site.put(takes(240))
        process = site.start("build", "--input", "videos", "--store", "store", "--dataset", "dataset")
        while server.answered < 150:
            assert process.poll() is None
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
        process.communicate()
        answered = server.answered
        again = site.apart("build", "--store", "store", "--dataset", "dataset")
        assert again.returncode == 0, again.stderr
        assert set(site.states().values()) == {"accepted"}
        assert server.answered - 240 <= 8 + 8 / 0.4 * COMMIT_S, f"{answered} were answered before"


@pytest.mark.slow
def test_on_ray_as_many_are_in_flight(site: Site, server: SlowServer) -> None:
    site = asking(site, server, "{concurrency: 16, budget: {requests: 40}}")
    site.put(takes(48))
    result = site.apart(
        "build", "--input", "videos", "--store", "store", "--dataset", "dataset", "--executor", "ray", "--workers", "1"
    )
    assert result.returncode == 0, result.stderr
    assert "stopped at its budget: 40 of 40 requests" in result.stdout
    assert 12 <= server.most_in_flight <= 16
    assert Path(site.dataset, "latest").exists()
    assert sum(server.asked.values()) == 40
