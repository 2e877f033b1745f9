"""A Qwen-Image-Edit of a few thousand weights, saved as its authors save theirs, and LoRA for it."""

import importlib
from pathlib import Path
from typing import Any

import pytest

PIXELS = 64
"""The side of what it looks at, and of what it is good at making."""


@pytest.fixture
def small_areas(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pictures are looked at in the sizes of the large model, by constants of the library's module."""
    edit = pytest.importorskip("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus")
    monkeypatch.setattr(edit, "VAE_IMAGE_SIZE", PIXELS**2)
    monkeypatch.setattr(edit, "CONDITION_IMAGE_SIZE", 56 * 56)


def save_editor(place: Path, **of_transformer: Any) -> None:
    torch: Any = importlib.import_module("torch")
    diffusers: Any = importlib.import_module("diffusers")
    transformers: Any = importlib.import_module("transformers")
    torch.manual_seed(18)
    special = ["<|endoftext|>", "<|im_start|>", "<|im_end|>", "<|vision_start|>", "<|vision_end|>", "<|image_pad|>",
               "<|video_pad|>"]  # fmt: skip
    letters = byte_letters()
    tokens = {token: number for number, token in enumerate([*letters, *special])}
    tokenizer: Any = transformers.Qwen2Tokenizer(vocab=tokens, merges=[], extra_special_tokens=special[1:])
    pictures = transformers.Qwen2VLImageProcessor(min_pixels=56 * 56, max_pixels=56 * 56)
    videos = transformers.Qwen2VLVideoProcessor()
    processor = transformers.Qwen2VLProcessor(image_processor=pictures, tokenizer=tokenizer, video_processor=videos)
    ids = {name: tokenizer.convert_tokens_to_ids(f"<|{name}|>") for name in
           ("vision_start", "vision_end", "image_pad", "video_pad", "endoftext")}  # fmt: skip
    config = transformers.Qwen2_5_VLConfig(
        text_config={
            "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
            "num_key_value_heads": 2, "vocab_size": len(tokenizer),
            "rope_parameters": {"rope_type": "default", "mrope_section": [1, 1, 2], "rope_theta": 1e6},
        },
        vision_config={
            "depth": 2, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16,
            "fullatt_block_indexes": [1],
        },
        vision_start_token_id=ids["vision_start"], vision_end_token_id=ids["vision_end"],
        image_token_id=ids["image_pad"], video_token_id=ids["video_pad"],
    )  # fmt: skip
    diffusers.QwenImageEditPlusPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.02),
        vae=diffusers.AutoencoderKLQwenImage(
            base_dim=24, z_dim=4, dim_mult=[1, 2, 4], num_res_blocks=1, temperal_downsample=[False, True],
            latents_mean=[0.0] * 4, latents_std=[1.0] * 4,
        ),
        text_encoder=transformers.Qwen2_5_VLForConditionalGeneration(config),
        tokenizer=tokenizer,
        processor=processor,
        transformer=diffusers.QwenImageTransformer2DModel(
            patch_size=2, in_channels=16, out_channels=4, num_layers=2, attention_head_dim=16, num_attention_heads=3,
            joint_attention_dim=16, guidance_embeds=False, axes_dims_rope=(8, 4, 4), **of_transformer,
        ),
    ).save_pretrained(place)  # fmt: skip


def save_lora(place: Path, name: str, keys: tuple[str, str] = ("{}.lora_A.default.weight", "{}.lora_B.default.weight"),
              alpha: float | None = None) -> None:  # fmt: skip
    """Of all queries of the attention, with weights that are large enough to be seen; `keys` is how they are called."""
    import safetensors.torch
    import torch

    chance = torch.Generator().manual_seed(18)
    weights = {}
    for block in range(2):
        at = f"transformer_blocks.{block}.attn.to_q"
        weights[keys[0].format(at)] = torch.randn(4, 48, generator=chance)
        weights[keys[1].format(at)] = torch.randn(48, 4, generator=chance)
        if alpha is not None:
            weights[f"{at}.alpha"] = torch.tensor(alpha)
    (place / name).parent.mkdir(parents=True, exist_ok=True)
    safetensors.torch.save_file(weights, place / name)


def byte_letters() -> list[str]:
    """How a tokenizer of bytes writes each of them."""
    seen = [*range(33, 127), *range(161, 173), *range(174, 256)]
    unseen = [byte for byte in range(256) if byte not in seen]
    return [*map(chr, seen), *(chr(256 + number) for number in range(len(unseen)))]
