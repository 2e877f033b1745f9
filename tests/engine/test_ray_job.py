"""The documentation's line for a cluster, run on one of this machine's own."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from actor18m.samples.shipped import SHIPPED
from tests.engine.ports import free_ports
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


@dataclass(frozen=True)
class Head:
    """A cluster, to which machines may be joined."""

    dashboard: str
    address: str
    folder: str

    @contextlib.contextmanager
    def joined(self, *size: str) -> Iterator[None]:
        """By another machine."""
        ports = [f"--{name}=0" for name in ("dashboard-agent-listen-port", "metrics-export-port")]
        options = [f"--address={self.address}", "--object-store-memory=100000000", "--disable-usage-stats"]
        with _ray("start", "--block", *options, *size, *ports):
            yield


@contextlib.contextmanager
def _ray(*words: str) -> Iterator["subprocess.Popen[str]"]:
    """Ray's command, until the end of the block."""
    process = subprocess.Popen(
        [*RAY, *words], env=ENVIRONMENT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


@pytest.fixture
def head() -> Iterator[Head]:
    """Its ports are free ones: another Ray may run here."""
    dashboard, *others = free_ports(1 + len(PORTS))
    ports = [f"--{name}={port}" for name, port in zip(PORTS, others, strict=True)]
    address = f"http://127.0.0.1:{dashboard}"
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's path below it may be 107 bytes long
    size = ["--num-cpus=2", "--num-gpus=0", "--object-store-memory=100000000"]
    rest = ["--include-dashboard=true", f"--dashboard-port={dashboard}", "--disable-usage-stats"]
    try:
        with _ray("start", "--head", "--block", f"--temp-dir={folder}", *ports, *size, *rest) as ray:
            _wait_until_up(address, ray)
            host = socket.gethostbyname(socket.gethostname())
            yield Head(address, f"{host}:{others[0]}", folder)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


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
@pytest.mark.usefixtures("embedded_models")
def test_a_job_builds_what_a_build_here_does(head: Head, tmp_path: Path) -> None:
    shared = tmp_path / "shared"
    (shared / "clips").mkdir(parents=True)
    for name in ("nobody_1", "one_second_1", "talk_yaw_1"):
        shutil.copy(SHIPPED / f"{name}.mp4", shared / "clips")
    (line,) = re.findall(
        r"^ray (job submit .* build embedded .*)$", (ROOT / "docs" / "clusters.md").read_text(), re.MULTILINE
    )
    words = line.replace("http://head:8265", head.dashboard).replace("/shared", str(shared)).split()
    _run([*RAY, *words])

    at_home = ["--store", "at_home/store", "--dataset", "at_home/dataset"]
    code = "from actor18m.cli.app import app; app()"
    _run([sys.executable, "-c", code, "build", "embedded", "--input", str(shared / "clips"), *at_home], tmp_path)
    assert states(shared) == states(tmp_path / "at_home") == {"accepted": 1, "rejected": 2}
    assert content_of(shared / "dataset" / "latest") == content_of(tmp_path / "at_home" / "dataset" / "latest")


OURS = """\
name: ours
profile: test
stages:
  - stage: stages.intake:Intake
  - stage: looking:Looking
    run: {gpus: 0.5}
duplicates: null
policy:
  looking: {seen: {value: "CAST(told = 'by the job' AS INT)", at_least: 1}}
"""
LOOKING = """\
import os
from pyarrow import string
from actor18m.stage import Row, Stage, schema
import beside

class Looking(Stage):
    version = 1
    writes = schema("looking", told=string(), gpus=string(), by=string())
    reads_source = False

    def measure(self, clips):
        for clip in clips:
            gpus = os.environ.get("CUDA_VISIBLE_DEVICES")
            yield Row(clip.key, {"told": os.environ.get("ACTOR18M_TOLD"), "gpus": gpus, "by": beside.NAME})
"""


@pytest.mark.slow
def test_a_job_of_ones_own_folder_on_two_machines(head: Head, tmp_path: Path) -> None:
    """With a stage of one's own, a module that is uploaded beside it, a variable, and a GPU on the other machine."""
    ours, beside, shared = tmp_path / "ours", tmp_path / "modules" / "beside", tmp_path / "shared"
    for folder in (ours, beside, shared / "clips"):
        folder.mkdir(parents=True)
    for name, text in (("ours.yaml", OURS), ("looking.py", LOOKING)):
        (ours / name).write_text(text)
    (beside / "__init__.py").write_text("NAME = 'a module of the job'\n")
    for name in ("nobody_1", "one_second_1"):
        shutil.copy(SHIPPED / f"{name}.mp4", shared / "clips")
    environment = {
        "env_vars": {"ACTOR18M_TOLD": "by the job", "PYTHONPATH": str(ROOT)},
        "py_modules": [str(beside)],
    }
    submit = [*RAY, "job", "submit", "--address", head.dashboard, "--working-dir", str(ours)]
    build = [sys.executable, "-m", "actor18m", "build", "ours.yaml", "--executor", "ray"]
    where = [f"--{name}={shared / name}" for name in ("store", "dataset")]
    with head.joined("--num-cpus=1", "--num-gpus=1"):
        words = ["--runtime-env-json", json.dumps(environment), "--", *build, "--input", str(shared / "clips"), *where]
        _run([*submit, *words], ours)
    assert states(shared) == {"accepted": 2}
    (rows,) = (shared / "store" / "ledger" / "looking").glob("*/*.parquet")
    told = pq.read_table(rows, columns=["told", "gpus", "by"]).to_pylist()
    assert told == [{"told": "by the job", "gpus": "0", "by": "a module of the job"}] * 2


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
