"""A file of RetinaFace's form whose faces are there: CenterFace's network, which is small and real, and nodes that say
its surest face of a picture as an offset from RetinaFace's first anchor. Random weights would find none, and no clip
has an identity without faces.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

SIDE = 256
_GRID = SIDE // 4
_ANCHORS = 2 * sum((SIDE // stride) ** 2 for stride in (8, 16, 32))
_AT, _ANCHOR_PX = 4.0, 16.0
"""Middle and side of the first anchor."""
_MEAN_BGR = (104, 117, 123)
_OPSET = 17


class _Nodes:
    """That go on where another network ends."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.weights: list[Any] = []

    def node(self, kind: str, inputs: Sequence[str], outputs: int = 1, **attributes: Any) -> Any:
        import onnx

        names = [f"told-{kind.lower()}-{len(self.nodes)}-{number}" for number in range(outputs)]
        self.nodes.append(onnx.helper.make_node(kind, inputs, names, **attributes))
        return names[0] if outputs == 1 else names

    def number(self, values: npt.ArrayLike, kind: type = np.float32) -> str:
        import onnx

        name = f"number-{len(self.weights)}"
        self.weights.append(onnx.numpy_helper.from_array(np.array(values, kind), name))
        return name

    def sum(self, one: str, other: str) -> str:
        return str(self.node("Add", [one, other]))

    def times(self, one: str, factor: float | str) -> str:
        return str(self.node("Mul", [one, factor if isinstance(factor, str) else self.number(factor)]))

    def shaped(self, one: str, *shape: int) -> str:
        return str(self.node("Reshape", [one, self.number(shape, np.int64)]))


def save_found_faces(centerface: Path, place: Path) -> Path:
    """The file is for pictures of 256 x 256, one at a time."""
    import onnx

    network = onnx.load(centerface).graph
    of = _Nodes()
    # what RetinaFace is given has the mean taken off, and blue first
    bgr = of.sum("image", of.number(np.reshape(_MEAN_BGR, (1, 3, 1, 1))))
    pixels = of.node("Gather", [bgr, of.number([2, 1, 0], np.int64)], axis=1)
    before = len(of.nodes)
    image, known = network.input[0].name, [each.name for each in network.initializer]
    for node in network.node:
        node.input[:] = [pixels if name == image else name for name in node.input]
    heat, sizes, offsets, points = (output.name for output in network.output)
    # the cell of the surest face, and what the maps say there
    score, at = of.node("TopK", [of.shaped(heat, -1), of.number([1], np.int64)], outputs=2, axis=0)
    size_log, offset, point = (
        of.node("Gather", [of.shaped(name, count, -1), at], axis=1)
        for name, count in ((sizes, 2), (offsets, 2), (points, 10))
    )
    row = of.node("Div", [at, of.number([_GRID], np.int64)])
    column = of.node("Mod", [at, of.number([_GRID], np.int64)])
    cell = of.shaped(of.node("Cast", [of.node("Concat", [row, column], axis=0)], to=onnx.TensorProto.FLOAT), 2, 1)
    # y before x, as its own: middle, size, and points in units of the box
    middle = of.times(of.sum(of.sum(cell, offset), of.number(0.5)), 4.0)
    size = of.times(of.node("Exp", [size_log]), 4.0)
    corner = of.sum(middle, of.times(size, -0.5))
    inside = of.times(of.shaped(point, 5, 2), of.shaped(size, 1, 2))
    there = of.sum(inside, of.shaped(corner, 1, 2))
    # x before y, from the first anchor
    turned = of.number([1, 0], np.int64)
    centre = of.node("Gather", [of.times(of.sum(middle, of.number(-_AT)), 10 / _ANCHOR_PX), turned], axis=0)
    large = of.times(of.node("Log", [of.times(size, 1 / _ANCHOR_PX)]), 5.0)
    large = of.node("Gather", [large, turned], axis=0)
    box = of.shaped(of.node("Concat", [centre, large], axis=0), 1, 1, 4)
    five = of.node("Gather", [of.times(of.sum(there, of.number(-_AT)), 10 / _ANCHOR_PX), turned], axis=1)
    both = of.node("Concat", [of.sum(of.times(score, -1.0), of.number(1.0)), score], axis=0)
    rest = {4: [0.0] * 4, 2: [1.0, 0.0], 10: [0.0] * 10}
    outputs = []
    for name, count in ((box, 4), (of.shaped(both, 1, 1, 2), 2), (of.shaped(five, 1, 1, 10), 10)):
        others = of.number(np.tile(rest[count], (1, _ANCHORS - 1, 1)))
        told = of.node("Concat", [name, others], axis=1)
        outputs.append(onnx.helper.make_tensor_value_info(told, onnx.TensorProto.FLOAT, [1, _ANCHORS, count]))
    given = onnx.helper.make_tensor_value_info("image", onnx.TensorProto.FLOAT, [1, 3, SIDE, SIDE])
    nodes = [*of.nodes[:before], *network.node, *of.nodes[before:]]
    graph = onnx.helper.make_graph(nodes, "found", [given], outputs, [*network.initializer, *of.weights])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", _OPSET)], ir_version=9)
    onnx.checker.check_model(model)
    onnx.save(model, place)
    assert known
    return place
