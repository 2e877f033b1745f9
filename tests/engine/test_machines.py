"""Machines join a cluster and are lost while a build goes on, the only GPU among them, and an autoscaler brings some:
the dataset has the same bytes.
"""

import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.engine.killing import Build, Project, finished, paused
from tests.engine.ports import free_ports

pytestmark = pytest.mark.slow
FILMS = 60
PATIENT = [word for name in ("read", "look", "deep") for word in ("--set", f"{name}.run.deadline_s=300")]
ON_A_GPU = ("--executor", "ray", "--set", "look.run.gpus=1", "--set", "look.run.clips_per_call=4", *PATIENT)
HEAD = "f" * 51 + "00000"
"""As Ray's pretended provider of machines calls the one that it begins with."""

COMMANDS = (
    "initialization_commands", "setup_commands", "head_setup_commands", "worker_setup_commands",
    "head_start_ray_commands", "worker_start_ray_commands", "cluster_synced_files",
)  # fmt: skip
"""Of which its configuration has to say that there are none."""


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> Project:
    return replace(finished(tmp_path_factory.mktemp("machines"), FILMS, paused(0.2)), patience_s=900)


@pytest.fixture
def cluster() -> Iterator[Any]:
    """One machine without a GPU; processes play it."""
    from ray.cluster_utils import Cluster

    started: Any = Cluster(initialize_head=True, head_node_args={"num_cpus": 2, "num_gpus": 0})
    yield started
    started.shutdown()


def test_three_machines_join_and_the_only_gpu_goes_and_comes_back(
    undisturbed: Project, tmp_path: Path, cluster: Any
) -> None:
    project = undisturbed.again(tmp_path / "lost")
    gpu = cluster.add_node(num_cpus=1, num_gpus=1)
    build = project.start(*ON_A_GPU, "--address", cluster.address)
    build.until(lambda: project.rows()["look"] >= 12)
    cluster.remove_node(gpu, allow_graceful=False)
    lost_s = seconds_until(build, "machines: 1 lost (1 CPU, 1 GPU); there are 1 now (2 CPUs)")
    homeless_s = seconds_until(build, "look: no machine has what a worker claims; it waits for one to come")
    measured = project.rows()["look"]
    for gpus in (1, 1, 0):
        cluster.add_node(num_cpus=1, num_gpus=gpus)
    joined_s = seconds_until(build, "joined (")
    again_s = seconds(build, lambda: project.rows()["look"] > measured)
    told = build.end()
    print(f"the loss was told after {lost_s:.1f} s, and that nobody can go on after {homeless_s:.1f} s more; that")
    print(f"machines joined after {joined_s:.1f} s, and {again_s:.1f} s later rows came again\n{told}")
    assert project.rows()["look"] > measured < FILMS
    assert "quarantined" not in project.states()
    assert project.published() == undisturbed.published()


def test_an_autoscaler_brings_the_gpus_that_are_asked_for_and_takes_them_back(
    undisturbed: Project, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_MODE", "disabled")
    project = undisturbed.again(tmp_path / "lost")
    with autoscaling({"CPU": 1, "GPU": 1}, most=2) as address:
        build = project.start(*ON_A_GPU, "--set", "look.run.workers=2", "--address", address)
        came_s = seconds_until(build, "joined (")
        told = build.end()
        ended = time.monotonic()
        while machines(address) > 1:
            assert time.monotonic() < ended + project.patience_s
            time.sleep(1)
        gone_s = time.monotonic() - ended
        print(f"machines came after {came_s:.1f} s and were gone {gone_s:.1f} s after the end\n{told}")
    assert project.published() == undisturbed.published()


def seconds_until(build: Build, words: str) -> float:
    return seconds(build, lambda: words in build.said)


def seconds(build: Build, is_so: Callable[[], bool]) -> float:
    begun = time.monotonic()
    build.until(is_so)
    return time.monotonic() - begun


@contextlib.contextmanager
def autoscaling(machine: dict[str, int], most: int) -> Iterator[str]:
    """The address of a cluster of one CPU, to which Ray's autoscaler adds pretended machines of this kind."""
    port, client = free_ports(2)
    host = socket.gethostbyname(socket.gethostname())
    kinds = {
        "ray.head.default": {"resources": {"CPU": 1}, "node_config": {}, "max_workers": 0},
        "worker": {
            "resources": {**machine, "object_store_memory": 80_000_000},
            "node_config": {},
            "min_workers": 0,
            "max_workers": most,
        },
    }
    provider = "ray.autoscaler._private.fake_multi_node.node_provider.FakeMultiNodeProvider"
    config = {
        "cluster_name": "pretended",
        "max_workers": most,
        "idle_timeout_minutes": 0.1,
        "provider": {
            "type": "external",
            "module": provider,
            "gcs_address": f"{host}:{port}",
            "launch_multiple": True,
            "head_node_id": HEAD,
        },
        "available_node_types": kinds,
        "head_node_type": "ray.head.default",
        "auth": {},
        **{each: [] for each in COMMANDS},
    }
    environment = {
        "RAY_FAKE_CLUSTER": "1",
        "AUTOSCALER_UPDATE_INTERVAL_S": "1",
        "RAY_enable_autoscaler_v2": "1",
        "RAY_CLOUD_INSTANCE_ID": HEAD,
        "RAY_OVERRIDE_NODE_ID_FOR_TESTING": HEAD,
    }
    folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")  # a socket's path below it may be 107 bytes long
    file = Path(folder, "autoscaling.json")
    file.write_text(json.dumps(config))
    options = [f"--port={port}", f"--ray-client-server-port={client}", "--num-cpus=1", "--include-dashboard=false"]
    more = ["--object-store-memory=100000000", "--disable-usage-stats", f"--temp-dir={folder}", "--block"]
    agents = ["--dashboard-agent-listen-port=0", "--metrics-export-port=0", f"--autoscaling-config={file}"]
    said = Path(folder, "said")
    with said.open("w") as out:
        head = subprocess.Popen(
            [sys.executable, "-m", "ray.scripts.scripts", "start", "--head", *options, *more, *agents],
            env=os.environ | environment, stdout=out, stderr=subprocess.STDOUT,
        )  # fmt: skip
    try:
        until = time.monotonic() + 300
        while "Ray runtime started" not in said.read_text():
            assert head.poll() is None, said.read_text()
            assert time.monotonic() < until, said.read_text()
            time.sleep(0.5)
        yield f"{host}:{port}"
        assert head.poll() is None, said.read_text()
    finally:
        head.terminate()
        head.wait(timeout=300)
        shutil.rmtree(folder, ignore_errors=True)


def machines(address: str) -> int:
    """That are alive, as another process sees them."""
    code = f"import ray; ray.init({address!r}, log_to_driver=False); print(sum(n['Alive'] for n in ray.nodes()))"
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return int(told.stdout.split()[-1])
