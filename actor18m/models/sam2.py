"""PersonSegmenter: SAM 2.1 or EdgeTAM through transformers. One person through a film, asked for by a box.

A film is streamed: it is looked at frame by frame, and of what was before no more is kept than the model looks back at.
"""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from actor18m.arrays import Bools, Box, Frame
from actor18m.media.bounds import bounds
from actor18m.media.boxes import overlap
from actor18m.models.libraries import library
from actor18m.models.torch_device import DeviceParameters, of_transformers, released, torch

_PERSON = 1
"""What the library is told to call the one object of a session."""
LOOKED_BACK_AT = {"maskmem_features", "maskmem_pos_enc", "object_pointer"}
"""What of a frame the model looks back at. The masks that the library keeps, too, are 4 MiB a frame."""


class Sam2Parameters(DeviceParameters):
    lost_below: float = Field(default=0.3, ge=0, le=1)
    """Where a box is given and the mask's own overlaps with it by less, the track is lost: it begins anew there, by
    that box and without memory."""


class Sam2:
    snapshots = ("sam2", "edgetam")
    parameters = Sam2Parameters()

    def __init__(self, model: Any, processor: Any, parameters: Sam2Parameters) -> None:
        self._model = model
        self._processor = processor
        self._lost_below = parameters.lost_below

    @classmethod
    def load(cls, weights: Path, parameters: Sam2Parameters) -> Self:
        transformers = library("transformers", "transformers")
        if transformers.AutoConfig.from_pretrained(weights, local_files_only=True).model_type == "edgetam_video":
            library("timm", "timm, which has EdgeTAM's first layers")
        images = transformers.Sam2ImageProcessor.from_pretrained(weights, local_files_only=True)
        processor = transformers.Sam2VideoProcessor(images, transformers.Sam2VideoVideoProcessor())  # no whole videos
        model = of_transformers(transformers.AutoModel, weights, parameters)
        return cls(model, processor, parameters)

    def masks(self, frames: Iterable[tuple[Frame, Box | None]]) -> Iterator[Bools | None]:
        """From the first box on, and also where no box is given: the model finds again who was away or hidden."""
        film: _Film | None = None
        for frame, box in frames:
            if film is None:
                if box is None:
                    yield None
                    continue
                film = _Film(self._model, self._processor)
                film.show(frame)
                mask = film.begun(box)
            else:
                film.show(frame)
                mask = film.followed()
                if box is not None and (mask is None or overlap(bounds(mask), box) < self._lost_below):
                    mask = film.begun(box)
            yield mask

    def close(self) -> None:
        del self._model
        released()


class _Film:
    """A session of the library's, and the frame that is shown."""

    def __init__(self, model: Any, processor: Any) -> None:
        self._model = model
        self._processor = processor
        self._session = processor.init_video_session(inference_device=model.device, dtype=model.dtype)
        self._looks_back = max(model.config.num_maskmem, model.config.max_object_pointers_in_encoder)
        self._at = -1
        self._size = 0, 0
        self._pixels: Any = None

    def show(self, frame: Frame) -> None:
        self._at += 1
        self._size = frame.shape[0], frame.shape[1]
        self._pixels = self._processor(images=frame, device=self._model.device, return_tensors="pt").pixel_values

    def begun(self, box: Box) -> Bools | None:
        """By the box alone: nothing of before is remembered."""
        self._session.reset_tracking_data()
        self._processor.add_inputs_to_inference_session(
            self._session, self._at, _PERSON, input_boxes=[[list(box)]], original_size=self._size
        )
        return self.followed()

    def followed(self) -> Bools | None:
        with torch().inference_mode():
            found = self._model(self._session, frame=self._pixels, frame_idx=self._at)
        self._forget()
        (soft,) = self._processor.post_process_masks([found.pred_masks.float()], [self._size], binarize=False)
        mask: Bools = (soft[0, 0] > 0).cpu().numpy()
        return mask if mask.any() else None

    def _forget(self) -> None:
        session, oldest = self._session, self._at - self._looks_back
        session.processed_frames.clear()
        for seen in session.output_dict_per_obj.values():
            told = seen["non_cond_frame_outputs"]
            told.pop(oldest, None)
            for each in (seen["cond_frame_outputs"].get(self._at), told.get(self._at)):
                for name in set(each or ()) - LOOKED_BACK_AT:
                    del each[name]
        for tracked in session.frames_tracked_per_obj.values():
            tracked.pop(oldest, None)
