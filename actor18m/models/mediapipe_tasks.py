"""What both MediaPipe backends need: a task over a weights file, on the CPU, one image at a time."""

import weakref
from typing import Any

import numpy as np

from actor18m.arrays import Frame
from actor18m.errors import ActorError
from actor18m.models.libraries import hushed, library
from actor18m.models.weights import path_of

_SIDE = 64
NEEDS = (
    "the extra `embedded`, mediapipe beside it with --no-deps, and the system libraries libegl1 and libgles2 "
    "(README.md, Install)"
)
"""Plain `pip install mediapipe` also brings a second OpenCV, which overwrites files of the first."""


class Landmarker:
    """A landmarker of MediaPipe's Tasks API; `kind` is its name there.

    It is given squares only. When there is something to place for the first time, MediaPipe warns that in other images
    it might be placed wrongly, whatever the image.
    """

    def __init__(self, kind: str, file: str, **options: object) -> None:
        self._mediapipe = library("mediapipe", NEEDS)
        tasks = self._mediapipe.tasks
        base = tasks.BaseOptions(model_asset_path=str(path_of(file)), delegate=tasks.BaseOptions.Delegate.CPU)
        settings = getattr(tasks.vision, f"{kind}Options")(base_options=base, **options)
        self._has_found = False
        try:
            with hushed():
                self._task = getattr(tasks.vision, kind).create_from_options(settings)
            self(np.zeros((_SIDE, _SIDE, 3), np.uint8))  # the first image makes it talk
        except OSError as error:  # the shared library is loaded here, not on import
            raise ActorError(f"mediapipe cannot be loaded ({error}): install {NEEDS}") from error
        self._freed = weakref.finalize(self, _close, self._task)

    def __call__(self, image: Frame) -> Any:
        """What the task finds in uint8[side, side, 3] RGB."""
        given = self._mediapipe.Image(image_format=self._mediapipe.ImageFormat.SRGB, data=image)
        if self._has_found:
            return self._task.detect(given)
        with hushed():
            found = self._task.detect(given)
        self._has_found = any(vars(found).values())
        return found

    def close(self) -> None:
        """Frees the model; further calls do nothing."""
        self._freed()


def _close(task: Any) -> None:
    """MediaPipe frees a task on a thread pool. When the interpreter ends the pool is gone, and its own clean-up would
    end every run with a traceback; then the end of the process frees it."""
    try:
        task.close()
    except RuntimeError:
        task._handle = None
