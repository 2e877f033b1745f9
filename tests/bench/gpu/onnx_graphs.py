"""ONNX files of random weights, as wide and as deep as those that the lock names: convolution for convolution where
their papers tell it, and a few percent of the weights off where they do not (normalisation is folded in, as exports
have it)."""

import math
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actor18m.models.roles import FACE_PARTS
from tests.models.cluster.onnx_files import OnnxFile, Size

_UNSURE = 1e-3
"""Of the last weights of detectors: as they would be drawn, thousands of faces are seen, as large as can be."""


@dataclass
class Graph:
    """A file that grows, and how many channels what was added last has."""

    file: OnnxFile
    last: str = "image"
    channels: int = 3
    weights: int = 0

    def at(self, last: str, channels: int) -> "Graph":
        self.last, self.channels = last, channels
        return self

    def conv(
        self, out: int, side: int = 3, stride: int = 1, groups: int = 1, act: str | None = "Relu", scale: float = 1.0
    ) -> "Graph":
        """With a shift for each channel."""
        shape = out, self.channels // groups, side, side
        kernel, shift = (
            self.file.random(*shape, scale=scale * (2 / math.prod(shape[1:])) ** 0.5),
            self.file.random(out, scale=0),
        )
        self.weights += math.prod(shape) + out
        edge = (side - 1) // 2
        self.last = self.file.node(
            "Conv", [self.last, kernel, shift], strides=[stride] * 2, pads=[edge] * 4, group=groups
        )
        self.channels = out
        return self.act(act)

    def act(self, kind: str | None) -> "Graph":
        if kind == "Silu":
            self.last = self.file.node("Mul", [self.last, self.file.node("Sigmoid", [self.last])])
        elif kind == "PRelu":
            slope = self.file.weights(np.full((self.channels, 1, 1), 0.25, np.float32))
            self.last = self.file.node("PRelu", [self.last, slope])
        elif kind is not None:
            self.last = self.file.node(kind, [self.last])
        return self

    def plus(self, other: str) -> "Graph":
        self.last = self.file.node("Add", [self.last, other])
        return self

    def linear(self, inputs: int, out: int, source: str | None = None) -> "Graph":
        self.weights += inputs * out + out
        kernel = self.file.random(inputs, out, scale=inputs**-0.5)
        told = self.file.node("MatMul", [source or self.last, kernel])
        self.last, self.channels = self.file.node("Add", [told, self.file.random(out, scale=0)]), out
        return self

    def shaped(self, *shape: int) -> "Graph":
        self.last = self.file.node("Reshape", [self.last, self.file.weights(np.array(shape, np.int64))])
        return self

    def larger(self, like: str) -> str:
        """What was added last, as large as another one is."""
        size = self.file.node("Slice", [self.file.node("Shape", [like]), *map(self._number, (2, 4))])
        whole = self.file.node("Concat", [self.file.node("Slice", [self.file.node("Shape", [self.last]), *map(
            self._number, (0, 2))]), size], axis=0)  # fmt: skip
        return self.file.node("Resize", [self.last, "", "", whole], mode="nearest")

    def squeezed(self, inner: int) -> "Graph":
        """Each channel by what all of them are on the average."""
        whole, channels = self.last, self.channels
        self.last = self.file.node("GlobalAveragePool", [whole])
        self.conv(inner, 1, act="Silu").conv(channels, 1, act="Sigmoid")
        return self.at(self.file.node("Mul", [whole, self.last]), channels)

    def _number(self, value: int) -> str:
        return self.file.weights(np.array([value], np.int64))


def resnet(graph: Graph, depths: Sequence[int], bottleneck: bool, width: int = 64) -> list[tuple[str, int]]:
    """What each of the four stages sees, and in how many channels."""
    graph.conv(width, 7, 2)
    graph.last = graph.file.node("MaxPool", [graph.last], kernel_shape=[3, 3], strides=[2, 2], pads=[1] * 4)
    seen = []
    for stage, depth in enumerate(depths):
        inner = width << stage
        out = 4 * inner if bottleneck else inner
        for block in range(depth):
            stride = 2 if stage and not block else 1
            around, channels = graph.last, graph.channels
            if bottleneck:
                graph.conv(inner, 1).conv(inner, 3, stride).conv(out, 1, act=None)
            else:
                graph.conv(inner, 3, stride).conv(out, 3, act=None)
            inside = graph.last
            if stride > 1 or channels != out:
                around = graph.at(around, channels).conv(out, 1, stride, act=None).last
            graph.at(inside, out).plus(around).act("Relu")
        seen.append((graph.last, out))
    return seen


def pyramid(graph: Graph, seen: Sequence[tuple[str, int]], width: int) -> list[str]:
    """Grids of one width, the coarser ones added to the finer ones."""
    grids: list[str] = []
    for last, channels in reversed(seen):
        own = graph.at(last, channels).conv(width, 1).last
        if grids:
            coarse = graph.at(grids[0], width).larger(own)
            own = graph.at(own, width).plus(coarse).conv(width).last
        grids.insert(0, own)
    return grids


def retinaface(graph: Graph, full: bool) -> Mapping[str, Sequence[Size]]:
    """ResNet-50, a pyramid of 256 channels, and around each cell of it three convolutions deep."""
    seen = resnet(graph, [3, 4, 6, 3] if full else [1] * 4, True, 64 if full else 8)
    width = 256 if full else 32
    contexts = []
    for grid in pyramid(graph, seen[1:], width):
        near = graph.at(grid, width).conv(width // 2, act=None).last
        mid = graph.at(grid, width).conv(width // 4).last
        five = graph.conv(width // 4, act=None).last
        seven = graph.at(mid, width // 4).conv(width // 4).conv(width // 4, act=None).last
        contexts.append(graph.file.node("Relu", [graph.file.node("Concat", [near, five, seven], axis=1)]))
    outputs: dict[str, Sequence[Size]] = {}
    for numbers in (4, 2, 10):
        grids = []
        for context in contexts:
            graph.at(context, width).conv(2 * numbers, 1, act=None, scale=_UNSURE)
            graph.last = graph.file.node("Transpose", [graph.last], perm=[0, 2, 3, 1])
            grids.append(graph.shaped(0, -1, numbers).last)
        told = graph.file.node("Concat", grids, axis=1)
        outputs[graph.file.node("Softmax", [told], axis=-1) if numbers == 2 else told] = ["batch", "anchors", numbers]
    return outputs


def scrfd(graph: Graph, full: bool) -> Mapping[str, Sequence[Size]]:
    """Its ResNet of few, wide blocks, a pyramid of 56 channels, and three convolutions before its numbers."""
    widths, depths = ([56, 88, 88, 224], [3, 4, 2, 3]) if full else ([8] * 4, [1] * 4)
    graph.conv(28, 3, 2).conv(28).conv(56)
    seen = []
    for out, depth in zip(widths, depths, strict=True):
        for block in range(depth):
            around, channels, stride = graph.last, graph.channels, 1 if block else 2
            inside = graph.conv(out, 3, stride).conv(out, 3, act=None).last
            if stride > 1 or channels != out:
                around = graph.at(around, channels).conv(out, 1, stride, act=None).last
            graph.at(inside, out).plus(around).act("Relu")
        seen.append((graph.last, out))
    grids = [graph.at(grid, 56).conv(80).conv(80).conv(80).last for grid in pyramid(graph, seen[1:], 56)]
    outputs: dict[str, Sequence[Size]] = {}
    for numbers in (1, 4, 10):
        for grid in grids:
            graph.at(grid, 80).conv(2 * numbers, 3, act="Sigmoid" if numbers == 1 else None, scale=_UNSURE)
            graph.last = graph.file.node("Transpose", [graph.last], perm=[0, 2, 3, 1])
            outputs[graph.shaped(0, -1, numbers).last] = ["batch", "anchors", numbers]
    return outputs


def iresnet(depths: Sequence[int]) -> Callable[[Graph, bool], Mapping[str, Sequence[Size]]]:
    """ArcFace's: 112 px, whole resolution until the first stage, 512 numbers."""

    def build(graph: Graph, full: bool) -> Mapping[str, Sequence[Size]]:
        width = 64 if full else 8
        graph.conv(width, act="PRelu")
        for stage, depth in enumerate(depths if full else [1] * 4):
            out = width << stage
            for block in range(depth):
                around, channels, stride = graph.last, graph.channels, 1 if block else 2
                inside = graph.conv(out, act="PRelu").conv(out, 3, stride, act=None).last
                if not block:
                    around = graph.at(around, channels).conv(out, 1, stride, act=None).last
                graph.at(inside, out).plus(around)
        told = graph.shaped(0, -1).linear(49 * graph.channels, 512)
        return {told.last: ["batch", 512]}

    return build


def bisenet(graph: Graph, full: bool) -> Mapping[str, Sequence[Size]]:
    """ResNet-34, a way of its own for what is fine, and 19 parts as large as the picture."""
    *_, (fine, fine_channels), (mid, mid_channels), (coarse, coarse_channels) = resnet(
        graph, [3, 4, 6, 3] if full else [1] * 4, False, 64 if full else 8
    )
    width = 128 if full else 16
    graph.at(coarse, coarse_channels).conv(width).squeezed(width)
    coarse = graph.at(graph.larger(mid), width).conv(width).last
    graph.at(mid, mid_channels).conv(width).squeezed(width).plus(coarse)
    mid = graph.at(graph.larger(fine), width).conv(width).last
    together = graph.file.node("Concat", [fine, mid], axis=1)
    graph.at(together, fine_channels + width).conv(256 if full else 16, 1).squeezed(64).conv(256 if full else 16)
    graph.conv(len(FACE_PARTS), 1, act=None)
    return {graph.larger("image"): ["batch", len(FACE_PARTS), "height", "width"]}


def efficientnet_b2(graph: Graph, full: bool) -> Mapping[str, Sequence[Size]]:
    graph.conv(32, 3, 2, act="Silu")
    for expand, out, depth, stride, side in (
        (1, 16, 2, 1, 3), (6, 24, 3, 2, 3), (6, 48, 3, 2, 5), (6, 88, 4, 2, 3), (6, 120, 4, 1, 5), (6, 208, 5, 2, 5),
        (6, 352, 2, 1, 3),
    ):  # fmt: skip
        for block in range(depth if full else 1):
            around, channels = graph.last, graph.channels
            inner = channels * expand
            if expand > 1:
                graph.conv(inner, 1, act="Silu")
            graph.conv(inner, side, 1 if block else stride, groups=inner, act="Silu").squeezed(max(1, channels // 4))
            graph.conv(out, 1, act=None)
            if block:
                graph.plus(around)
    graph.conv(1408, 1, act="Silu")
    graph.last = graph.file.node("GlobalAveragePool", [graph.last])
    return {graph.shaped(0, -1).linear(1408, 8).last: ["batch", 8]}


def rotation(graph: Graph, full: bool) -> Mapping[str, Sequence[Size]]:
    """ResNet-50, and a rotation."""
    resnet(graph, [3, 4, 6, 3] if full else [1] * 4, True, 64 if full else 8)
    graph.last = graph.file.node("GlobalAveragePool", [graph.last])
    return {graph.shaped(0, -1).linear(graph.channels, 9).shaped(-1, 3, 3).last: ["batch", 3, 3]}


def whole_body(wider: float, deeper: float) -> Callable[[Graph, bool], Mapping[str, Sequence[Size]]]:
    """RTMPose's: CSPNeXt over 288 x 384 px, and 133 points whose columns and rows are told apart."""

    def build(graph: Graph, full: bool) -> Mapping[str, Sequence[Size]]:
        wide = wider if full else 0.125
        graph.conv(int(32 * wide), 3, 2, act="Silu").conv(int(32 * wide), act="Silu").conv(int(64 * wide), act="Silu")
        for number, (out, depth) in enumerate(((128, 3), (256, 6), (512, 6), (1024, 3))):
            graph.conv(int(out * wide), 3, 2, act="Silu")
            if number == 3:
                _pooled(graph)
            _csp(graph, max(1, round(depth * deeper)) if full else 1)
        graph.conv(133, 7, act=None).shaped(0, 133, -1).linear(9 * 12, 256)
        _attention(graph, 256)
        seen = graph.last
        across = graph.linear(256, 576, seen).last
        return {across: ["batch", 133, 576], graph.linear(256, 768, seen).last: ["batch", 133, 768]}

    return build


def _csp(graph: Graph, depth: int) -> None:
    """Half of the channels through blocks of a whole and a deep convolution, the other half around them."""
    source, channels = graph.last, graph.channels
    inner = channels // 2
    around = graph.conv(inner, 1, act="Silu").last
    graph.at(source, channels).conv(inner, 1, act="Silu")
    for _ in range(depth):
        before = graph.last
        graph.conv(inner, act="Silu").conv(inner, 5, groups=inner, act="Silu").conv(inner, 1, act="Silu").plus(before)
    both = graph.file.node("Concat", [graph.last, around], axis=1)
    graph.at(both, 2 * inner).squeezed(2 * inner).conv(channels, 1, act="Silu")


def _pooled(graph: Graph) -> None:
    """By the largest of larger and larger neighbourhoods."""
    channels = graph.channels
    graph.conv(channels // 2, 1, act="Silu")
    grids = [graph.last] + [
        graph.file.node("MaxPool", [graph.last], kernel_shape=[side] * 2, pads=[side // 2] * 4) for side in (5, 9, 13)
    ]
    graph.at(graph.file.node("Concat", grids, axis=1), 2 * channels).conv(channels, 1, act="Silu")


def _attention(graph: Graph, size: int) -> None:
    """Each point by all others, in a gated unit."""
    source = graph.last
    gate, value = (graph.linear(size, 2 * size, source).act("Silu").last for _ in range(2))
    key = graph.linear(size, size // 2, source).last
    flipped = graph.file.node("Transpose", [key], perm=[0, 2, 1])
    near = graph.file.node("Softmax", [graph.file.node("MatMul", [key, flipped])], axis=-1)
    graph.last = graph.file.node("Mul", [gate, graph.file.node("MatMul", [near, value])])
    graph.linear(2 * size, size).plus(source)


def drawn(
    build: Callable[[Graph, bool], Mapping[str, Sequence[Size]]], full: bool, shape: Sequence[Size]
) -> tuple[bytes, int]:
    """The file's bytes, and how many weights it has."""
    graph = Graph(OnnxFile(shape))
    outputs = build(graph, full)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder, "network.onnx")
        graph.file.save(place, outputs)
        return place.read_bytes(), graph.weights
