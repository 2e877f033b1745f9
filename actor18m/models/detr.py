"""PersonDetector: D-FINE or RT-DETRv2 through transformers, trained on COCO or on Objects365 and COCO."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from actor18m.arrays import Frame
from actor18m.models.batches import Batches
from actor18m.models.libraries import library
from actor18m.models.roles import Person
from actor18m.models.torch_device import TorchParameters, at_once, of_transformers, released, torch


class DetrParameters(TorchParameters):
    min_score: float = Field(default=0.25, ge=0, le=1)
    """What is less sure is not told at all; stages have bounds of their own."""


class Detr:
    snapshots = ("d-fine", "rt-detrv2")
    parameters = DetrParameters()

    def __init__(self, model: Any, processor: Any, parameters: DetrParameters) -> None:
        self._model = model
        self._processor = processor
        self._min_score = parameters.min_score
        self._people = _of_people(model.config.id2label)
        self._detected = Batches("detr", self._batch, at_once(parameters.batch, model.device))

    @classmethod
    def load(cls, weights: Path, parameters: DetrParameters) -> Self:
        transformers = library("transformers", "transformers")
        processor = transformers.AutoImageProcessor.from_pretrained(weights, local_files_only=True)
        model = of_transformers(transformers.AutoModelForObjectDetection, weights, parameters)
        return cls(model, processor, parameters)

    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        return self._detected(frames)

    def close(self) -> None:
        del self._model, self._detected
        released()

    def _batch(self, frames: Sequence[Frame]) -> list[list[Person]]:
        inputs = self._processor(images=list(frames), return_tensors="pt").to(self._model.device, self._model.dtype)
        with torch().inference_mode():
            found = self._model(**inputs)
        sizes = [frame.shape[:2] for frame in frames]
        told = self._processor.post_process_object_detection(found, threshold=self._min_score, target_sizes=sizes)
        return [self._told(each, *size) for each, size in zip(told, sizes, strict=True)]

    def _told(self, found: dict[str, Any], height: int, width: int) -> list[Person]:
        boxes, scores, labels = (found[each].float().cpu().numpy() for each in ("boxes", "scores", "labels"))
        people = [
            Person((max(0.0, x0), max(0.0, y0), min(float(width), x1), min(float(height), y1)), float(score))
            for (x0, y0, x1, y1), score, label in zip(boxes.tolist(), scores, labels, strict=True)
            if int(label) in self._people
        ]
        return sorted(people, key=lambda each: -each.score)


def _of_people(labels: dict[int, str]) -> frozenset[int]:
    """COCO calls them person and Objects365 Person."""
    found = frozenset(int(number) for number, label in labels.items() if label.lower() == "person")
    if not found:
        raise ValueError(f"the weights know no person among their {len(labels)} classes")
    return found
