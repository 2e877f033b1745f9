"""PointTracker: TAPNext, from a checkout that the user has. Its code and weights are Apache-2.0.

It looks at one frame after the other, in a square of 256 px, and remembers.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from actor18m.arrays import Bools, Floats, Frame
from actor18m.models.checkout_tracker import CheckoutParameters, CheckoutTracker
from actor18m.models.checkouts import Code
from actor18m.models.torch_device import device_of, torch

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


class TapNext(CheckoutTracker):
    snapshots = ("tapnext",)
    parameters = CheckoutParameters()
    code = _CODE
    not_on_an_index = _CODE.package
    """What the model lock calls its library."""

    @classmethod
    def load(cls, weights: Path, parameters: CheckoutParameters) -> Self:
        device = device_of(parameters)
        module = _CODE.imported(parameters.checkout)
        stored = torch().load(weights / FILE, map_location="cpu", weights_only=True)
        with torch().random.fork_rng():  # weights are drawn before they are read
            model = module.TAPNext(image_size=(_SIDE, _SIDE), **SHAPE)
        named = {name.removeprefix("tapnext."): each for name, each in stored.get("state_dict", stored).items()}
        model.load_state_dict(named)
        return cls(model.to(device).eval(), device, parameters.half)

    def _follow(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        """Frame by frame."""
        # it counts rows before columns, in its square, and a point's frame before both
        scale = np.array([frames[0].shape[0], frames[0].shape[1]], dtype=np.float32) / _SIDE
        asked = np.pad(points[:, ::-1] / scale, ((0, 0), (1, 0))).astype(np.float32)
        queries = torch().from_numpy(asked)[None].to(self._device)
        state = self._model(video=self._square(frames[0]), query_points=queries)[-1]
        there, seen = [], []
        for frame in frames[1:]:
            tracks, _, likely, state = self._model(video=self._square(frame), state=state)
            there.append((tracks[0, 0].float().cpu().numpy() * scale)[:, ::-1])
            seen.append((likely[0, 0, :, 0] > 0).cpu().numpy())
        return np.stack(there), np.stack(seen)

    def _square(self, frame: Frame) -> Any:
        """float32[1, 1, 256, 256, 3], -1 to 1, of uint8[H, W, 3] RGB."""
        pixels = torch().from_numpy(np.ascontiguousarray(frame)).to(self._device).permute(2, 0, 1)[None].float()
        square = torch().nn.functional.interpolate(pixels, (_SIDE, _SIDE), mode="bilinear", align_corners=False)
        return (square / 127.5 - 1).permute(0, 2, 3, 1)[None]
