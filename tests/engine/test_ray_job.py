"""The documentation's line for a cluster, run on one of this machine's own."""

import contextlib
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from actor18m.samples.shipped import SHIPPED
from tests.engine.site import content_of

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {
    **os.environ,
    "RAY_AUTH_MODE": "disabled",
    "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
}
RAY = [sys.executable, "-m", "ray.scripts.scripts"]
PORTS = (
    "port", "dashboard-agent-listen-port", "dashboard-agent-grpc-port", "metrics-export-port",
    "runtime-env-agent-port", "ray-client-server-port",
)  # fmt: skip
PATIENCE_S = 600
"""For what should take a minute: a test that waits so long has failed."""


@pytest.fixture
def head() -> Iterator[str]:
    """The address of a cluster's dashboard. Its ports are free ones: another Ray may run here."""
    dashboard, *others = _free_ports(1 + len(PORTS))
    ports = [f"--{name}={port}" for name, port in zip(PORTS, others, strict=True)]
    address = f"http://127.0.0.1:{dashboard}"
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's path below it may be 107 bytes long
    size = ["--num-cpus=2", "--object-store-memory=100000000"]
    rest = ["--include-dashboard=true", f"--dashboard-port={dashboard}", "--disable-usage-stats"]
    ray = subprocess.Popen(
        [*RAY, "start", "--head", "--block", f"--temp-dir={folder}", *ports, *size, *rest],
        env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip
    try:
        _wait_until_up(address, ray)
        yield address
    finally:
        ray.terminate()
        ray.communicate(timeout=PATIENCE_S)
        shutil.rmtree(folder, ignore_errors=True)


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(count)]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        return [each.getsockname()[1] for each in sockets]


def _wait_until_up(address: str, ray: "subprocess.Popen[str]") -> None:
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        if ray.poll() is not None:
            pytest.fail(f"Ray ended: {ray.communicate()[0]}")
        with contextlib.suppress(OSError), urllib.request.urlopen(f"{address}/api/version"):
            return
        time.sleep(0.5)
    pytest.fail("Ray's dashboard did not come up")


@pytest.mark.slow
def test_a_job_builds_what_a_build_here_does(head: str, tmp_path: Path, pulled: Callable[[str], None]) -> None:
    pulled("centerface")
    pulled("dlib-face")
    pulled("efficientnet")
    shared = tmp_path / "shared"
    (shared / "clips").mkdir(parents=True)
    for name in ("nobody_1", "one_second_1", "talk_yaw_1"):
        shutil.copy(SHIPPED / f"{name}.mp4", shared / "clips")
    (line,) = re.findall(
        r"^ray (job submit .* build embedded .*)$", (ROOT / "docs" / "clusters.md").read_text(), re.MULTILINE
    )
    words = line.replace("http://head:8265", head).replace("/shared", str(shared)).split()
    _run([*RAY, *words])

    at_home = ["--store", "at_home/store", "--dataset", "at_home/dataset"]
    code = "from actor18m.cli.app import app; app()"
    _run([sys.executable, "-c", code, "build", "embedded", "--input", str(shared / "clips"), *at_home], tmp_path)
    assert states(shared) == states(tmp_path / "at_home") == {"accepted": 1, "rejected": 2}
    assert content_of(shared / "dataset" / "latest") == content_of(tmp_path / "at_home" / "dataset" / "latest")


def states(root: Path) -> Mapping[str, int]:
    card = (root / "dataset" / "latest" / "README.md").read_text()
    inputs = card.partition("## What became of the clips")[0]
    return {state: int(count) for state, count in re.findall(r"^\| (accepted|rejected) \| (\d+) \|$", inputs, re.M)}


def _run(command: list[str], folder: Path = ROOT) -> None:
    environment = {**ENVIRONMENT, "PYTHONPATH": str(ROOT)} if folder != ROOT else ENVIRONMENT
    done = subprocess.run(
        command, cwd=folder, env=environment, capture_output=True, text=True, timeout=PATIENCE_S, check=False
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
