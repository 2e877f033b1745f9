"""PersonSegmenter: SAM 3 through transformers. It finds all people by the word, follows each, and one of them is told.

Which one says motion's box. A film is streamed: it is looked at frame by frame, and of what was before no more is kept
than the model looks back at.
"""

import importlib
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from actor18m.arrays import Bools, Box, Frame
from actor18m.media.bounds import bounds
from actor18m.media.boxes import overlap
from actor18m.models.libraries import library
from actor18m.models.sam2 import LOOKED_BACK_AT, Sam2Parameters
from actor18m.models.torch_device import of_transformers, released, torch

_WORD = "person"


class Sam3:
    """Its authors' licence forbids some uses, and asks who passes the model on to pass the licence on."""

    snapshots = ("sam3",)
    parameters = Sam2Parameters()

    def __init__(self, model: Any, processor: Any, parameters: Sam2Parameters) -> None:
        self._model = model
        self._processor = processor
        self._lost_below = parameters.lost_below

    @classmethod
    def load(cls, weights: Path, parameters: Sam2Parameters) -> Self:
        transformers = library("transformers", "transformers")
        processor = transformers.Sam3VideoProcessor(
            transformers.Sam3ImageProcessor.from_pretrained(weights, local_files_only=True),
            transformers.Sam2VideoVideoProcessor(),  # no whole videos
            transformers.AutoTokenizer.from_pretrained(weights, local_files_only=True),
        )
        model = of_transformers(transformers.Sam3VideoModel, weights, parameters)
        # where it is installed, `kernels` would fetch code from a hub to fill holes of masks
        code: Any = importlib.import_module(type(model).__module__)
        code.cv_utils_kernel = False
        return cls(model, processor, parameters)

    def masks(self, frames: Iterable[tuple[Frame, Box | None]]) -> Iterator[Bools | None]:
        """From the first box on. Where a box is given, the person is who is there: who was followed, or else who
        overlaps with it most; nobody where no one does."""
        film: _Film | None = None
        followed: int | None = None
        for frame, box in frames:
            if film is None and box is None:
                yield None
                continue
            film = film or _Film(self._model, self._processor)
            people = film.people(frame)
            who = followed if box is None else self._who(people, box, followed)
            followed = followed if who is None else who
            yield None if who is None else people.get(who)

    def close(self) -> None:
        del self._model
        released()

    def _who(self, people: Mapping[int, Bools], box: Box, followed: int | None) -> int | None:
        fits = {number: overlap(bounds(mask), box) for number, mask in people.items()}
        if followed is not None and fits.get(followed, 0.0) >= self._lost_below:
            return followed
        best = max(fits, key=lambda number: fits[number], default=None)
        return best if best is not None and fits[best] >= self._lost_below else None


class _Film:
    """A session of the library's."""

    def __init__(self, model: Any, processor: Any) -> None:
        self._model = model
        self._processor = processor
        self._session = processor.init_video_session(inference_device=model.device, dtype=model.dtype)
        processor.add_text_prompt(self._session, _WORD)
        of = model.config.tracker_config
        self._looks_back = max(of.num_maskmem, of.max_object_pointers_in_encoder)
        self._most_begun = of.max_cond_frame_num
        self._at = -1

    def people(self, frame: Frame) -> dict[int, Bools]:
        """Those who are seen, by the numbers by which they are followed: bool[H, W] each."""
        self._at += 1
        size = frame.shape[:2]
        pixels = self._processor(images=frame, device=self._model.device, return_tensors="pt").pixel_values
        with torch().inference_mode():
            found = self._model(self._session, frame=pixels, frame_idx=self._at)
        told = self._processor.postprocess_outputs(self._session, found, original_sizes=[list(size)])
        self._forget()
        masks: npt.NDArray[np.bool_] = told["masks"].cpu().numpy()
        seen = zip(told["object_ids"].tolist(), masks, strict=True)
        return {number: mask for number, mask in seen if mask.any()}  # what others cover may be nothing

    def _forget(self) -> None:
        """Of frames by which a person was found or found again, all pointers are looked back at, and the masks of the
        latest few. How many frames there were counts, too."""
        session, oldest = self._session, self._at - self._looks_back
        session.processed_frames[self._at] = None
        for seen in session.output_dict_per_obj.values():
            begun, followed = seen["cond_frame_outputs"], seen["non_cond_frame_outputs"]
            followed.pop(oldest, None)
            for each in (*begun.values(), followed.get(self._at)):
                for name in set(each or ()) - LOOKED_BACK_AT:
                    del each[name]
            for at in sorted(begun)[: -self._most_begun]:
                for name in set(begun[at]) - {"object_pointer"}:
                    del begun[at][name]
        for given in session.mask_inputs_per_obj.values():
            given.clear()
        for tracked in session.frames_tracked_per_obj.values():
            tracked.pop(oldest, None)
