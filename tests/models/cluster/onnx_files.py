"""Small networks with random weights as ONNX files, shaped as the large ones are, for the backends that load them."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

Size = int | str
"""A number, or a name for any."""


class OnnxFile:
    """A graph that is put together node by node; each node's name is that of what comes out of it."""

    def __init__(self, shape: Sequence[Size], image: str = "image") -> None:
        self._shape = shape
        self._image = image
        self._random = np.random.default_rng(18)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def node(self, kind: str, inputs: Sequence[str], **attributes: Any) -> str:
        import onnx

        name = f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(onnx.helper.make_node(kind, inputs, [name], name=name, **attributes))
        return name

    def weights(self, values: npt.NDArray[Any]) -> str:
        import onnx

        name = f"weights{len(self._weights)}"
        self._weights.append(onnx.numpy_helper.from_array(values, name))
        return name

    def random(self, *shape: int, scale: float = 1.0) -> str:
        return self.weights((self._random.standard_normal(shape) * scale).astype(np.float32))

    def conv(self, source: str, channels: tuple[int, int], side: int, stride: int = 1) -> str:
        inputs, outputs = channels
        kernel = self.random(outputs, inputs, side, side, scale=1 / side / inputs**0.5)
        edge = (side - 1) // 2
        return self.node("Conv", [source, kernel], strides=[stride] * 2, pads=[edge] * 4)

    def save(self, place: Path, outputs: Mapping[str, Sequence[Size]]) -> Path:
        """`outputs` are nodes and their shapes, in this order."""
        import onnx

        kind = onnx.TensorProto.FLOAT
        told = [onnx.helper.make_tensor_value_info(name, kind, shape) for name, shape in outputs.items()]
        image = onnx.helper.make_tensor_value_info(self._image, kind, self._shape)
        graph = onnx.helper.make_graph(self._nodes, "small", [image], told, self._weights)
        model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=9)
        onnx.checker.check_model(model)
        onnx.save(model, place)
        return place
