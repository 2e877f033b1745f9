"""Each build is told by `runs`, from its beginning on, with how it ended."""

import json
import signal
from pathlib import Path
from typing import Any

import pytest

from actor18m.execute import serial
from tests.engine.killing import Project, paused, put_films
from tests.engine.site import Site, films


def runs(site: Site) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(site.bare("runs", "--store", str(site.root / "store"), "--json").stdout)
    return found


def told(site: Site) -> str:
    return site.bare("runs", "--store", str(site.root / "store")).stdout


@pytest.fixture
def site(tmp_path: Path) -> Site:
    made = Site(tmp_path)
    made.put(films("film", 6, at_least=0.5))
    return made


def test_one_that_finished_is_told_with_its_states_and_its_version(site: Site) -> None:
    site.build()
    (run,) = runs(site)
    assert (run["run"], run["how"], run["why"]) == (1, "finished", None)
    first, second, third = told(site).splitlines()
    assert first.startswith("000001  ")
    assert " finished after " in first
    assert "--input" in second
    assert third.strip() == "6 accepted: version 000001"


def test_what_each_stage_took_is_told_of_a_build_on_cpus_too(site: Site) -> None:
    site.build()
    told = site.bare("runs", "--store", str(site.root / "store"), "--stages").stdout
    assert "worker time" in told
    assert {"read", "look"} <= {line.split()[0] for line in told.splitlines() if line.strip()}
    assert "GPU" not in told


def test_each_is_told_with_what_it_was_asked(site: Site) -> None:
    site.build("--limit", "3", "--budget-usd", "2", "--retry", "failed")
    site.build("--until", "look", "--budget-gpu-hours", "0.5")
    (second, fourth) = (line for line in told(site).splitlines() if "steady.yaml" in line)
    for flag in ("--limit 3", "--budget-usd 2", "--retry failed", f"--dataset {site.dataset}"):
        assert flag in second
    assert "--until look --budget-gpu-hours 0.5" in fourth
    assert "--limit" not in fourth


def test_one_that_is_refused_says_why(site: Site) -> None:
    site.build()
    empty = site.root / "one"
    empty.mkdir()
    (site.videos / "film0.mp4").rename(empty / "film0.mp4")
    refused = site.run("build", str(site.root / "steady.yaml"), "--input", str(empty), "--sync")
    assert refused.exit_code == 3, refused.output
    assert runs(site)[-1]["how"] == "refused"
    assert " refused after " in told(site)
    assert "--allow-shrinking" in told(site)


def test_one_that_is_refused_before_it_begins_says_why(site: Site) -> None:
    site.build("--set", "look.score=0.45")
    refused = site.run("build", str(site.root / "steady.yaml"))
    assert refused.exit_code == 1, refused.output
    run = runs(site)[-1]
    assert run["how"] == "refused"
    assert "was built with --set look.score=0.45" in run["why"]


def test_one_that_failed_says_why(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object) -> None:
        raise OSError("the disk went away")

    monkeypatch.setattr(serial.SerialWorkers, "submit", fail)
    with pytest.raises(OSError, match="the disk"):
        site.build()
    (run,) = runs(site)
    assert (run["how"], run["why"]) == ("failed", "OSError: the disk went away")


def test_one_that_was_killed_did_not_end_and_one_that_is_there_is_running(tmp_path: Path) -> None:
    put_films(tmp_path / "in", 60)
    (tmp_path / "pipeline.yaml").write_text(paused(0.05))
    project = Project(tmp_path / "killed", tmp_path / "in", tmp_path / "pipeline.yaml")
    site = Site(project.root)
    build = project.start()
    build.until(lambda: project.rows()["look"] > 5)
    assert [run["how"] for run in runs(site)] == ["running"]
    status = ["status", str(project.pipeline), "--store", str(project.store)]
    assert f"being built by process {build.process.pid} on " in site.bare(*status).stdout
    build.signal(signal.SIGKILL)
    build.process.wait()
    (killed,) = runs(site)
    assert killed["how"] == "did not end"
    assert killed["stages"]["read"]["measured"] > 0, "what it took so far is kept"
    assert f"the last build did not end: process {build.process.pid} on " in site.bare(*status).stdout
    told_of = json.loads(site.bare(*status, "--json").stdout)
    assert (told_of["building"], str(build.process.pid) in told_of["did_not_end"]) == (None, True)
    stopped = project.start()
    stopped.until(lambda: project.rows()["look"] > 20)
    stopped.signal(signal.SIGINT)
    stopped.end(code=130)
    assert [run["how"] for run in runs(site)] == ["did not end", "interrupted"]
    assert "  did not end: killed after " in told(site)


def test_a_sheet_of_a_store_is_of_the_dataset_into_which_it_published(
    site: Site, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    site.build()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    said = site.bare("sheet", "sheets", "--store", str(site.root / "store"))
    assert (said.exit_code, said.output) == (0, "sheets/clips.png: 6 clips\n")
    assert "dataset" in site.bare("sheet", "sheets").stderr, "there is none here"
