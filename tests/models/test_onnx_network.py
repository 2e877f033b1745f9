"""Where onnxruntime runs a network, what it says when memory does not suffice, and what it is told."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Floats
from actor18m.errors import ActorError
from actor18m.models import onnx_network
from actor18m.models.batches import Batches
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters, providers

CPU = "CPUExecutionProvider"
GPU = "CUDAExecutionProvider"


def _runtime(*available: str) -> Any:
    return SimpleNamespace(get_available_providers=lambda: [*available, CPU], preload_dlls=lambda: None)


def test_a_gpu_is_taken_where_there_is_one_and_the_cpu_where_it_is_asked_for() -> None:
    assert providers(_runtime(), "auto") == [CPU]
    assert providers(_runtime(GPU), "cpu") == [CPU]
    for device, number in {"auto": 0, "cuda": 0, "cuda:2": 2}.items():
        (first, settings), second = providers(_runtime(GPU), device)
        assert (first, settings["device_id"], second) == (GPU, number, CPU)


@pytest.mark.parametrize(("device", "why"), [("cuda", "Install onnxruntime-gpu"), ("gpu", "knows auto, cpu, cuda")])
def test_a_device_that_is_not_there_is_answered(device: str, why: str) -> None:
    with pytest.raises(ActorError, match=rf"device {device}: .*{why}"):
        providers(_runtime(), device)


def test_device_and_batch_change_no_fingerprint() -> None:
    assert OnnxParameters(device="cuda:1", batch=64).that_count() == {}


class _SmallGpu:
    """Takes four pictures at once."""

    def get_inputs(self) -> list[Any]:
        return [SimpleNamespace(name="image", shape=["batch", 1])]

    def get_providers(self) -> list[str]:
        return [GPU, CPU]

    def run(self, names: None, given: dict[str, Floats]) -> list[Floats]:
        if len(given["image"]) > 4:
            raise RuntimeError("[ONNXRuntimeError] : 6 : Failed to allocate memory for requested buffer of size 18")
        return [given["image"] * 2]


def test_a_batch_that_does_not_fit_is_halved(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(onnx_network, "library", lambda module, package: None)
    monkeypatch.setattr(onnx_network, "_session", lambda ort, model, device: _SmallGpu())
    network = OnnxNetwork(Path("small.onnx"), OnnxParameters(batch=16))
    assert network.most == 16
    doubled: Batches[float, float] = Batches(
        "small", lambda items: list(network(np.array(items, np.float32)[:, None])[0][:, 0]), network.most
    )
    assert doubled([float(i) for i in range(20)]) == [2.0 * i for i in range(20)]
    assert "no memory for 16 at once, so 8" in caplog.text
    assert "no memory for 8 at once, so 4" in caplog.text
