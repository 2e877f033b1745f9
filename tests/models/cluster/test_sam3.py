"""SAM 3: of the people that the library itself finds by the word and follows, the one in the box, in bounded memory."""

import importlib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Bools, Box, Frame
from actor18m.media.bounds import bounds
from actor18m.media.boxes import overlap
from actor18m.models.backends import load
from actor18m.models.sam2 import Sam2Parameters
from actor18m.models.sam3 import Sam3
from tests.models.cluster.segmented_films import bodies_by, first_three_seconds, masks_one_by_one, sessions_of

PATCH, GRID, WIDTH = 14, 8, 128
SIDE = PATCH * GRID
LETTERS = "abcdefghijklmnopqrstuvwxyz"


def _config(transformers: Any) -> Any:
    """Every part of the large one, small, and sure of what it finds."""
    vision = {
        "model_type": "sam3_vision_model",
        "backbone_config": {
            "model_type": "sam3_vit_model", "hidden_size": WIDTH, "intermediate_size": WIDTH, "num_hidden_layers": 2,
            "num_attention_heads": 2, "image_size": SIDE, "patch_size": PATCH, "window_size": 4,
            "global_attn_indexes": [1], "pretrain_image_size": SIDE,
        },
        "fpn_hidden_size": WIDTH,
        "backbone_feature_sizes": [[4 * GRID] * 2, [2 * GRID] * 2, [GRID] * 2],
    }  # fmt: skip
    part = {"hidden_size": WIDTH, "num_attention_heads": 2}
    deep = {**part, "intermediate_size": WIDTH, "num_layers": 2}
    detector = {
        "model_type": "sam3",
        "vision_config": vision,
        "text_config": {
            "model_type": "clip_text_model", **part, "vocab_size": 64, "intermediate_size": WIDTH,
            "projection_dim": WIDTH, "num_hidden_layers": 1, "max_position_embeddings": 32, "eos_token_id": 1,
            "bos_token_id": 0, "pad_token_id": 1,
        },
        "geometry_encoder_config": deep,
        "detr_encoder_config": deep,
        "detr_decoder_config": {**deep, "num_queries": 8},
        "mask_decoder_config": part,
    }  # fmt: skip
    tracker = {
        "model_type": "sam3_tracker_video",
        "vision_config": vision,
        "prompt_encoder_config": {"hidden_size": WIDTH, "image_size": SIDE, "patch_size": PATCH},
        "mask_decoder_config": {**part, "mlp_dim": WIDTH, "iou_head_hidden_dim": WIDTH},
        "memory_attention_hidden_size": WIDTH, "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": WIDTH,
        "memory_encoder_hidden_size": WIDTH,
        "memory_encoder_output_channels": 64, "mask_downsampler_embed_dim": WIDTH, "memory_fuser_embed_dim": WIDTH,
        "memory_fuser_intermediate_dim": WIDTH, "image_size": SIDE,
    }  # fmt: skip
    return transformers.Sam3VideoConfig(
        detector_config=detector, tracker_config=tracker, low_res_mask_size=4 * GRID, recondition_every_nth_frame=2,
        score_threshold_detection=0.0, new_det_thresh=0.0, high_conf_thresh=0.0, high_iou_thresh=0.0,
        assoc_iou_thresh=0.0, max_num_objects=4, det_nms_thresh=0.0,
    )  # fmt: skip


def _save(place: Path) -> None:
    import torch

    transformers = pytest.importorskip("transformers")
    torch.manual_seed(18)
    made = transformers.Sam3VideoModel(_config(transformers)).eval()
    for part, weight in made.named_parameters():
        if weight.ndim > 1 and "backbone" not in part:  # as they are drawn, masks hardly depend on the picture
            torch.nn.init.normal_(weight, std=0.15)
    torch.nn.init.constant_(made.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias, 100.0)  # all are there
    made.save_pretrained(place)
    size, small = ({"height": side, "width": side} for side in (SIDE, 4 * GRID))
    transformers.Sam3ImageProcessor(size=size, mask_size=small).save_pretrained(place)
    words = ["<|startoftext|>", "<|endoftext|>", *LETTERS, *(f"{letter}</w>" for letter in LETTERS)]
    transformers.CLIPTokenizer(
        vocab={word: number for number, word in enumerate(words)}, merges=[], unk_token="<|endoftext|>",
        pad_token="<|endoftext|>",
    ).save_pretrained(place)  # fmt: skip


@pytest.fixture
def loaded(needs: Callable[[str], Any], small: Callable[..., None]) -> Callable[..., Sam3]:
    for library in ("torch", "torchvision", "transformers"):
        needs(library)
    small("sam3", _save)
    return lambda **told: load("sam3", Sam2Parameters(**told))


@pytest.fixture(scope="module")
def film() -> list[Frame]:
    return first_three_seconds("low_resolution_1")


def _by_the_library(backend: Sam3, film: Iterable[Frame], word: str = "person") -> Iterator[dict[int, Bools]]:
    """The streamed session of its documentation, which keeps everything."""
    model, processor = backend._model, backend._processor
    session = processor.init_video_session()
    processor.add_text_prompt(session, word)
    for frame in film:
        inputs = processor(images=frame, return_tensors="pt")
        found = model(inference_session=session, frame=inputs.pixel_values[0])
        told = processor.postprocess_outputs(session, found, original_sizes=inputs.original_sizes)
        yield {int(number): mask.numpy() for number, mask in zip(told["object_ids"], told["masks"], strict=True)}


def _tracked(backend: Sam3, shown: Iterable[tuple[Frame, Box | None]]) -> list[Bools | None]:
    return list(backend.masks(shown))


def test_people_are_followed_as_by_the_library_in_bounded_memory(
    loaded: Callable[..., Sam3], film: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = loaded(lost_below=0.0)
    sessions = sessions_of(backend, monkeypatch)
    whole = 0.0, 0.0, float(film[0].shape[1]), float(film[0].shape[0])
    masks = masks_one_by_one(backend, film, whole)
    (session,) = sessions
    assert session.processed_frames == dict.fromkeys(range(24))
    for seen in session.output_dict_per_obj.values():
        assert all(at >= 24 - 16 for at in seen["non_cond_frame_outputs"])
        begun = seen["cond_frame_outputs"]
        assert sum("maskmem_features" in each for each in begun.values()) <= 4
        assert all("pred_masks" not in each for each in (*begun.values(), *seen["non_cond_frame_outputs"].values()))
    assert max(len(seen["cond_frame_outputs"]) for seen in session.output_dict_per_obj.values()) > 4, "found again"
    monkeypatch.undo()
    expected = list(_by_the_library(backend, film))
    largest = max(expected[0], key=lambda number: overlap(bounds(expected[0][number]), whole))
    for mask, people in zip(masks, expected, strict=True):
        true = people.get(largest)
        if mask is None:
            assert true is None or not true.any()
        else:
            assert true is not None
            assert np.array_equal(mask, true)
            assert mask.shape == film[0].shape[:2]
    assert sum(mask is not None for mask in masks) > 20
    backend.close()


def test_the_word_colours_and_sides_count(loaded: Callable[..., Sam3], film: list[Frame]) -> None:
    backend, frame = loaded(lost_below=0.0), film[0]
    (told,) = _tracked(backend, [(frame, (0.0, 0.0, 320.0, 180.0))])
    assert told is not None
    for other in (frame[..., ::-1], frame[:, ::-1], frame[::-1]):
        (swapped,) = _tracked(backend, [(np.ascontiguousarray(other), (0.0, 0.0, 320.0, 180.0))])
        assert swapped is not None
        assert not np.array_equal(told, swapped)
    (people,), (bikes,) = (list(_by_the_library(backend, [frame], word)) for word in ("person", "bike"))
    assert any(np.array_equal(told, mask) for mask in people.values())
    assert not any(np.array_equal(told, mask) for mask in bikes.values())


class _Known:
    """A film in which two people change places."""

    def __init__(self, seen: list[dict[int, Bools]]) -> None:
        self.seen = iter(seen)

    def people(self, frame: Frame) -> dict[int, Bools]:
        return next(self.seen)


def test_who_is_in_the_box_is_followed_until_somebody_else_is(
    loaded: Callable[..., Sam3], monkeypatch: pytest.MonkeyPatch
) -> None:
    left, right, nowhere = (np.zeros((10, 20), np.bool_) for _ in range(3))
    left[2:8, 1:7] = right[2:8, 12:18] = nowhere[9, 0] = True
    in_left, in_right = (1.0, 2.0, 7.0, 8.0), (12.0, 2.0, 18.0, 8.0)
    frame = np.zeros((10, 20, 3), np.uint8)
    both: dict[int, Bools] = {3: left, 5: right}
    seen: list[dict[int, Bools]] = [both, {3: right, 5: left}, both, {5: left}, {5: right}, {3: nowhere}, {5: left}]
    module = importlib.import_module("actor18m.models.sam3")
    monkeypatch.setattr(module, "_Film", lambda *_: _Known(seen))
    boxes: list[Box | None] = [None, in_left, None, in_right, None, in_left, in_right, None]
    told = _tracked(loaded(lost_below=0.3), [(frame, box) for box in boxes])
    for number, (mask, true) in enumerate(zip(told, [None, left, right, right, left, None, None, left], strict=True)):
        assert mask is true, number


def test_bodies_of_a_clip(loaded: Callable[..., Sam3]) -> None:
    samples = [each["sample"] for each in bodies_by(loaded(lost_below=0.0))]
    assert {*samples} & {1, 2, 3, 4, 5}
    assert min(samples) >= 1, "nobody before the first box"


def test_no_code_is_fetched_to_fill_holes(loaded: Callable[..., Sam3]) -> None:
    backend = loaded()
    assert importlib.import_module(type(backend._model).__module__).cv_utils_kernel is False
