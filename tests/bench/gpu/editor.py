"""Qwen-Image-Edit whole, made where it runs: 58 GB in bfloat16 are not made twice."""

from typing import Any

from actor18m.models import roles
from actor18m.models.libraries import library
from actor18m.models.qwen_image_edit import QwenImageEdit, QwenImageEditParameters
from actor18m.models.torch_device import torch
from tests.bench.gpu.network import Network, Where, torch_network
from tests.models.cluster.qwen import byte_letters

STEPS = 4
"""With Lightning's weights it takes as many, without guidance."""
_SPECIAL = (
    "<|endoftext|>",
    "<|im_start|>",
    "<|im_end|>",
    "<|vision_start|>",
    "<|vision_end|>",
    "<|image_pad|>",
    "<|video_pad|>",
)
_FIRST_SPECIAL = {True: 151643, False: 256}


def _editor(full: bool) -> Any:
    """A module of the three networks: what reads words and pictures, what makes the picture, and its codec."""
    known, diffusers = library("transformers", "transformers"), library("diffusers", "diffusers")
    ids = {token: _FIRST_SPECIAL[full] + number for number, token in enumerate(_SPECIAL)}
    text: dict[str, Any] = {
        "hidden_size": 3584, "intermediate_size": 18944, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "vocab_size": 152064, "rope_parameters": {"mrope_section": [16, 24, 24]},
    } if full else {
        "hidden_size": 16, "intermediate_size": 16, "num_hidden_layers": 2, "num_attention_heads": 2,
        "num_key_value_heads": 2, "vocab_size": 263, "rope_parameters": {"mrope_section": [1, 1, 2]},
    }  # fmt: skip
    text["rope_parameters"] |= {"rope_type": "default", "rope_theta": 1e6}
    vision: dict[str, Any] = {
        "depth": 32, "hidden_size": 1280, "intermediate_size": 3420, "num_heads": 16, "out_hidden_size": 3584,
    } if full else {
        "depth": 2, "hidden_size": 16, "intermediate_size": 16, "num_heads": 2, "out_hidden_size": 16,
        "fullatt_block_indexes": [1],
    }  # fmt: skip
    reader = known.Qwen2_5_VLConfig(
        text_config=text, vision_config=vision, image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"], vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
    )  # fmt: skip
    small: dict[str, Any] = {} if full else {
        "patch_size": 2, "in_channels": 16, "out_channels": 4, "num_layers": 2, "attention_head_dim": 16,
        "num_attention_heads": 3, "joint_attention_dim": 16, "axes_dims_rope": (8, 4, 4),
    }  # fmt: skip
    codec: dict[str, Any] = {} if full else {
        "base_dim": 24, "z_dim": 4, "dim_mult": [1, 2, 4], "num_res_blocks": 1, "temperal_downsample": [False, True],
        "latents_mean": [0.0] * 4, "latents_std": [1.0] * 4,
    }  # fmt: skip
    parts = torch().nn.ModuleDict()
    parts["reader"] = known.Qwen2_5_VLForConditionalGeneration(reader)
    parts["transformer"] = diffusers.QwenImageTransformer2DModel(**small)
    parts["codec"] = diffusers.AutoencoderKLQwenImage(**codec)
    return parts


def _around(parts: Any, where: Where) -> QwenImageEdit:
    """Words become bytes, of which there are more than tokens of the real one would be."""
    known, diffusers = library("transformers", "transformers"), library("diffusers", "diffusers")
    tokens = {letter: number for number, letter in enumerate(byte_letters())}
    tokens |= {token: _FIRST_SPECIAL[where.full] + number for number, token in enumerate(_SPECIAL)}
    tokenizer = known.Qwen2Tokenizer(vocab=tokens, merges=[], extra_special_tokens=list(_SPECIAL[1:]))
    size = {} if where.full else {"min_pixels": 56 * 56, "max_pixels": 56 * 56}
    pictures, films = known.Qwen2VLImageProcessor(**size), known.Qwen2VLVideoProcessor()
    pipeline = diffusers.QwenImageEditPlusPipeline(
        scheduler=diffusers.FlowMatchEulerDiscreteScheduler(use_dynamic_shifting=True, shift_terminal=0.02),
        vae=parts["codec"],
        text_encoder=parts["reader"],
        tokenizer=tokenizer,
        processor=known.Qwen2VLProcessor(image_processor=pictures, tokenizer=tokenizer, video_processor=films),
        transformer=parts["transformer"],
    )
    pipeline.set_progress_bar_config(disable=True)
    if not where.full:
        edit = library("diffusers.pipelines.qwenimage.pipeline_qwenimage_edit_plus", "diffusers")
        edit.VAE_IMAGE_SIZE, edit.CONDITION_IMAGE_SIZE = 64 * 64, 56 * 56  # type: ignore[attr-defined]
    return QwenImageEdit(pipeline, "random", QwenImageEditParameters(steps=STEPS, true_cfg_scale=1))


def networks() -> list[Network]:
    return [torch_network("qwen-image-edit", roles.ImageEditor, 28_850, _editor, _around, "bfloat16", seconds=30)]
