"""What point trackers have in common whose code lies in a checkout that the user has.

All points are followed together, since they tell of each other: no part of them is followed alone where memory is
scarce.
"""

from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np

from actor18m.arrays import Bools, Box, Floats, Frame
from actor18m.models.checkouts import Code, Look
from actor18m.models.lucas_kanade import LucasKanade
from actor18m.models.parameters import NoEffect
from actor18m.models.torch_device import DeviceParameters, released, torch


class CheckoutParameters(DeviceParameters):
    checkout: NoEffect[str | None] = None
    """The folder of the checkout, in which the module's own folder lies. Without it, an installed module is taken."""

    @property
    def half(self) -> Any:
        """What to compute in; None is as the weights are."""
        return None if self.dtype in ("auto", "float32") else getattr(torch(), self.dtype)


class CheckoutTracker:
    code: ClassVar[Code]

    def __init__(self, model: Any, device: Any, dtype: Any) -> None:
        self._model = model
        self._device = device
        self._dtype = dtype
        self._corners = LucasKanade()

    @classmethod
    def look(cls, parameters: CheckoutParameters) -> Look:
        """Whether its code is here."""
        return cls.code.look(parameters.checkout)

    def seed(self, frames: Sequence[Frame], boxes: Sequence[Box], count: int) -> list[Floats]:
        """Corners: what is known again best, whoever looks for it."""
        return self._corners.seed(frames, boxes, count)

    def track(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        """A point that was hidden may be seen again."""
        there = np.repeat(points[None], len(frames), axis=0).astype(np.float32)
        seen = np.ones(there.shape[:2], dtype=np.bool_)
        if len(frames) < 2 or not len(points):
            return there, seen
        in_half = torch().autocast(self._device.type, self._dtype, enabled=self._dtype is not None)
        with torch().inference_mode(), in_half:
            there[1:], seen[1:] = self._follow(frames, there[0])
        return there, seen

    def close(self) -> None:
        del self._model
        released()

    def _follow(self, frames: Sequence[Frame], points: Floats) -> tuple[Floats, Bools]:
        """Where these points of the first frame are in each of the others, and whether they are seen there."""
        raise NotImplementedError
