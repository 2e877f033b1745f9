"""FaceParser: Segformer through transformers, 19 classes, trained on CelebAMask-HQ."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from actor18m.arrays import Frame
from actor18m.models.learned_parsing import LearnedParsing, Parts
from actor18m.models.libraries import library
from actor18m.models.roles import FACE_PARTS
from actor18m.models.torch_device import TorchParameters, at_once, of_transformers, released, torch

_CALLED = {
    "l_brow": "left_brow", "r_brow": "right_brow", "l_eye": "left_eye", "r_eye": "right_eye", "eye_g": "glasses",
    "l_ear": "left_ear", "r_ear": "right_ear", "ear_r": "earring", "u_lip": "upper_lip", "l_lip": "lower_lip",
    "neck_l": "necklace",
}  # fmt: skip
"""What CelebAMask-HQ calls parts, where that is another word; its left is the subject's own."""


class Segformer(LearnedParsing):
    snapshots = ("segformer-face",)
    parameters = TorchParameters()

    def __init__(self, model: Any, processor: Any, parameters: TorchParameters) -> None:
        super().__init__("segformer-face", at_once(parameters.batch, model.device))
        self._model = model
        self._processor = processor
        self._parts = parts_of(model.config.id2label)

    @classmethod
    def load(cls, weights: Path, parameters: TorchParameters) -> Self:
        transformers = library("transformers", "transformers")
        processor = transformers.AutoImageProcessor.from_pretrained(weights, local_files_only=True)
        model = of_transformers(transformers.SegformerForSemanticSegmentation, weights, parameters)
        return cls(model, processor, parameters)

    def close(self) -> None:
        del self._model, self._parsed
        released()

    def _batch(self, squares: Sequence[Frame]) -> list[Parts]:
        inputs = self._processor(images=list(squares), return_tensors="pt").to(self._model.device, self._model.dtype)
        with torch().inference_mode():
            found = self._model(**inputs)
        sizes = [square.shape[:2] for square in squares]
        told = self._processor.post_process_semantic_segmentation(found, target_sizes=sizes)
        return [self._parts[each.cpu().numpy()] for each in told]


def parts_of(labels: Mapping[int, str]) -> Parts:
    """uint8[C]: for each class of the weights, which of `FACE_PARTS` it is: other weights have another order."""
    names = [_CALLED.get(labels[number], labels[number]) for number in range(len(labels))]
    if unknown := sorted({*names} - {*FACE_PARTS}):
        raise ValueError(f"the weights tell of {', '.join(unknown)}, which are no parts of a face")
    if missing := sorted({*FACE_PARTS} - {*names}):
        raise ValueError(f"the weights know no {', '.join(missing)}")
    return np.array([FACE_PARTS.index(name) for name in names], np.uint8)
