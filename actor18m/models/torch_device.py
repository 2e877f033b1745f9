"""Where torch computes: what every backend that runs on it can be told, and how it gives the memory back."""

import gc
import sys
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from actor18m.errors import ActorError
from actor18m.models.libraries import library
from actor18m.models.parameters import BackendParameters, NoEffect


class DeviceParameters(BackendParameters):
    device: NoEffect[str] = "auto"
    """`auto` is the GPU where the process has one, else the CPU. On another device results differ in their last digits:
    what was measured stays as it is."""
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """`auto` is what the weights are stored in, and float32 on a CPU."""


class TorchParameters(DeviceParameters):
    batch: NoEffect[int] = Field(default=16, gt=0)
    """So many items at once on a GPU; where memory does not suffice, half as many from there on. On a CPU items go one
    by one: a result does not depend on its neighbours."""


def torch() -> Any:
    return library("torch", "torch, as its own page says for your GPU")


def device_of(parameters: DeviceParameters) -> Any:
    found = torch()
    wanted = parameters.device
    if wanted == "auto":
        wanted = "cuda" if found.cuda.is_available() else "cpu"
    if wanted.startswith("cuda") and not found.cuda.is_available():
        raise ActorError(f"device {wanted}: torch sees no GPU in this process. Give the stage num_gpus, or device: cpu")
    if not wanted.startswith("cuda"):
        found.set_num_threads(1)
    return found.device(wanted)


def at_once(batch: int, device: Any) -> int:
    """How many items a model is given at once there. Beside others an item has other last digits, and which others
    there are depends on who works and what was measured before: on a CPU, where nothing is gained, none are."""
    return 1 if device.type == "cpu" else batch


def dtype_of(parameters: DeviceParameters, device: Any) -> Any:
    """What to load weights in; `"auto"` as transformers understands it."""
    if parameters.dtype == "auto":
        return torch().float32 if device.type == "cpu" else "auto"
    return getattr(torch(), parameters.dtype)


def of_transformers(kind: Any, weights: Path, parameters: DeviceParameters) -> Any:
    """A model of the library `transformers` by what was pulled of it, on its device, as it is asked and not trained."""
    device = device_of(parameters)
    model = kind.from_pretrained(weights, local_files_only=True, dtype=dtype_of(parameters, device))
    return model.to(device).eval()


def released() -> None:
    """After the last reference to a model, or to what it was given, is gone: torch, where it was loaded, keeps a GPU's
    memory for itself until it is told."""
    gc.collect()
    found = sys.modules.get("torch")
    if found is not None and found.cuda.is_available():
        found.cuda.empty_cache()
