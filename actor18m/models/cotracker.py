"""PointTracker: CoTracker 3, from a checkout that the user has.

Its code and weights are CC-BY-NC: they may not be used for money, the project carries neither, and nothing downloads
the code. Points are followed together, since they tell of each other: no part of them is followed alone where memory is
scarce.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from actor18m.arrays import Bools, Box, Floats, Frame
from actor18m.models.checkouts import Code, Look
from actor18m.models.lucas_kanade import LucasKanade
from actor18m.models.parameters import NoEffect
from actor18m.models.torch_device import DeviceParameters, device_of, released, torch

_OFFLINE, _ONLINE = "scaled_offline.pth", "scaled_online.pth"
_WINDOW = {_OFFLINE: 60, _ONLINE: 16}
"""Frames that the weights were trained to see at once; more of them the online ones see window by window."""
_CODE = Code(
    "CoTracker",
    "cotracker.predictor",
    "where it may be used, which is not for money (CC-BY-NC), get https://github.com/facebookresearch/co-tracker and "
    "name its folder: {backend: cotracker3, checkout: /…/co-tracker}",
)


class CoTrackerParameters(DeviceParameters):
    checkout: NoEffect[str | None] = None
    """The folder of a checkout of facebookresearch/co-tracker, in which the folder `cotracker` lies; torch.hub's copy
    is one, too. Without it, an installed module `cotracker` is taken."""


class CoTracker:
    snapshots = ("cotracker3", "cotracker3-online")
    parameters = CoTrackerParameters()
    not_on_an_index = _CODE.package
    """What the model lock calls its library."""

    def __init__(self, predictor: Any, device: Any, dtype: Any) -> None:
        self._predictor = predictor
        self._device = device
        self._dtype = dtype
        self._corners = LucasKanade()

    @classmethod
    def load(cls, weights: Path, parameters: CoTrackerParameters) -> Self:
        device = device_of(parameters)
        name = _ONLINE if (weights / _ONLINE).is_file() else _OFFLINE
        stored = torch().load(weights / name, map_location="cpu", weights_only=True)
        with torch().random.fork_rng():  # its modules seed torch when they are imported
            predictors = _CODE.imported(parameters.checkout)
            predictor = predictors.CoTrackerPredictor(
                checkpoint=None, offline=name == _OFFLINE, window_len=_WINDOW[name], v2=False
            )
        predictor.model.load_state_dict(stored.get("model", stored))
        dtype = None if parameters.dtype in ("auto", "float32") else getattr(torch(), parameters.dtype)
        return cls(predictor.to(device).eval(), device, dtype)

    @classmethod
    def look(cls, parameters: CoTrackerParameters) -> Look:
        """Whether its code is here."""
        return _CODE.look(parameters.checkout)

    def seed(self, frames: Sequence[Frame], boxes: Sequence[Box], count: int) -> list[Floats]:
        """Corners: what is known again best, whoever looks for it."""
        return self._corners.seed(frames, boxes, count)

    def track(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        """All frames at once. A point that was hidden may be seen again."""
        there = np.repeat(points[None], len(frames), axis=0).astype(np.float32)
        seen = np.ones(there.shape[:2], dtype=np.bool_)
        if len(frames) < 2 or not len(points):
            return there, seen
        film = torch().from_numpy(np.stack(frames)).to(self._device).permute(0, 3, 1, 2)[None].float()
        queries = torch().nn.functional.pad(torch().from_numpy(there[0]).to(self._device), (1, 0))[None]
        in_half = torch().autocast(self._device.type, self._dtype, enabled=self._dtype is not None)
        with torch().inference_mode(), in_half:
            tracks, visible = self._predictor(film, queries=queries)
        there[1:], seen[1:] = tracks[0, 1:].float().cpu().numpy(), visible[0, 1:].cpu().numpy()
        return there, seen

    def close(self) -> None:
        del self._predictor
        released()
