"""A TFLite network on LiteRT: one thread, one image at a time."""

import warnings
from typing import Any

import numpy.typing as npt

from actor18m.models.libraries import hushed, library
from actor18m.models.weights import content_of

Array = npt.NDArray[Any]


class Network:
    """A weights file, ready to run. Its tensors are known by their names in the file."""

    def __init__(self, file: str, outputs: tuple[str, ...], has_inner_outputs: bool = False) -> None:
        """An inner tensor can only be read if the network is told to keep it."""
        litert = library("ai_edge_litert.interpreter", "ai-edge-litert")
        with hushed(), warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Warning: Enabling `experimental_preserve_all_tensors`")
            self._interpreter = litert.Interpreter(
                model_content=content_of(file), num_threads=1, experimental_preserve_all_tensors=has_inner_outputs
            )
            self._interpreter.allocate_tensors()
        (self._input,) = (each["index"] for each in self._interpreter.get_input_details())
        named = {each["name"]: each["index"] for each in self._interpreter.get_tensor_details()}
        self._outputs = [named[name] for name in outputs]

    def __call__(self, image: Array) -> list[Array]:
        """The outputs for one image [H, W, 3], without their leading 1."""
        self._interpreter.set_tensor(self._input, image[None])
        self._interpreter.invoke()
        return [self._interpreter.get_tensor(index)[0] for index in self._outputs]
