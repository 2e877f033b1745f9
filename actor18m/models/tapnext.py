"""PointTracker: TAPNext, from a checkout that the user has. Its code and weights are Apache-2.0.

It looks at one frame after the other, in a square of 256 px, and remembers: a point that was hidden may be seen again.
All points are followed together, since they tell of each other.
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

FILE = "bootstapnext.pth"
_SIDE = 256
SHAPE: dict[str, int] = {"width": 768, "num_heads": 12, "lru_width": 768, "depth": 12}
"""Of the published weights."""
_CODE = Code(
    "TAPNext",
    "tapnet.tapnext.tapnext_torch",
    "get https://github.com/google-deepmind/tapnet, install einops, and name the folder: "
    "{backend: tapnext, checkout: /…/tapnet}",
)


class TapNextParameters(DeviceParameters):
    checkout: NoEffect[str | None] = None
    """The folder of a checkout of google-deepmind/tapnet, in which the folder `tapnet` lies. Without it, an installed
    module `tapnet` is taken."""


class TapNext:
    snapshots = ("tapnext",)
    parameters = TapNextParameters()
    not_on_an_index = _CODE.package
    """What the model lock calls its library."""

    def __init__(self, model: Any, device: Any, dtype: Any) -> None:
        self._model = model
        self._device = device
        self._dtype = dtype
        self._corners = LucasKanade()

    @classmethod
    def load(cls, weights: Path, parameters: TapNextParameters) -> Self:
        device = device_of(parameters)
        module = _CODE.imported(parameters.checkout)
        stored = torch().load(weights / FILE, map_location="cpu", weights_only=True)
        with torch().random.fork_rng():  # weights are drawn before they are read
            model = module.TAPNext(image_size=(_SIDE, _SIDE), **SHAPE)
        named = {name.removeprefix("tapnext."): each for name, each in stored.get("state_dict", stored).items()}
        model.load_state_dict(named)
        dtype = None if parameters.dtype in ("auto", "float32") else getattr(torch(), parameters.dtype)
        return cls(model.to(device).eval(), device, dtype)

    @classmethod
    def look(cls, parameters: TapNextParameters) -> Look:
        """Whether its code is here."""
        return _CODE.look(parameters.checkout)

    def seed(self, frames: Sequence[Frame], boxes: Sequence[Box], count: int) -> list[Floats]:
        """Corners: what is known again best, whoever looks for it."""
        return self._corners.seed(frames, boxes, count)

    def track(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        there = np.repeat(points[None], len(frames), axis=0).astype(np.float32)
        seen = np.ones(there.shape[:2], dtype=np.bool_)
        if len(frames) < 2 or not len(points):
            return there, seen
        # it counts rows before columns, in its square, and a point's frame before both
        scale = np.array([frames[0].shape[0], frames[0].shape[1]], dtype=np.float32) / _SIDE
        asked = np.pad(points[:, ::-1] / scale, ((0, 0), (1, 0))).astype(np.float32)
        queries, state = torch().from_numpy(asked)[None].to(self._device), None
        in_half = torch().autocast(self._device.type, self._dtype, enabled=self._dtype is not None)
        with torch().inference_mode(), in_half:
            for number, frame in enumerate(frames):
                given = {"query_points": queries} if state is None else {"state": state}
                tracks, _, likely, state = self._model(video=self._square(frame), **given)
                if number:
                    there[number] = (tracks[0, 0].float().cpu().numpy() * scale)[:, ::-1]
                    seen[number] = (likely[0, 0, :, 0] > 0).cpu().numpy()
        return there, seen

    def close(self) -> None:
        del self._model
        released()

    def _square(self, frame: Frame) -> Any:
        """float32[1, 1, 256, 256, 3], -1 to 1, of uint8[H, W, 3] RGB."""
        pixels = torch().from_numpy(np.ascontiguousarray(frame)).to(self._device).permute(2, 0, 1)[None].float()
        square = torch().nn.functional.interpolate(pixels, (_SIDE, _SIDE), mode="bilinear", align_corners=False)
        return (square / 127.5 - 1).permute(0, 2, 3, 1)[None]
