"""The check of a GPU, on a CPU and with small networks: that it can be run where a GPU is, and what it prints."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actor18m.models.batches import Batches
from actor18m.models.roles import Person, PersonDetector
from actor18m.preflight.backend_speed import BackendSpeed, Batch
from tests.bench.gpu.check import EACH_ANEW
from tests.bench.gpu.every import FIRST, named
from tests.bench.gpu.measured import _short
from tests.bench.gpu.network import Built, counted, made_in
from tests.models.torchvision_kernels import stand_in

SCRIPT = Path(__file__).parents[3] / "scripts" / "gpu_check.sh"
BY_CHOICE = {"cotracker3", "tapnext", "yolo-world"}
ROUGHLY = {"dwpose", "rtmw", "bisenet", "scrfd"}
LIBRARIES = "torch", "transformers", "diffusers", "open_clip", "onnx", "onnxruntime"


def check(*told: str, each_anew: bool = False) -> subprocess.CompletedProcess[str]:
    """`each_anew` imports only what the named models need."""
    environment = os.environ | {"PYTHON": sys.executable} | ({EACH_ANEW: "1"} if each_anew else {})
    return subprocess.run([SCRIPT, *told], capture_output=True, text=True, timeout=900, env=environment)


@pytest.fixture
def libraries() -> None:
    stand_in()
    for library in LIBRARIES:
        pytest.importorskip(library, reason=f"{library} is not installed (extra `cluster`)")


def test_a_model_is_measured_batch_by_batch_and_when_memory_is_short(tmp_path: Path) -> None:
    for library in ("onnx", "onnxruntime", "torch"):
        pytest.importorskip(library)
    told = tmp_path / "told.json"
    done = check("--device", "cpu", "--small", "--only", "scrfd", "--each", "0.3", "--json", str(told), each_anew=True)
    assert done.returncode == 0, done.stderr
    assert "SMALL networks, whose numbers say nothing of real ones" in done.stdout
    rows = [line for line in done.stdout.splitlines() if line.startswith("|")][2:]
    assert rows[0].startswith("| scrfd | cpu | 0.6 M | 0.00 |")
    found = json.loads(told.read_text())["models"]["scrfd"]
    assert found["short"] == f"{2 * len(rows)} -> {len(rows)} (pretended)" or len(rows) == 3
    assert found["computed_bytes"] == 4 * found["weights"]
    assert [batch["size"] for batch in found["speed"]["batches"]] == [1, 2, 4][: len(rows)]


def test_what_no_time_is_left_for_says_so() -> None:
    for library in ("onnx", "onnxruntime", "torch"):
        pytest.importorskip(library)
    done = check("--device", "cpu", "--small", "--only", "scrfd", "arcface", "--seconds", "1", each_anew=True)
    assert done.returncode == 0, done.stderr
    assert [line.split("|")[1:4:2] for line in done.stdout.splitlines()[4:6]] == [
        [" arcface ", " not measured: no time was left for it "],
        [" scrfd ", " not measured: no time was left for it "],
    ]


@pytest.mark.parametrize(
    ("flag", "file"),
    [("--cotracker", "cotracker/predictor.py"), ("--tapnet", "tapnet/tapnext/tapnext_torch.py")],
)
def test_a_folder_that_is_no_checkout_is_refused(flag: str, file: str, tmp_path: Path) -> None:
    done = check(flag, str(tmp_path), each_anew=True)
    assert done.returncode == 2
    assert f"{tmp_path} has no {file}" in done.stderr


def test_a_python_without_what_is_needed_is_told_with_how_to_set_it_up(tmp_path: Path) -> None:
    bare = tmp_path / "python"
    bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -I -S "$@"\n')
    bare.chmod(0o755)
    done = subprocess.run([SCRIPT], capture_output=True, text=True, env=os.environ | {"PYTHON": str(bare)}, check=False)
    assert done.returncode == 1
    assert "pip install -c constraints.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_gpu_it_says_so() -> None:
    torch = pytest.importorskip("torch")
    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    done = check(each_anew=True)
    assert done.returncode == 1
    assert "torch sees no CUDA here" in done.stderr
    assert "--device cpu --small" in done.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("libraries")
@pytest.mark.parametrize("name", [name for name in FIRST if name not in BY_CHOICE])
def test_the_full_networks_have_as_many_weights_as_are_published(name: str) -> None:
    """Where papers do not tell each layer, about as many."""
    network = named(name)
    assert network.count() / 1e6 == pytest.approx(network.millions, rel=0.1 if name in ROUGHLY else 0.02)


@pytest.mark.slow
@pytest.mark.usefixtures("libraries")
def test_all_models_are_measured(tmp_path: Path) -> None:
    told = tmp_path / "told.json"
    done = check(
        "--device", "cpu", "--small", "--each", "0.3", "--seconds", "850", "--json", str(told), "--only", *FIRST
    )
    assert done.returncode == 0, done.stderr
    models: dict[str, Any] = json.loads(told.read_text())["models"]
    assert models.keys() == set(FIRST)
    assert {name for name, each in models.items() if "why" in each} <= BY_CHOICE, models
    for name, each in models.items():
        if name not in BY_CHOICE:
            assert each["short"] == "one at a time" or "->" in each["short"], (name, each["short"])


class _Sees:
    """People in frames, one each, but for those that it loses."""

    def __init__(self, loses: int) -> None:
        self._loses, self._in_batches = loses, Batches[Any, list[Person]]("seen", self._some, 8)

    def people(self, frames: Sequence[Any]) -> list[list[Person]]:
        return self._in_batches(frames)[self._loses :]

    def _some(self, frames: Sequence[Any]) -> list[list[Person]]:
        return [[Person((0, 0, 1, 1), 0.9)] for _ in frames]


@pytest.mark.parametrize(("loses", "told"), [(0, "4 -> 2 (pretended)"), (1, "LOST 1 of 4 results")])
def test_results_that_are_lost_where_memory_is_short_are_told(loses: int, told: str) -> None:
    speed = BackendSpeed(0.0, 0, (Batch(1, 1.0, 0), Batch(2, 2.0, 0)), "frames")
    backend = _Sees(loses)
    assert _short(backend, PersonDetector, speed, Built(backend, 0, 0, "cpu")) == told


def test_bytes_are_those_of_what_weights_are_stored_in() -> None:
    torch = pytest.importorskip("torch")
    for dtype, each in (("float32", 4), ("bfloat16", 2)):
        with made_in("cpu", dtype):
            assert counted(torch.nn.Linear(3, 2)) == (8, 8 * each)
    assert torch.get_default_dtype() == torch.float32
