"""RetinaFace of a quarter MobileNet as an ONNX file with its three outputs, made of its authors' state dict."""

from pathlib import Path

import numpy as np

from tests.models.cluster.onnx_files import OnnxFile

SIDE = 320
ANCHORS = (10, 20), (32, 64), (128, 256)
"""Its authors' own: data/config.py of https://github.com/biubug6/Face-Detector-1MB-with-landmark."""
_STRIDES = {"body.stage1": (2, 1, 2, 1, 2, 1), "body.stage2": (2, 1, 1, 1, 1, 1), "body.stage3": (2, 1)}


class _Network(OnnxFile):
    def __init__(self, state: Path) -> None:
        import torch

        super().__init__(["batch", 3, SIDE, SIDE])
        self._state = {
            name: each.numpy() for name, each in torch.load(state, map_location="cpu", weights_only=True).items()
        }

    def layer(self, source: str, name: str, first: int = 0, stride: int = 1, has_end: bool = True) -> str:
        """A convolution, what its numbers are brought to, and, mostly, nothing below zero."""
        kernel = self._state[f"{name}.{first}.weight"]
        groups = len(kernel) if kernel.shape[1] == 1 else 1
        edges = [kernel.shape[2] // 2] * 4
        seen = self.node("Conv", [source, self.weights(kernel)], strides=[stride] * 2, pads=edges, group=groups)
        told = ("weight", "bias", "running_mean", "running_var")
        known = [self.weights(self._state[f"{name}.{first + 1}.{each}"]) for each in told]
        seen = self.node("BatchNormalization", [seen, *known], epsilon=1e-5)
        return self.node("Relu", [seen]) if has_end else seen

    def stage(self, source: str, name: str) -> str:
        """Convolutions of each channel by itself and then across them; the very first is one across them alone."""
        for i, stride in enumerate(_STRIDES[name]):
            source = self.layer(source, f"{name}.{i}", stride=stride)
            if f"{name}.{i}.3.weight" in self._state:
                source = self.layer(source, f"{name}.{i}", 3)
        return source

    def merged(self, finer: str, coarser: str, name: str) -> str:
        scales = self.weights(np.array([1, 1, 2, 2], np.float32))
        larger = self.node("Resize", [coarser, "", scales], mode="nearest", nearest_mode="floor",
                           coordinate_transformation_mode="asymmetric")  # fmt: skip
        return self.layer(self.node("Add", [finer, larger]), name)

    def context(self, source: str, name: str) -> str:
        """Three sizes of surroundings."""
        near = self.layer(source, f"{name}.conv3X3", has_end=False)
        wide = self.layer(source, f"{name}.conv5X5_1")
        wider = self.layer(wide, f"{name}.conv7X7_2")
        seen = [
            near,
            self.layer(wide, f"{name}.conv5X5_2", has_end=False),
            self.layer(wider, f"{name}.conv7x7_3", has_end=False),
        ]
        return self.node("Relu", [self.node("Concat", seen, axis=1)])

    def head(self, grids: list[str], name: str, numbers: int) -> str:
        told = []
        for i, grid in enumerate(grids):
            known = [self.weights(self._state[f"{name}.{i}.conv1x1.{each}"]) for each in ("weight", "bias")]
            seen = self.node("Transpose", [self.node("Conv", [grid, *known])], perm=[0, 2, 3, 1])
            told.append(self.node("Reshape", [seen, self.weights(np.array([0, -1, numbers], np.int64))]))
        return self.node("Concat", told, axis=1)


def as_onnx(state: Path, place: Path) -> Path:
    network = _Network(state)
    fine = network.stage("image", "body.stage1")
    middle = network.stage(fine, "body.stage2")
    coarse = network.stage(middle, "body.stage3")
    fine, middle, coarse = (network.layer(each, f"fpn.output{i}") for i, each in enumerate((fine, middle, coarse), 1))
    middle = network.merged(middle, coarse, "fpn.merge2")
    fine = network.merged(fine, middle, "fpn.merge1")
    grids = [network.context(each, f"ssh{i}") for i, each in enumerate((fine, middle, coarse), 1)]
    boxes, points = network.head(grids, "BboxHead", 4), network.head(grids, "LandmarkHead", 10)
    scores = network.node("Softmax", [network.head(grids, "ClassHead", 2)], axis=-1)
    return network.save(place, {name: ["batch", "anchors", n] for name, n in ((boxes, 4), (scores, 2), (points, 10))})
