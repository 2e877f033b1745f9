import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from actor18m.doctor import machine
from actor18m.doctor.check import Check, State

Install = Callable[[str, str], None]


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Makes a package look installed, before those that are."""
    monkeypatch.syspath_prepend(tmp_path)

    def install_(package: str, version: str) -> None:
        info = tmp_path / f"{package.replace('-', '_')}-{version}.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n")

    return install_


@pytest.fixture
def nvidia_smi(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    def write(script: str) -> None:
        program = tmp_path / "nvidia-smi"
        program.write_text(f"#!/bin/sh\n{script}\n")
        program.chmod(program.stat().st_mode | stat.S_IXUSR)
        monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")

    return write


def only(found: "list[Check]", state: State) -> Check:
    (check,) = found
    assert check.state == state, check
    assert bool(check.fix) == (state != "ok"), check
    return check


def test_what_the_tests_run_on_is_well() -> None:
    for look in (machine.python, machine.codecs, machine.opencv, machine.ray):
        only(list(look()), "ok")


def test_codecs_that_are_missing_are_named(monkeypatch: pytest.MonkeyPatch) -> None:
    has = machine._has
    monkeypatch.setattr(
        machine, "_has", lambda decoder: has(decoder) and "av1" not in decoder and decoder != "libdav1d"
    )
    assert "cannot read av1" in only(list(machine.codecs()), "warn").found
    monkeypatch.setattr(machine, "_has", lambda decoder: decoder != "h264")
    only(list(machine.codecs()), "fail")


def test_a_second_opencv_is_a_failure(install: Install) -> None:
    install("opencv-contrib-python", "4.10.0")
    check = only(list(machine.opencv()), "fail")
    assert check.found.startswith("opencv-python-headless and opencv-contrib-python are installed")
    assert (
        check.fix
        == "pip uninstall -y opencv-python-headless opencv-contrib-python && pip install opencv-python-headless"
    )


def test_an_old_ray_is_a_failure(install: Install) -> None:
    install("ray", "2.9.3")
    check = only(list(machine.ray()), "fail")
    assert check.found == "2.9.3 is too old"
    assert "ray[default]>=2.40" in check.fix


def test_gpus_are_listed(nvidia_smi: Callable[[str], None], monkeypatch: pytest.MonkeyPatch) -> None:
    nvidia_smi("echo 'NVIDIA X100, 81920 MiB'; echo 'NVIDIA X100, 81920 MiB'")
    assert machine.visible_gpus() == (["NVIDIA X100 (81920 MiB)"] * 2, "")


@pytest.mark.parametrize(
    ("script", "why"),
    [("echo 'Failed to initialize NVML'; exit 9", "Failed to initialize NVML"), ("exit 9", "exit code 9"),
     ("sleep 60", "no answer within 1 s")],
)  # fmt: skip
def test_a_broken_driver_is_told(
    script: str, why: str, nvidia_smi: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(machine, "_SMI_S", 1)
    nvidia_smi(f"exec {script}" if script.startswith("sleep") else script)
    assert why in only(list(machine.gpus()), "warn").found


def test_too_few_open_files_are_told() -> None:
    code = (
        "import resource; resource.setrlimit(resource.RLIMIT_NOFILE, (512, 1024))\n"
        "from actor18m.doctor.machine import open_files\n"
        "for check in open_files(): print(check.state, check.found)"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert told == "warn 512 at once, can be raised to 1024\n"


def test_little_space_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "_SPACE_WARN", 1)
    only(list(machine.space("temp", tmp_path, "move")), "ok")
    monkeypatch.setattr(machine, "_SPACE_WARN", 1 << 60)
    assert only(list(machine.space("temp", tmp_path, "move")), "warn").fix == "free some space, or move"
    monkeypatch.setattr(machine, "_SPACE_FAIL", 1 << 60)
    only(list(machine.space("temp", tmp_path, "move")), "fail")


def test_shared_memory_that_is_small_or_absent_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert "there is no" in only(list(machine.shared_memory(tmp_path / "none")), "warn").found
    monkeypatch.setattr(machine, "_SHARED_MEMORY", 1 << 60)
    assert "--shm-size" in only(list(machine.shared_memory(tmp_path)), "warn").fix
