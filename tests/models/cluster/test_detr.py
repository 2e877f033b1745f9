"""D-FINE and RT-DETRv2: what the library says of the same pictures, in our words."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.models.backends import Backend, load
from actor18m.models.detr import Detr, DetrParameters

LABELS = {0: "bicycle", 1: "Person"}
SMALL = {
    "d_model": 32,
    "encoder_hidden_dim": 32,
    "encoder_ffn_dim": 32,
    "decoder_layers": 2,
    "decoder_ffn_dim": 32,
    "encoder_attention_heads": 2,
    "decoder_attention_heads": 2,
    "num_queries": 20,
    "decoder_in_channels": [32, 32, 32],
    "encoder_in_channels": [32, 64, 128],
    "id2label": LABELS,
    "label2id": {label: number for number, label in LABELS.items()},
}


def small_detr(name: str, then: Callable[[Any], None] = lambda made: None, **other: int) -> Callable[[Path], None]:
    """`then` is done with its weights before they are saved; `other` sizes than SMALL has."""
    import torch

    transformers = pytest.importorskip(
        "transformers"
    )  # as if it had no types: where it is installed, they miss keywords

    def save(place: Path) -> None:
        torch.manual_seed(18)
        made: Any
        if name == "rt-detrv2":
            backbone = transformers.RTDetrResNetConfig(
                embedding_size=16, hidden_sizes=[16, 32, 64, 128], depths=[1, 1, 1, 1], layer_type="basic",
                out_features=["stage2", "stage3", "stage4"],
            )  # fmt: skip
            made = transformers.RTDetrV2ForObjectDetection(
                transformers.RTDetrV2Config(backbone_config=backbone, **SMALL | other)
            )
        else:
            backbone = transformers.HGNetV2Config(
                stem_channels=[3, 8, 16], stage_in_channels=[16, 16, 32, 64], stage_mid_channels=[8, 16, 16, 32],
                stage_out_channels=[16, 32, 64, 128], stage_num_blocks=[1, 1, 1, 1], stage_numb_of_layers=[1, 1, 1, 1],
                hidden_sizes=[16, 32, 64, 128], depths=[1, 1, 1, 1],
                out_features=["stage2", "stage3", "stage4"],
            )  # fmt: skip
            made = transformers.DFineForObjectDetection(
                transformers.DFineConfig(backbone_config=backbone, **SMALL | other)
            )
        then(made)
        made.eval().save_pretrained(place)
        transformers.RTDetrImageProcessor(size={"height": 160, "width": 160}).save_pretrained(place)

    return save


@pytest.mark.parametrize("name", Detr.snapshots)
def test_people_are_what_the_library_finds(
    name: str, needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame]
) -> None:
    torch, transformers = needs("torch"), needs("transformers")
    needs("torchvision")
    small(name, small_detr(name))
    backend = load(name, DetrParameters(min_score=0.0))
    backend._detected._most = 3  # as on a GPU
    told = backend.people(pictures)
    assert [len(people) for people in told] != [0] * len(pictures), "some of the random boxes are said to be people"
    model, processor = backend._model, backend._processor

    def asked(frame: Frame) -> tuple[Any, Any]:
        inputs = processor(images=[np.ascontiguousarray(frame)], return_tensors="pt")
        with torch.inference_mode():
            (found,) = processor.post_process_object_detection(
                model(**inputs), threshold=0.0, target_sizes=[frame.shape[:2]]
            )
        are_people = found["labels"] == 1
        return found["scores"][are_people], found["boxes"][are_people]

    for frame, people in zip(pictures, told, strict=True):
        scores, boxes = asked(frame)
        assert len(people) == len(scores)
        for other in (frame[..., ::-1], frame[:, ::-1], frame.transpose(1, 0, 2)):
            swapped, _ = asked(other)
            assert len(swapped) != len(scores) or not np.allclose(swapped, scores, atol=1e-4), (
                "colours, sides and axes are told apart"
            )
        order = scores.argsort(descending=True, stable=True)
        assert np.allclose([person.score for person in people], scores[order], atol=1e-4)
        height, width = frame.shape[:2]
        clipped = boxes[order].numpy().clip(0, (width, height, width, height))
        assert np.allclose(np.array([person.box for person in people]).reshape(-1, 4), clipped, atol=0.5)
    backend.close()
    assert transformers is not None


@pytest.mark.parametrize("name", Detr.snapshots)
def test_on_a_cpu_nobody_beside_it_changes_a_number(
    name: str, needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame]
) -> None:
    needs("torchvision")
    small(name, small_detr(name))
    backend = load(name, DetrParameters(min_score=0.0, device="cpu"))
    apart = [people for frame in pictures for people in backend.people([frame])]
    assert backend.people(pictures) == apart, "to the last digit"


def test_a_batch_changes_nothing_that_is_told() -> None:
    told = [Backend.model_validate({"backend": "d-fine", "batch": batch}) for batch in (1, 8)]
    assert told[0].parameters.that_count() == told[1].parameters.that_count()
