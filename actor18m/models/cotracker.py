"""PointTracker: CoTracker 3, from a checkout that the user has.

Its code and weights are CC-BY-NC: they may not be used for money, the project carries neither, and nothing downloads
the code.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import numpy as np

from actor18m.arrays import Bools, Floats, Frame
from actor18m.models.checkout_tracker import CheckoutParameters, CheckoutTracker
from actor18m.models.checkouts import Code
from actor18m.models.torch_device import device_of, torch

_OFFLINE, _ONLINE = "scaled_offline.pth", "scaled_online.pth"
_WINDOW = {_OFFLINE: 60, _ONLINE: 16}
"""Frames that the weights were trained to see at once; more of them the online ones see window by window."""
_CODE = Code(
    "CoTracker",
    "cotracker.predictor",
    "where it may be used, which is not for money (CC-BY-NC), get https://github.com/facebookresearch/co-tracker and "
    "name its folder: {backend: cotracker3, checkout: /…/co-tracker}",
)


class CoTracker(CheckoutTracker):
    snapshots = ("cotracker3", "cotracker3-online")
    parameters = CheckoutParameters()
    code = _CODE
    not_on_an_index = _CODE.package
    """What the model lock calls its library."""

    @classmethod
    def load(cls, weights: Path, parameters: CheckoutParameters) -> Self:
        device = device_of(parameters)
        name = _ONLINE if (weights / _ONLINE).is_file() else _OFFLINE
        stored = torch().load(weights / name, map_location="cpu", weights_only=True)
        with torch().random.fork_rng():  # its modules seed torch when they are imported
            predictors = _CODE.imported(parameters.checkout)
            predictor = predictors.CoTrackerPredictor(
                checkpoint=None, offline=name == _OFFLINE, window_len=_WINDOW[name], v2=False
            )
        predictor.model.load_state_dict(stored.get("model", stored))
        return cls(predictor.to(device).eval(), device, parameters.half)

    def _follow(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        """All frames at once."""
        film = torch().from_numpy(np.stack(frames)).to(self._device).permute(0, 3, 1, 2)[None].float()
        queries = torch().nn.functional.pad(torch().from_numpy(points).to(self._device), (1, 0))[None]
        tracks, visible = self._model(film, queries=queries)
        return tracks[0, 1:].float().cpu().numpy(), visible[0, 1:].cpu().numpy()
