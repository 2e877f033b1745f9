"""PersonDetector: YOLO-World v2 through ultralytics, asked for "person".

Its licence, the AGPL, asks of who offers a service with it to publish the service's code: it is used by choice alone.
"""

import atexit
import logging
import os
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import Field, PositiveInt

from actor18m.arrays import Frame
from actor18m.errors import ActorError
from actor18m.models.batches import Batches
from actor18m.models.libraries import library
from actor18m.models.parameters import BackendParameters, NoEffect
from actor18m.models.roles import Person
from actor18m.models.torch_device import DeviceParameters, at_once, device_of, released, torch

_KEPT_TO_ITSELF = {"YOLO_OFFLINE": "true", "YOLO_AUTOINSTALL": "false", "YOLO_VERBOSE": "false"}
"""Otherwise ultralytics asks its makers for news, tells them of its use, and installs packages while it runs."""
_PROMPT = "person"


class YoloWorldParameters(BackendParameters):
    device: NoEffect[str] = "auto"
    """`auto` is the GPU where the process has one, else the CPU. On another device results differ in their last digits:
    what was measured stays as it is."""
    batch: NoEffect[int] = Field(default=16, gt=0)
    """So many frames of one size at once on a GPU; where memory does not suffice, half as many from there on. On a CPU
    they go one by one: a result does not depend on its neighbours."""
    side: PositiveInt = 640
    """What the longer side of a frame is scaled to, in pixels; a multiple of 32."""
    min_score: float = Field(default=0.25, ge=0, le=1)
    """What is less sure is not told at all; stages have bounds of their own."""
    same_overlap: float = Field(default=0.7, ge=0, le=1)
    """Of boxes that overlap by more, only the surest is told."""


class YoloWorld:
    snapshots = ("yolo-world",)
    parameters = YoloWorldParameters()

    def __init__(self, model: Any, device: Any, parameters: YoloWorldParameters) -> None:
        self._model = model
        self._asked = {
            "device": device, "imgsz": parameters.side, "conf": parameters.min_score, "iou": parameters.same_overlap,
            "verbose": False, "save": False,
        }  # fmt: skip
        self._detected = Batches("yolo-world", self._batch, at_once(parameters.batch, device))

    @classmethod
    def load(cls, weights: Path, parameters: YoloWorldParameters) -> Self:
        os.environ |= _KEPT_TO_ITSELF
        _keep_settings_aside()
        ultralytics = library("ultralytics", "ultralytics with --no-deps: it would bring another OpenCV along")
        log = logging.getLogger("ultralytics")
        log.setLevel(logging.WARNING)
        log.addFilter(_lost_nothing)
        device = device_of(DeviceParameters(device=parameters.device))
        (file,) = weights.glob("*.pt")
        model = ultralytics.YOLOWorld(file)
        _ask_for(_PROMPT, model.model, file)
        return cls(model, device, parameters)

    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        """Frames of one size together: of others in a batch it would depend how they are scaled and padded."""
        told: dict[int, list[Person]] = {}
        for shape in dict.fromkeys(frame.shape for frame in frames):
            alike = [at for at, frame in enumerate(frames) if frame.shape == shape]
            told |= zip(alike, self._detected([frames[at] for at in alike]), strict=True)
        return [told[at] for at in range(len(frames))]

    def close(self) -> None:
        del self._model, self._detected
        released()

    def _batch(self, frames: Sequence[Frame]) -> list[list[Person]]:
        """ultralytics takes arrays for BGR."""
        found = self._model.predict([np.ascontiguousarray(frame[..., ::-1]) for frame in frames], **self._asked)
        return [_told(each.boxes) for each in found]


def _keep_settings_aside() -> None:
    """It writes them when it is imported, into the user's own folder, unless another one is named."""
    if "YOLO_CONFIG_DIR" not in os.environ:
        os.environ["YOLO_CONFIG_DIR"] = aside = tempfile.mkdtemp(prefix="actor18m-ultralytics-")
        atexit.register(shutil.rmtree, aside, ignore_errors=True)


def _ask_for(prompt: str, model: Any, file: Path) -> None:
    """The weights come with a vocabulary whose words CLIP has read: of it one word is kept. `set_classes` would load
    CLIP, which it installs from a repository on the way."""
    numbers = [number for number, name in model.names.items() if name.lower() == prompt]
    if not numbers or not torch().is_tensor(getattr(model, "txt_feats", None)):
        raise ActorError(
            f"{file}: the weights were saved without the word {prompt} in their vocabulary. Take those of the model "
            f'lock, or save them again after `set_classes(["{prompt}"])`'
        )
    model.txt_feats = model.txt_feats[:, numbers[:1]]
    model.model[-1].nc = 1
    model.names = {0: prompt}


def _lost_nothing(said: logging.LogRecord) -> bool:
    """ultralytics chooses among overlapping boxes for so many seconds. Those of pictures that are left it drops, and
    only warns: but how busy a machine is must not tell how many people there are."""
    if "time limit" in said.getMessage():
        raise ActorError(
            f"yolo-world: {said.getMessage()}, so boxes were lost. Try again where less goes on, or raise min_score"
        )
    return True


def _told(boxes: Any) -> list[Person]:
    corners, scores = boxes.xyxy.float().cpu().tolist(), boxes.conf.float().cpu().tolist()
    people = [Person((x0, y0, x1, y1), score) for (x0, y0, x1, y1), score in zip(corners, scores, strict=True)]
    return sorted(people, key=lambda each: -each.score)
