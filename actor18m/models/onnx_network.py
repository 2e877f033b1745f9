"""A network on onnxruntime: what every backend that runs on it can be told, and where it runs."""

from pathlib import Path
from typing import Any

import numpy as np
from pydantic import Field

from actor18m.arrays import Floats
from actor18m.errors import ActorError
from actor18m.models.libraries import library
from actor18m.models.parameters import BackendParameters, NoEffect

_GPU = "CUDAExecutionProvider"


class OnnxParameters(BackendParameters):
    device: NoEffect[str] = "auto"
    """`auto` is the GPU where this onnxruntime and the process have one, else the CPU; or cpu, cuda, cuda:1. On another
    device results differ in their last digits: what was measured stays as it is."""
    batch: NoEffect[int] = Field(default=16, gt=0)
    """So many items at once on a GPU; where memory does not suffice, half as many from there on. On a CPU items go one
    by one, on one thread: a result does not depend on its neighbours, nor on how busy the machine is."""


class OnnxNetwork:
    """A file, ready to run. It has one input; its outputs come in the order of the file."""

    def __init__(self, model: Path | bytes, parameters: OnnxParameters) -> None:
        """Of a file, or of its bytes where it is packed in another."""
        ort = library("onnxruntime", "onnxruntime, or onnxruntime-gpu in its place")
        self._session = _session(ort, model if isinstance(model, bytes) else str(model), parameters.device)
        (image,) = self._session.get_inputs()
        self._input = image.name
        self.shape: tuple[Any, ...] = tuple(image.shape)
        """Of its input: batch, channels, height, width; names where the file leaves a size open."""
        self.runs_on = tuple(self._session.get_providers())
        """In onnxruntime's words, the first of them as far as it can."""
        self.most = parameters.batch if _GPU in self.runs_on and not isinstance(self.shape[0], int) else 1
        """So many items it is to be given at once."""

    def __call__(self, items: Floats) -> list[Floats]:
        """Of float32[N, ...] inputs every output, float32[N, ...]."""
        return [np.asarray(each) for each in self._session.run(None, {self._input: items})]

    def close(self) -> None:
        """Gives the memory back."""
        del self._session


def sees_gpu() -> bool:
    """Whether the onnxruntime that is installed is the one for GPUs."""
    return _GPU in library("onnxruntime", "onnxruntime").get_available_providers()


def _session(ort: Any, model: str | bytes, device: str) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return ort.InferenceSession(model, options, providers=providers(ort, device))


def providers(ort: Any, device: str) -> list[Any]:
    """What onnxruntime is to run on, the best first. A GPU takes no more memory than it is asked for, since others may
    share it, and computes in whole float32."""
    kind, _, number = device.partition(":")
    has_gpu = _GPU in ort.get_available_providers()
    if kind not in ("auto", "cpu", "cuda") or (number and not number.isdigit()):
        raise ActorError(f"device {device}: onnxruntime knows auto, cpu, cuda, or cuda and a number, such as cuda:1")
    if kind == "cuda" and not has_gpu:
        raise ActorError(
            f"device {device}: this onnxruntime runs on the CPU alone. Install onnxruntime-gpu in its place"
        )
    if kind == "cpu" or not has_gpu:
        return ["CPUExecutionProvider"]
    ort.preload_dlls()  # CUDA's libraries, where torch or pip brought them
    settings = {
        "device_id": int(number or 0),
        "arena_extend_strategy": "kSameAsRequested",
        "cudnn_conv_algo_search": "HEURISTIC",
        "use_tf32": 0,
    }
    return [(_GPU, settings), "CPUExecutionProvider"]
