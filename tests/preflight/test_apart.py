"""Work in a process of its own: whatever happens to it, what became of it is known."""

import os
import signal
import time
from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.preflight.apart import Ended, apart
from actor18m.preflight.device import Gpu, forget_peak, most_resident_bytes, watched_busy


def _double(number: int) -> tuple[int, int]:
    return 2 * number, os.getpid()


def _variable(name: str) -> str | None:
    return os.environ.get(name)


def _misfortune(kind: str) -> None:
    match kind:
        case "raises":
            raise ActorError("there are no weights: pull them")
        case "is buggy":
            raise ValueError("two lines\nof text")
        case "is killed":
            os.kill(os.getpid(), signal.SIGKILL)
        case "crashes":
            os.abort()
        case "ends":
            os._exit(3)
        case "hangs":
            time.sleep(600)


def test_a_result_comes_from_another_process() -> None:
    told = apart(_double, 21, deadline_s=60)
    assert not isinstance(told, Ended)
    assert told[0] == 42
    assert told[1] != os.getpid()


def test_the_environment_is_that_of_now(monkeypatch: pytest.MonkeyPatch) -> None:
    apart(_double, 1, deadline_s=60)
    monkeypatch.setenv("ACTOR18M_SAID_LATER", "yes")
    assert apart(_variable, "ACTOR18M_SAID_LATER", deadline_s=60) == "yes"


@pytest.mark.parametrize(
    ("kind", "why"),
    [
        ("raises", "there are no weights: pull them"),
        ("is buggy", "ValueError: two lines of text"),
        ("is killed", "its process was killed, as systems do when memory is short"),
        ("crashes", "its process died of SIGABRT"),
        ("ends", "its process ended with exit code 3"),
        ("hangs", "took longer than 3 s"),
    ],
)
def test_how_it_ended_is_told(kind: str, why: str) -> None:
    assert apart(_misfortune, kind, deadline_s=3 if kind == "hangs" else 60) == Ended(why)


def _peaks() -> tuple[int, int]:
    large = b"x" * (200 << 20)
    with_it = most_resident_bytes()
    del large
    forget_peak()
    return with_it, most_resident_bytes()


def test_the_most_memory_is_told_from_where_it_was_forgotten() -> None:
    told = apart(_peaks, deadline_s=60)
    assert not isinstance(told, Ended)
    with_it, after = told
    assert with_it - after > 150 << 20


def test_how_busy_a_gpu_is_comes_from_its_driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A driver of ours that says 40, then 60, and then of an instance that it cannot tell."""
    smi = tmp_path / "nvidia-smi"
    smi.write_text(f"#!/bin/sh\necho $@ > {tmp_path}/asked\nprintf '40\\n60\\n[N/A]\\n'\nexec sleep 600\n")
    smi.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    with watched_busy(Gpu("a card", "abc", 1, 0, 0)) as shares:
        deadline = time.monotonic() + 30
        while not (tmp_path / "asked").exists() and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.3)
    assert shares == [0.4, 0.6]
    assert "-i GPU-abc" in (tmp_path / "asked").read_text()
    with watched_busy(None) as shares:
        pass
    assert shares == []
