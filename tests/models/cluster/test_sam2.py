"""SAM 2 and EdgeTAM: what the library itself tracks through the same film, frame by frame and in bounded memory."""

import sys
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Bools, Box, Frame
from actor18m.errors import ActorError
from actor18m.models.backends import load
from actor18m.models.sam2 import Sam2, Sam2Parameters
from tests.models.cluster.segmented_films import bodies_by, first_three_seconds, masks_one_by_one, sessions_of

SIDE = 128
GRIDS = [[SIDE // 4] * 2, [SIDE // 8] * 2, [SIDE // 16] * 2]
SMALL: dict[str, Any] = {
    "image_size": SIDE,
    "prompt_encoder_config": {"hidden_size": 128, "image_size": SIDE},
    "mask_decoder_config": {"hidden_size": 128, "mlp_dim": 64, "iou_head_hidden_dim": 32},
    "memory_attention_hidden_size": 128,
    "memory_attention_num_layers": 2,
    "memory_attention_rope_feat_sizes": GRIDS[2],
    "memory_encoder_hidden_size": 128,
    "memory_encoder_output_channels": 64,
    "mask_downsampler_embed_dim": 128,
    "memory_fuser_embed_dim": 128,
    "memory_fuser_intermediate_dim": 64,
}


def _network(name: str, transformers: Any) -> Any:
    if name == "sam2":
        backbone = transformers.Sam2HieraDetConfig(
            hidden_size=16, num_attention_heads=1, image_size=[SIDE, SIDE], blocks_per_stage=[1, 2, 2, 1],
            global_attention_blocks=[4], embed_dim_per_stage=[16, 32, 64, 128],
            num_attention_heads_per_stage=[1, 2, 4, 8],
        )  # fmt: skip
        seen = transformers.Sam2VisionConfig(
            backbone_config=backbone, backbone_channel_list=[128, 64, 32, 16], backbone_feature_sizes=GRIDS,
            fpn_hidden_size=128,
        )  # fmt: skip
        return transformers.Sam2VideoModel(transformers.Sam2VideoConfig(vision_config=seen, **SMALL))
    backbone = transformers.TimmWrapperConfig(
        architecture="repvit_m1",
        model_args={"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]},
    )
    seen = transformers.EdgeTamVisionConfig(backbone_config=backbone, backbone_feature_sizes=GRIDS, fpn_hidden_size=128)
    latents = {"perceiver_resampler_num_latents": 16, "perceiver_resampler_num_latents_2d": 16}
    return transformers.EdgeTamVideoModel(
        transformers.EdgeTamVideoConfig(vision_config=seen, memory_attention_rope_k_sizes=[4, 4], **latents, **SMALL)
    )


def small_sam2(name: str) -> Callable[[Path], None]:
    import torch

    transformers = pytest.importorskip("transformers")

    def save(place: Path) -> None:
        torch.manual_seed(18)
        made = _network(name, transformers).eval()
        for part, weight in made.named_parameters():
            if weight.ndim > 1 and "backbone" not in part:  # as they are drawn, masks hardly depend on the picture
                torch.nn.init.normal_(weight, std=0.1)
        torch.nn.init.constant_(made.mask_decoder.pred_obj_score_head.proj_out.bias, 100.0)  # somebody is there
        made.save_pretrained(place)
        size = {"height": SIDE, "width": SIDE}
        images = transformers.Sam2ImageProcessor(size=size, mask_size={"height": SIDE // 4, "width": SIDE // 4})
        images.save_pretrained(place)

    return save


@pytest.fixture(params=Sam2.snapshots)
def loaded(
    request: pytest.FixtureRequest, needs: Callable[[str], Any], small: Callable[..., None]
) -> Callable[..., Sam2]:
    for library in ("torch", "torchvision", "transformers", *(["timm"] if request.param == "edgetam" else [])):
        needs(library)
    small(request.param, small_sam2(request.param))
    return lambda **told: load(request.param, Sam2Parameters(**told))


@pytest.fixture(scope="module")
def film() -> list[Frame]:
    """A head that turns."""
    return first_three_seconds("talk_yaw_1")


BOX: Box = (20.0, 10.0, 120.0, 150.0)


def _by_the_library(backend: Sam2, film: list[Frame], box: Box) -> Iterator[Bools]:
    """The session of its documentation, which keeps everything."""
    import torch

    model, processor = backend._model, backend._processor
    session = processor.init_video_session()
    for at, frame in enumerate(film):
        inputs = processor(images=frame, return_tensors="pt")
        if at == 0:
            processor.add_inputs_to_inference_session(
                session, 0, 7, input_boxes=[[list(box)]], original_size=inputs.original_sizes[0]
            )
        with torch.inference_mode():
            found = model(inference_session=session, frame=inputs.pixel_values[0])
        (masks,) = processor.post_process_masks([found.pred_masks], inputs.original_sizes)
        yield masks[0, 0].numpy()


def test_a_film_is_tracked_as_by_the_library_in_bounded_memory(
    loaded: Callable[..., Sam2], film: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    backend = loaded(lost_below=0.0)
    sessions = sessions_of(backend, monkeypatch)
    masks = masks_one_by_one(backend, film, BOX)
    told = sessions[0].output_dict_per_obj[0]
    assert len(film) == 24
    assert sorted(told["non_cond_frame_outputs"]) == list(range(24 - 16, 24))
    assert "high_res_masks" not in told["cond_frame_outputs"][0]
    assert sessions[0].processed_frames == {}
    expected = list(_by_the_library(backend, film, BOX))
    found = [mask for mask in masks if mask is not None]
    assert all(np.array_equal(mask, true) for mask, true in zip(found, expected, strict=True))
    assert found[0].shape == film[0].shape[:2]
    assert 0 < np.mean(found) < 1
    assert any(not np.array_equal(one, other) for one, other in pairwise(found))
    backend.close()


def test_colours_and_sides_count(loaded: Callable[..., Sam2], film: list[Frame]) -> None:
    backend = loaded()
    frame, height = film[0], film[0].shape[0]
    (mask,) = _tracked(backend, [(frame, BOX)])
    for other in (
        (np.ascontiguousarray(frame[..., ::-1]), BOX),
        (frame, (BOX[1], BOX[0], BOX[3], BOX[2])),
        (frame, (BOX[0], height - BOX[3], BOX[2], height - BOX[1])),
        (np.ascontiguousarray(frame[:, ::-1]), BOX),
    ):
        (swapped,) = _tracked(backend, [other])
        assert not np.array_equal(mask, swapped)


def test_a_lost_track_begins_anew_where_a_box_is_given(loaded: Callable[..., Sam2], film: list[Frame]) -> None:
    backend = loaded(lost_below=1.0)
    nobody, first, away, again, *_ = film
    assert next(backend.masks([(nobody, None), (first, BOX)])) is None
    shown = [(first, BOX), (away, None), (again, BOX)]
    begun, remembered, anew = _tracked(backend, shown)
    (alone,) = _tracked(backend, [(first, BOX)])
    assert np.array_equal(begun, alone)
    (alone,) = _tracked(backend, [(again, BOX)])
    assert np.array_equal(anew, alone), "nothing of before counts"
    _, same, followed = _tracked(loaded(lost_below=0.0), shown)
    assert np.array_equal(same, remembered)
    assert not np.array_equal(followed, anew)


def _tracked(backend: Sam2, shown: Iterable[tuple[Frame, Box | None]]) -> list[Bools]:
    masks = [mask for mask in backend.masks(shown) if mask is not None]
    assert len(masks) == len(list(shown))
    return masks


def test_who_is_not_seen_has_no_mask(loaded: Callable[..., Sam2], film: list[Frame]) -> None:
    backend = loaded()
    score = backend._model.mask_decoder.pred_obj_score_head.proj_out
    score.bias.data.fill_(-100.0)
    assert list(backend.masks([(frame, BOX) for frame in film[:2]])) == [None, None]


def test_what_edgetam_needs_beside_transformers_is_named(
    needs: Callable[[str], Any], small: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> None:
    for library in ("torch", "torchvision", "transformers", "timm"):
        needs(library)
    small("edgetam", small_sam2("edgetam"))
    monkeypatch.setitem(sys.modules, "timm", None)
    with pytest.raises(ActorError, match="install timm"):
        load("edgetam")


def test_bodies_of_a_clip(loaded: Callable[..., Sam2]) -> None:
    assert [each["sample"] for each in bodies_by(loaded())][:5] == [1, 2, 3, 4, 5]
