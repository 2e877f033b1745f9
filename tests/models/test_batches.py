import logging
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from actor18m.errors import is_out_of_memory
from actor18m.models.batches import Batches
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from tests.models.cluster.onnx_files import OnnxFile


class OutOfMemoryError(RuntimeError):
    """As torch calls it."""


class Small:
    """A model whose memory takes so many at once."""

    def __init__(self, fits: int, error: type[Exception] = OutOfMemoryError) -> None:
        self.fits = fits
        self.asked: list[int] = []
        self._error = error

    def __call__(self, items: Sequence[int]) -> list[int]:
        self.asked.append(len(items))
        if len(items) > self.fits:
            raise self._error("CUDA out of memory")
        return [10 * item for item in items]


@pytest.mark.parametrize("error", [OutOfMemoryError, MemoryError])
def test_a_batch_is_halved_until_it_fits_and_stays_so(error: type[Exception], caplog: pytest.LogCaptureFixture) -> None:
    model = Small(3, error)
    in_batches = Batches("own:Detector", model, most=16)
    with caplog.at_level(logging.WARNING):
        assert in_batches(range(20)) == [10 * item for item in range(20)]
    assert model.asked == [16, 8, 4, *[2] * 10]
    assert [record.getMessage() for record in caplog.records] == [
        "backend own:Detector: no memory for 16 at once, so 8 from here on",
        "backend own:Detector: no memory for 8 at once, so 4 from here on",
        "backend own:Detector: no memory for 4 at once, so 2 from here on",
    ]
    model.asked.clear()
    assert in_batches(range(3)) == [0, 10, 20]
    assert model.asked == [2, 1], "what was learnt is kept"


def test_an_item_that_needs_too_much_alone_is_to_blame() -> None:
    model = Small(0)
    with pytest.raises(OutOfMemoryError):
        Batches("own:Detector", model, most=4)(range(4))
    assert model.asked == [4, 2, 1]


def test_another_error_is_no_matter_of_size() -> None:
    model = Small(2, ValueError)
    with pytest.raises(ValueError, match="CUDA"):
        Batches("own:Detector", model, most=4)(range(4))
    assert model.asked == [4]


def test_no_items_ask_no_model_and_a_lost_result_is_noticed() -> None:
    model = Small(2)
    assert Batches("own:Detector", model, most=4)([]) == []
    assert model.asked == []
    with pytest.raises(ValueError, match="own:Detector has 1 results of 3 items"):
        Batches[int, int]("own:Detector", lambda items: [1], most=4)(range(3))


_TIB = 2**40


def test_torch_has_no_memory_for_two_at_once(caplog: pytest.LogCaptureFixture) -> None:
    """Its error on a CPU is a RuntimeError like any other."""
    torch = pytest.importorskip("torch")

    def model(items: Sequence[int]) -> list[int]:
        torch.empty((len(items) - 1) * 1000 * _TIB, dtype=torch.uint8)
        return list(items)

    assert Batches("own:Torch", model, most=4)(range(5)) == [0, 1, 2, 3, 4]
    assert "own:Torch: no memory for 2 at once, so 1 from here on" in caplog.text


def test_onnxruntime_has_no_memory_for_two_at_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """Its error is a class that it has for all that fails. The network adds to its numbers the sum of 128 TiB of
    zeros for each item but the first."""
    pytest.importorskip("onnx")
    file = OnnxFile(["batch"])
    count = file.node("Sub", [file.node("Shape", ["image"]), file.weights(np.array([1]))])
    zeros = file.node("ConstantOfShape", [file.node("Mul", [count, file.weights(np.array([32 * _TIB]))])])
    told = file.node("Add", ["image", file.node("ReduceSum", [zeros], keepdims=0)])
    network = OnnxNetwork(file.save(tmp_path / "greedy.onnx", {told: ["batch"]}), OnnxParameters())

    def model(items: Sequence[int]) -> list[int]:
        return [int(each) for each in network(np.array(items, np.float32))[0]]

    assert Batches("own:Onnx", model, most=4)(range(5)) == [0, 1, 2, 3, 4]
    assert "own:Onnx: no memory for 2 at once, so 1 from here on" in caplog.text


@pytest.mark.parametrize(
    "told",
    [
        "CUDA error: out of memory",
        "CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`",
        "bfc_arena.cc:376 Failed to allocate memory for requested buffer of size 2830172160",
    ],
)
def test_what_libraries_of_a_gpu_say_is_understood(told: str) -> None:
    assert is_out_of_memory(RuntimeError(told))
    assert not is_out_of_memory(ValueError(told)), "no such library raises it"
