"""What is measured: a backend around a network that is as large as its weights are, or small, with random numbers."""

from collections.abc import Callable
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from actor18m.models.torch_device import torch


@dataclass(frozen=True)
class Where:
    """How large a network is to be, and where."""

    full: bool
    device: str
    """cuda or cpu."""
    most: int
    """Items that a backend gives it at once."""


@dataclass(frozen=True)
class Built:
    backend: Any
    weights: int
    """Numbers that it is made of."""
    bytes: int
    """Of them, as computed from their shapes."""
    runs_on: str
    keeps: bool = False
    """Whether memory that it had is its own for good, as onnxruntime's is."""


@dataclass(frozen=True)
class Network:
    name: str
    """Of the model lock."""
    role: type
    build: Callable[[Where], Built]
    millions: float
    """Weights of the full one, as published."""
    count: Callable[[], int]
    """Weights of the full one as it is built here, without memory for them where that can be."""
    seconds: float = 6
    bytes_each: int = 4
    """Of a weight."""


def torch_network(
    name: str,
    role: type,
    millions: float,
    make: Callable[[bool], Any],
    around: Callable[[Any, Where], Any],
    dtype: str = "float32",
    seconds: float = 6,
) -> Network:
    """`make` gives the module, full or small, wherever torch makes tensors at that moment; `around` the backend."""

    def build(where: Where) -> Built:
        with made_in(where.device, dtype):
            module = make(where.full)
        module.requires_grad_(requires_grad=False).eval()
        weights, size = counted(module)
        return Built(around(module, where), weights, size, where.device)

    def count() -> int:
        with made_in("meta", dtype):
            return counted(make(True))[0]

    return Network(name, role, build, millions, count, seconds, 2 if dtype == "bfloat16" else 4)


@contextmanager
def made_in(device: str, dtype: str) -> Any:
    """Tensors come into being there, and nothing is copied: 40 GB would not be made twice."""
    found = torch()
    before = found.get_default_dtype()
    found.set_default_dtype(getattr(found, dtype))
    try:
        with found.device(device):
            yield
    finally:
        found.set_default_dtype(before)


def counted(module: Any) -> tuple[int, int]:
    """Numbers and bytes of its weights."""
    every = list(module.parameters())
    return sum(each.numel() for each in every), sum(each.numel() * each.element_size() for each in every)
