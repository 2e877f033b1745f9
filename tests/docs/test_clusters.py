"""What the page on clusters prints can be followed, as far as this machine can tell."""

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command
from typer.testing import CliRunner

from actor18m.cli.app import app
from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import shipped
from actor18m.models.lock import read_lock
from tests.docs.page import DOCS

PAGE = (DOCS / "clusters.md").read_text()
CLUSTER = DOCS.parent / "scripts" / "cluster"
PINNED = re.search(r"^ray(?:\[.*\])?==(\S+)$", (DOCS.parent / "constraints.txt").read_text(), re.MULTILINE)[1]  # type: ignore[index]
OF_JOB = {"entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished", "rayClusterSpec"}
OF_CLUSTER = {"rayVersion", "enableInTreeAutoscaling", "autoscalerOptions", "headGroupSpec", "workerGroupSpecs"}
OF_WORKERS = {"groupName", "replicas", "minReplicas", "maxReplicas", "rayStartParams", "template"}
"""Fields that KubeRay's reference of the API ray.io/v1 has, of those that there are."""


def blocks(kind: str) -> list[str]:
    return re.findall(rf"^```{kind}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def block(kind: str, name: str) -> str:
    (found,) = (each for each in blocks(kind) if f"# {name}\n" in each)
    return found


def rayjob() -> Any:
    return yaml.safe_load((CLUSTER / "rayjob.yaml").read_text())


def calls() -> Iterator[list[str]]:
    """Each call of the command on the page, in whatever shell script."""
    for script in [*blocks("sh"), (CLUSTER / "build.sbatch").read_text(), rayjob()["spec"]["entrypoint"]]:
        for line in script.replace("\\\n", " ").splitlines():
            found = re.search(r"(?:python -m actor18m|^actor18m) (.*?)(?: +#.*)?$", line)
            if found:
                yield found[1].split()


def test_the_pipeline_of_ones_own_is_valid(tmp_path: Path) -> None:
    (tmp_path / "ours.yaml").write_text(block("yaml", "ours.yaml"))
    ours, cluster = load_pipeline(tmp_path / "ours.yaml"), load_pipeline(shipped()["cluster"])
    assert ours.step("judge").roles["chat"].parameters.model_dump()["url"] == "http://judge:8000/v1"
    assert ours.step("judge").run == cluster.step("judge").run


@pytest.mark.parametrize("call", [*calls()], ids=" ".join)
def test_a_call_has_arguments_that_there_are(call: list[str]) -> None:
    """Parsed, and not run."""
    command: Any = get_command(app)
    context = command.make_context("actor18m", [], resilient_parsing=True)
    while hasattr(command, "resolve_command"):
        _, command, call = command.resolve_command(context, call)
    options = {option for parameter in command.params for option in parameter.opts}
    assert {each for each in call if each.startswith("--")} <= options


def test_the_job_of_kubernetes_has_what_a_ray_job_must_have() -> None:
    job = rayjob()
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    cluster = job["spec"]["rayClusterSpec"]
    assert job["spec"].keys() <= OF_JOB
    assert cluster.keys() <= OF_CLUSTER
    for group in cluster["workerGroupSpecs"]:
        assert group.keys() <= OF_WORKERS
        assert group["minReplicas"] <= group["replicas"] <= group["maxReplicas"]
    assert cluster["rayVersion"] == PINNED
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
        pod = group["template"]["spec"]
        mounted = {mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]}
        assert mounted == {volume["name"] for volume in pod["volumes"]}
        assert all(isinstance(limit, str) for c in pod["containers"] for limit in c["resources"]["limits"].values())


def test_ray_s_objects_fit_into_the_shared_memory_of_each_pod(monkeypatch: pytest.MonkeyPatch) -> None:
    """By Ray's own sum, for a pod that has all of its memory free."""
    ray = pytest.importorskip("ray._private.utils", reason="ray is not installed")
    cluster = rayjob()["spec"]["rayClusterSpec"]
    for group in (cluster["headGroupSpec"], *cluster["workerGroupSpecs"]):
        pod = group["template"]["spec"]
        (container,) = pod["containers"]
        assert {"name": "shm", "mountPath": "/dev/shm"} in container["volumeMounts"]
        (limit,) = (volume["emptyDir"]["sizeLimit"] for volume in pod["volumes"] if volume["name"] == "shm")
        shared, memory = (
            int(told.removesuffix("Gi")) << 30 for told in (limit, container["resources"]["limits"]["memory"])
        )
        monkeypatch.setattr(ray, "get_shared_memory_bytes", lambda shared=shared: shared)
        assert ray.resolve_object_store_memory(memory) <= shared


def test_the_script_for_slurm_is_one() -> None:
    script = (CLUSTER / "build.sbatch").read_text()
    assert '--cpus-per-task="$SLURM_CPUS_PER_TASK"' in script.partition("\nsrun ")[2], "which srun does not inherit"
    assert script.startswith("#!/bin/bash\n")
    assert subprocess.run(["bash", "-n"], input=script, text=True, check=False).returncode == 0
    ray = [sys.executable, "-m", "ray.scripts.scripts", "symmetric-run", "--help"]
    told = subprocess.run(ray, capture_output=True, text=True, check=False).stdout
    assert all(option in told for option in ("--address", "--min-nodes"))


def test_each_pipeline_for_gpus_is_told() -> None:
    told = set(re.findall(r"^\| `([\w-]+)` \| ", PAGE.partition("## The paper's models")[2], re.MULTILINE))
    assert {name for name in shipped() if name not in ("embedded", "embedded-torch", "paper")} <= told


def test_what_replaces_a_package_is_in_the_lock() -> None:
    table = PAGE.partition("| expected | here | why |")[2].partition("\n\n")[0]
    here = {name for row in table.splitlines()[2:] for name in re.findall(r"`([^`]+)`", row.split("|")[2])}
    assert here
    assert here <= read_lock().models.keys()


def test_every_model_is_in_the_list_of_terms() -> None:
    shown = CliRunner().invoke(app, ["models", "list", "--terms"], env={"COLUMNS": "200"}).stdout
    listed = {line.split()[0] for line in shown.splitlines() if line.strip()}
    assert read_lock().models.keys() <= listed
