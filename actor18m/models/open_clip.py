"""FrameEncoder: CLIP or SigLIP 2 through open_clip, of which only the part that sees pictures is kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, Self

from actor18m.arrays import Floats, Frame
from actor18m.media.similarity import Metric
from actor18m.models.batches import Batches
from actor18m.models.libraries import library
from actor18m.models.torch_device import TorchParameters, at_once, device_of, released, torch

_PRECISION = {"auto": "fp32", "float32": "fp32", "bfloat16": "pure_bf16", "float16": "pure_fp16"}
"""In open_clip's words. The weights are stored in float32."""


class OpenClipParameters(TorchParameters):
    fit: Literal["weights", "shortest", "longest", "squash"] = "weights"
    """How a picture becomes a square: as the weights' authors do it; cut to the middle, which of a standing person has
    neither head nor feet; with bars at its sides; or squashed. CLIP's cut, SigLIP's squash."""


class OpenClip:
    snapshots = ("clip", "siglip2")
    parameters = OpenClipParameters()
    metric: Metric = "cosine"

    def __init__(self, visual: Any, prepared: Any, device: Any, dtype: Any, batch: int) -> None:
        self._visual = visual
        self._prepared = prepared
        self._device = device
        self._dtype = dtype
        self._encoded = Batches("open_clip", self._batch, batch)

    @classmethod
    def load(cls, weights: Path, parameters: OpenClipParameters) -> Self:
        open_clip = library("open_clip", "open_clip_torch")
        device = device_of(parameters)
        model, prepared = open_clip.create_model_from_pretrained(
            f"local-dir:{weights}",
            precision=_PRECISION[parameters.dtype],
            image_resize_mode=None if parameters.fit == "weights" else parameters.fit,
        )
        visual = model.visual.eval()
        dtype = next(visual.parameters()).dtype
        return cls(visual.to(device), prepared, device, dtype, at_once(parameters.batch, device))

    def encode(self, frames: Sequence[Frame]) -> list[Floats]:
        return self._encoded(frames)

    def close(self) -> None:
        del self._visual, self._encoded
        released()

    def _batch(self, frames: Sequence[Frame]) -> list[Floats]:
        image = library("PIL.Image", "pillow")
        inputs = torch().stack([self._prepared(image.fromarray(frame)) for frame in frames])
        with torch().inference_mode():
            told = self._visual(inputs.to(self._device, self._dtype))
        return list(told.float().cpu().numpy())
