"""A build that is stopped says so, leaves the store in order, and goes on when it is run again."""

import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.engine.killing import Build, Project

RAY = ("--executor", "ray", "--workers", "2")
EXECUTORS = [pytest.param((), id="serial"), pytest.param(RAY, id="ray", marks=pytest.mark.slow)]


def _ctrl_c(build: Build) -> None:
    build.signal(signal.SIGINT)


def _terminated(build: Build) -> None:
    build.process.terminate()


@pytest.mark.parametrize("options", EXECUTORS)
@pytest.mark.parametrize("stop", [_ctrl_c, _terminated])
def test_stopped_by_a_signal_it_says_how_to_go_on_and_suspects_no_clip(
    few: Project, tmp_path: Path, stop: Callable[[Build], None], options: tuple[str, ...]
) -> None:
    project = few.again(tmp_path / "stopped")
    build = project.start(*options)
    build.until(lambda: project.rows()["look"] > 50)
    stop(build)
    assert "Stopped. Nothing that was committed is lost: run the same command again to go on." in build.end(code=130)
    rows = project.rows()
    print(f"stopped with {rows.total()} rows")
    assert 0 < rows.total() < few.rows().total()
    assert not project.in_flight()
    project.finish(*options)
    assert project.published() == few.published()


@pytest.mark.parametrize("options", EXECUTORS)
def test_of_two_builds_on_a_store_one_is_refused_until_it_takes_over(
    few: Project, tmp_path: Path, options: tuple[str, ...]
) -> None:
    project = few.again(tmp_path / "twice")
    first = project.start(*options)
    first.until(lambda: project.rows()["look"] > 20)
    refused = project.finish(code=1)
    assert re.search(rf"is being built by process {first.process.pid} on .*it is running.*--take-over", refused, re.S)
    second = project.start("--take-over")
    told = first.end(code=1)
    assert re.search(rf"was taken over by process {second.process.pid} on .*This build stops", told, re.S)
    assert "Traceback" not in told
    second.end()
    assert project.published() == few.published()


def test_what_a_build_that_was_taken_over_still_measures_it_cannot_commit(few: Project, tmp_path: Path) -> None:
    """It sleeps while the other takes over and ends, and wakes up in the middle of a call."""
    project = few.again(tmp_path / "asleep")
    first = project.start()
    first.until(lambda: project.rows()["look"] > 20)
    first.signal(signal.SIGSTOP)
    project.finish("--take-over")
    content = _files(project.store)
    first.signal(signal.SIGCONT)
    assert "was taken over by" in first.end(code=1)
    assert _files(project.store) == content
    assert project.published() == few.published()


def test_a_build_that_was_taken_over_while_it_published_publishes_nothing(few: Project, tmp_path: Path) -> None:
    project = few.again(tmp_path / "asleep")
    first = project.start()
    first.until(first.is_publishing)
    first.signal(signal.SIGSTOP)
    second = project.start("--take-over")
    second.until((project.store / "runs" / "000002.log.jsonl").exists)
    first.signal(signal.SIGCONT)
    assert "was taken over by" in first.end(code=1)
    assert "dataset/000001 (new" in second.end()
    assert project.published() == few.published()


def _files(store: Path) -> dict[str, bytes]:
    """All but logs, which a build writes by itself."""
    files = (path for path in store.rglob("*") if path.is_file() and not path.name.endswith(".log.jsonl"))
    return {str(path.relative_to(store)): path.read_bytes() for path in files}


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str, Path], None]]:
    """Mounts a disk of a size on a folder, or gives it another size."""
    mounted: set[Path] = set()

    def sized(size: str, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        options = f"remount,size={size}" if folder in mounted else f"size={size}"
        done = subprocess.run(["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)], capture_output=True)
        if done.returncode and not mounted:
            pytest.skip("nothing may be mounted here")
        done.check_returncode()
        mounted.add(folder)

    yield sized
    for folder in mounted:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.parametrize(("full", "size"), [("store", "120k"), ("dataset", "200k")])
def test_on_a_full_disk_it_stops_and_with_more_space_it_goes_on(
    few: Project, tmp_path: Path, small_disk: Callable[[str, Path], None], full: str, size: str
) -> None:
    project = few.again(tmp_path / "full")
    small_disk(size, project.root / full)
    told = project.finish(code=1)
    assert re.search(rf"no space left for .*{project.root / full}", told, re.S)
    assert "free some space and run the same command again" in told
    assert "Traceback" not in told
    rows = project.rows()
    print(f"the disk of the {full} was full with {rows.total()} rows")
    small_disk("64m", project.root / full)
    project.finish()
    assert all(project.rows()[stage] >= count for stage, count in rows.items())
    assert project.published() == few.published()
