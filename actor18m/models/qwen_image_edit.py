"""ImageEditor: Qwen-Image-Edit 2509 or 2511, or FireRed-Image-Edit, which is of the same kind, through diffusers, with
LoRA that are fused when it is loaded.

The library makes one picture at a time and refuses more (0.42), so edits are made one after the other. A GPU has enough
to do with each: of 1024 x 1024 pixels, one picture is some 9,000 rows in each of the transformer's products.
"""

import math
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, field_validator

from actor18m.arrays import Frame
from actor18m.errors import ActorError
from actor18m.models.libraries import library
from actor18m.models.lock import read_lock
from actor18m.models.parameters import Adapter
from actor18m.models.roles import Edit
from actor18m.models.snapshots import pins_of, snapshot_of
from actor18m.models.torch_device import DeviceParameters, device_of, dtype_of, released, torch

_LIGHTNING_SHIFT = 3.0
"""Of the noise's schedule: what Lightning was distilled with."""
_STEPS = 40
_GUIDANCE, _NO_GUIDANCE = 4.0, 1.0


class QwenImageEditParameters(DeviceParameters):
    lora: Adapter[str | None] = None
    """Such as `qwen-angles`: weights by which the model turns the camera."""
    lora_scale: float = Field(default=1.25, gt=0)
    """How much of them is fused into the model's."""
    lightning: Adapter[str | None] = None
    """Such as `qwen-lightning`: weights by which a few steps do, without guidance."""
    steps: int | None = Field(default=None, ge=2)
    """Null: as many as Lightning's file says in its name, else 40. Of a single one the library makes no numbers."""
    true_cfg_scale: float | None = Field(default=None, ge=1)
    """How much the words are heard; above 1 each step takes twice as long. Null: 1 with Lightning, else 4."""
    negative_prompt: str = " "
    fp8: bool = False
    """Keeps the transformer's weights in 8 bits, which takes half the memory and changes results; what is computed
    stays in `dtype`."""

    @field_validator("lora", "lightning")
    @classmethod
    def _is_an_adapter(cls, name: str | None) -> str | None:
        adapters = [
            each for each, model in read_lock().models.items() if model.is_adapter and model.backend == __name__
        ]
        if name is not None and name not in adapters:
            raise ValueError(f"must be one of {', '.join(adapters)}, or null")
        return name


class QwenImageEdit:
    version = 1
    snapshots = ("qwen-image-edit", "qwen-image-edit-2511", "firered-image-edit")
    parameters = QwenImageEditParameters()

    def __init__(self, pipeline: Any, called: str, parameters: QwenImageEditParameters) -> None:
        self._pipeline = pipeline
        self._called = called
        fast = parameters.lightning
        guidance = parameters.true_cfg_scale or (_NO_GUIDANCE if fast else _GUIDANCE)
        self._how = {
            "num_inference_steps": parameters.steps or (_steps_of(fast) if fast else _STEPS),
            "true_cfg_scale": guidance,
            # words against which the picture is guided are read only where it is guided
            "negative_prompt": parameters.negative_prompt if guidance > 1 else None,
        }

    @classmethod
    def load(cls, weights: Path, parameters: QwenImageEditParameters) -> Self:
        diffusers = library("diffusers", "diffusers")
        device = device_of(parameters)
        pipeline = diffusers.QwenImageEditPlusPipeline.from_pretrained(
            weights, local_files_only=True, dtype=stored_in(parameters, device)
        )
        if parameters.lora is not None:
            _fuse(pipeline, parameters.lora, parameters.lora_scale)
        if parameters.lightning is not None:
            _fuse(pipeline, parameters.lightning, 1.0)
            shift = math.log(_LIGHTNING_SHIFT)
            pipeline.scheduler = diffusers.FlowMatchEulerDiscreteScheduler.from_config(
                pipeline.scheduler.config, shift=1.0, base_shift=shift, max_shift=shift, shift_terminal=None,
                use_dynamic_shifting=True, time_shift_type="exponential",
            )  # fmt: skip
        if parameters.fp8:
            pipeline.transformer.enable_layerwise_casting(
                storage_dtype=torch().float8_e4m3fn, compute_dtype=pipeline.transformer.dtype
            )
        pipeline.set_progress_bar_config(disable=True)
        called = " + ".join([pins_of(weights.name).hub, *parameters.adapters])
        return cls(pipeline.to(device), called, parameters)

    @property
    def called(self) -> str:
        return self._called

    def edit(self, asked: Sequence[Edit]) -> list[Frame]:
        return [self._edited(each) for each in asked]

    def close(self) -> None:
        del self._pipeline
        released()

    def _edited(self, asked: Edit) -> Frame:
        pillow = library("PIL.Image", "pillow")
        generator = torch().Generator("cpu").manual_seed(asked.seed)  # on a CPU: the same noise on every GPU
        made = self._pipeline(
            image=[pillow.fromarray(picture) for picture in asked.pictures], prompt=asked.prompt, generator=generator,
            height=self._possible(asked.height), width=self._possible(asked.width), **self._how,
        )  # fmt: skip
        return np.array(made.images[0].convert("RGB"), np.uint8)

    def _possible(self, length_px: int) -> int:
        """The nearest one that the model has: its pixels are made in squares."""
        square: int = 2 * self._pipeline.vae_scale_factor
        return max(1, round(length_px / square)) * square


def stored_in(parameters: QwenImageEditParameters, device: Any) -> Any:
    """diffusers does not know `auto`, and takes float32 for it: twice the memory."""
    found = dtype_of(parameters, device)
    return torch().bfloat16 if found == "auto" else found


def _fuse(pipeline: Any, name: str, scale: float) -> None:
    """Adds the adapter's weights to the model's. The library only warns where none of them is for this model."""
    place, file = snapshot_of(name), _file_of(name)
    before = _adapters(pipeline)
    pipeline.load_lora_weights(place, weight_name=file, adapter_name="adapter", local_files_only=True)
    if _adapters(pipeline) == before:
        raise ActorError(
            f"{name}: none of the weights in {place / file} is for this model. Is it another model's LoRA?"
        )
    pipeline.fuse_lora(components=["transformer"], lora_scale=scale, adapter_names=["adapter"])
    pipeline.unload_lora_weights()


def _file_of(name: str) -> str:
    (file,) = (path for path in pins_of(name).files if path.endswith(".safetensors"))
    return file


def _steps_of(name: str) -> int:
    told = re.search(r"-(\d+)steps", _file_of(name))
    if told is None:
        raise ActorError(f"{name}: {_file_of(name)} does not say for how many steps it is; say `steps` of the backend")
    return int(told[1])


def _adapters(pipeline: Any) -> list[str]:
    return [name for names in pipeline.get_list_adapters().values() for name in names]
