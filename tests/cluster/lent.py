"""What a test lends to every process of a build that it starts, workers of Ray among them, when they import it.

A torchvision that was made for CUDA cannot be imported beside a torch for the CPU, since its kernels are missing: their
names are enough for what is imported here. And Qwen-Image-Edit looks at pictures in sizes of its large model, which are
constants of its library's module: here they are small.
"""

import importlib
import sys
from collections.abc import Callable, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from pathlib import Path
from types import ModuleType
from typing import Any

EDITING = "diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus"
_SIDE_PX, _CONDITION_PX = 64, 56
"""Of what is edited, and of what the model that reads the words looks at."""
Executed = Callable[[ModuleType], None]
_kept: list[Any] = []


class _Lender:
    """Looks at what is imported, and leaves finding it to others."""

    @staticmethod
    def find_spec(name: str, path: Sequence[str] | None = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if name not in ("torchvision", EDITING):
            return None
        found = PathFinder.find_spec(name, path, target)
        if found is None or found.loader is None:
            return found
        is_vision = name == "torchvision"
        lend = _with_kernels if is_vision else _smaller
        vars(found.loader)["exec_module"] = lend(found.loader.exec_module)
        return found


def lend() -> None:
    sys.meta_path.insert(0, _Lender)


def _with_kernels(executed: Executed) -> Executed:
    def execute(module: ModuleType) -> None:
        torch: Any = importlib.import_module("torch")
        try:
            torch.ops.load_library(str(Path(str(module.__file__)).with_name("_C.so")))
        except OSError:
            library = torch.library.Library("torchvision", "DEF")
            for name in ("nms", "qnms"):
                library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
            _kept.append(library)
        executed(module)

    return execute


def _smaller(executed: Executed) -> Executed:
    def execute(module: ModuleType) -> None:
        executed(module)
        module.VAE_IMAGE_SIZE, module.CONDITION_IMAGE_SIZE = _SIDE_PX**2, _CONDITION_PX**2  # type: ignore[attr-defined]

    return execute
