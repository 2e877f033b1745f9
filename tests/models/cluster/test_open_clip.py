"""CLIP and SigLIP 2: what open_clip itself encodes of the same pictures."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.media.similarity import similarity
from actor18m.models.backends import Backend, load
from actor18m.models.open_clip import OpenClip, OpenClipParameters

TEXT = {"context_length": 8, "vocab_size": 64, "width": 16, "heads": 2, "layers": 1}
CLIP = {
    "embed_dim": 24,
    "quick_gelu": True,
    "vision_cfg": {"image_size": 64, "layers": 2, "width": 32, "head_width": 16, "patch_size": 16},
    "text_cfg": TEXT,
}
SIGLIP = {
    "embed_dim": 64,
    "init_logit_bias": -10,
    "custom_text": True,
    "vision_cfg": {"image_size": 160, "timm_model_name": "test_vit", "timm_model_pretrained": False,
                   "timm_pool": "map", "timm_proj": "none"},
    "text_cfg": {**TEXT, "no_causal_mask": True, "proj_bias": True, "pool_type": "last"},
}  # fmt: skip
OF = {"clip": (CLIP, "shortest"), "siglip2": (SIGLIP, "squash")}


def small_open_clip(name: str) -> Callable[[Path], None]:
    import torch

    open_clip = pytest.importorskip("open_clip")
    hub = pytest.importorskip("open_clip.push_to_hf_hub")

    class NoTokenizer:
        def save_pretrained(self, place: Path) -> None: ...

    def save(place: Path) -> None:
        torch.manual_seed(18)
        config, resize = OF[name]
        (place / "source.json").write_text(json.dumps(config))
        open_clip.add_model_config(place / "source.json")
        model = open_clip.create_model("source", force_preprocess_cfg={"resize_mode": resize})
        hub.save_for_hf(model, NoTokenizer(), config, str(place))

    return save


def _told_by_library(folder: Path, frames: list[Frame], **how: Any) -> Any:
    import torch
    from PIL import Image

    open_clip = pytest.importorskip("open_clip")
    model, prepare = open_clip.create_model_from_pretrained(f"local-dir:{folder}", **how)
    with torch.inference_mode():
        return [model.eval().encode_image(prepare(Image.fromarray(each))[None])[0].numpy() for each in frames]


@pytest.mark.parametrize("name", OpenClip.snapshots)
def test_frames_are_encoded_as_the_library_does(
    name: str, needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame], tmp_path: Path
) -> None:
    needs("torchvision")
    needs("open_clip")
    small(name, small_open_clip(name))
    assert not list((tmp_path / "models").rglob("*.bin")), "no pickle is pulled"
    backend = load(name)
    backend._encoded._most = 3  # as on a GPU
    told = backend.encode(pictures)
    assert {(each.shape, each.dtype.name) for each in told} == {((OF[name][0]["embed_dim"],), "float32")}
    theirs = _told_by_library(tmp_path / "models" / name, pictures)
    assert np.allclose(told, theirs, atol=1e-4)
    assert backend.encode([]) == []
    backend.close()


@pytest.mark.parametrize("name", OpenClip.snapshots)
def test_colours_and_sides_are_not_swapped(
    name: str, needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame], tmp_path: Path
) -> None:
    """A random network tells them apart, so that likeness is no accident."""
    needs("torchvision")
    needs("open_clip")
    small(name, small_open_clip(name))
    backend, frame = load(name), pictures[0]
    others = [frame[..., ::-1], frame[:, ::-1], frame.transpose(1, 0, 2)]
    own, *swapped = backend.encode([frame, *map(np.ascontiguousarray, others)])
    (theirs,) = _told_by_library(tmp_path / "models" / name, [frame])
    assert np.allclose(own, theirs, atol=1e-4)
    assert all(np.abs(each - theirs).max() > 1e-3 for each in swapped)


def test_a_picture_can_be_taken_whole(
    needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame], tmp_path: Path
) -> None:
    """CLIP's own square leaves out what is at the sides."""
    needs("torchvision")
    needs("open_clip")
    small("clip", small_open_clip("clip"))
    frame = pictures[0]
    other = frame.copy()
    other[:, :40] = 255 - other[:, :40]
    assert frame.shape[1] > frame.shape[0] + 2 * 40
    cut, whole = load("clip"), load("clip", OpenClipParameters(fit="squash"))
    assert np.array_equal(*cut.encode([frame, other]))
    seen, changed = whole.encode([frame, other])
    assert not np.allclose(seen, changed, atol=1e-4)
    assert np.allclose(
        whole.encode([frame]),
        _told_by_library(tmp_path / "models" / "clip", [frame], image_resize_mode="squash"),
        atol=1e-4,
    )


def test_half_precision_is_nearly_the_same(
    needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame]
) -> None:
    needs("torchvision")
    needs("open_clip")
    small("siglip2", small_open_clip("siglip2"))
    full, half = (load("siglip2", OpenClipParameters(dtype=dtype)) for dtype in ("float32", "bfloat16"))
    for one, other in zip(full.encode(pictures), half.encode(pictures), strict=True):
        assert other.dtype == np.float32
        assert similarity("cosine", one, other) > 0.99


def test_what_changes_vectors_counts_and_a_batch_does_not() -> None:
    plain, cut, batched = (
        Backend.model_validate({"backend": "clip", **told}).parameters.that_count()
        for told in ({}, {"fit": "shortest"}, {"batch": 64, "device": "cpu"})
    )
    assert plain == batched != cut
