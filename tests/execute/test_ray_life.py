"""A Ray that was started for a build ends with it, however the build ends, and prints nothing of its own."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

PATIENCE_S = 180


@pytest.mark.parametrize("end", ["by itself", pytest.param("SIGINT", marks=pytest.mark.slow), "SIGKILL"])
def test_no_process_is_left(end: str, tmp_path: Path, request: pytest.FixtureRequest) -> None:
    clips = ["killed", "a", "b"] if end == "by itself" else ["a", "hang"]
    command = [sys.executable, "-m", "tests.execute.drive", str(tmp_path / "store"), *clips]
    pipe = subprocess.PIPE
    driver = subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, start_new_session=True)
    request.addfinalizer(driver.kill)
    assert driver.stdout is not None
    assert driver.stdin is not None
    expected = ["Broken\n", "Broken\n", "Done\n"] if end == "by itself" else ["Done\n"]
    assert [driver.stdout.readline() for _ in expected] == expected
    started = _below(driver.pid)
    assert any("raylet" in name for name in started.values())
    if end == "by itself":
        driver.stdin.write("\n")
    elif end == "SIGINT":
        os.killpg(driver.pid, signal.SIGINT)  # Ctrl-C reaches all that a terminal started
    else:
        driver.kill()
    told, warned = driver.communicate(timeout=PATIENCE_S)
    assert told == "" or (end == "SIGINT" and told == "Broken\n")  # the signal may reach the worker first
    assert driver.returncode == {"by itself": 0, "SIGINT": -signal.SIGINT, "SIGKILL": -signal.SIGKILL}[end]
    assert warned == "" if end == "by itself" else "(raylet)" not in warned
    # Ray's two agents, which do no work, notice only a minute later that their raylet was killed
    _gone({pid: command for pid, command in started.items() if end != "SIGKILL" or "Agent" not in command})


def _below(pid: int) -> dict[int, str]:
    """Processes that a process started, and those that they did, with their commands."""
    parents = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdigit():
            try:
                parents[int(folder.name)] = int((folder / "stat").read_text().rpartition(")")[2].split()[1])
            except OSError:
                continue
    found: dict[int, str] = {}
    todo = [pid]
    while todo:
        below = [child for child, parent in parents.items() if parent == todo[0]]
        found |= {child: _command(child) for child in below}
        todo = [*todo[1:], *below]
    return found


def _command(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    except OSError:
        return ""


def _gone(started: dict[int, str]) -> None:
    until = time.monotonic() + PATIENCE_S
    while left := {pid: command for pid, command in started.items() if command and _command(pid) == command}:
        assert time.monotonic() < until, left
        time.sleep(0.2)
