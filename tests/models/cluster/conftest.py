"""Backends of the cluster's models with their real libraries and architectures, small and with random weights.

A small model is saved as its authors save theirs, pulled from there as from a mirror, and loaded as a stage would.
"""

import importlib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from actor18m.arrays import Frame
from actor18m.media.video import frames_at
from actor18m.models.snapshots import pull_snapshot
from actor18m.samples.shipped import SHIPPED


def pytest_configure() -> None:
    _torchvision_without_its_kernels()


@cache
def _torchvision_without_its_kernels() -> None:
    """A torchvision made for CUDA has no kernels beside a torch for the CPU, and cannot be imported: it is given the
    one that imports ask for."""
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


_kept: list[Any] = []


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


@pytest.fixture(scope="session")
def needs() -> Callable[[str], Any]:
    """A library, or the test is skipped and says what is missing."""
    return lambda module: pytest.importorskip(module, reason=f"{module} is not installed (extra `cluster`)")


@pytest.fixture
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str, Callable[[Path], None]], None]:
    """Saves a small model as a snapshot of the lock's, which is pulled from there: then its backend can be loaded."""
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "models"))

    def pulled(name: str, save: Callable[[Path], None]) -> None:
        place = tmp_path / "mirror" / name
        place.mkdir(parents=True)
        save(place)
        pull_snapshot(name, mirror=tmp_path / "mirror")

    return pulled


@pytest.fixture(scope="session")
def pictures() -> list[Frame]:
    """Frames of two sizes, with a person in each."""
    return [
        frame
        for name in ("talk_yaw_1", "low_resolution_1")
        for frame in frames_at(str(SHIPPED / f"{name}.mp4"), (0.0, 1.0))
    ]
