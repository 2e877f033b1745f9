"""A torchvision that was made for CUDA, beside a torch for the CPU: it has no kernels, and cannot be imported."""

import importlib
from functools import cache
from typing import Any

_kept: list[Any] = []


@cache
def stand_in() -> None:
    """Gives it the one kernel that imports ask for, where it cannot be imported without."""
    try:
        torch = importlib.import_module("torch")
    except ImportError:
        return
    try:
        importlib.import_module("torchvision")
    except ImportError:
        return
    except RuntimeError:
        library = torch.library.Library("torchvision", "DEF")
        for name in ("nms", "qnms"):
            library.define(f"{name}(Tensor dets, Tensor scores, float iou_threshold) -> Tensor")
        library.impl("nms", _nms, "CPU")
        _kept.append(library)
        importlib.import_module("torchvision").extension._has_ops = lambda: True


def _nms(boxes: Any, scores: Any, overlap: float) -> Any:
    import torch

    kept: list[int] = []
    areas = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1)
    for i in scores.argsort(descending=True).tolist():
        shared = [
            (torch.minimum(boxes[i, 2:], boxes[j, 2:]) - torch.maximum(boxes[i, :2], boxes[j, :2])).clamp(min=0).prod()
            for j in kept
        ]
        if all(both / (areas[i] + areas[j] - both) <= overlap for j, both in zip(kept, shared, strict=True)):
            kept.append(i)
    return torch.tensor(kept, dtype=torch.long)
