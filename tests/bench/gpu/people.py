"""Detectors of people, and who follows one of them, as large as the weights that the lock names."""

import importlib
from typing import Any

from actor18m.models import roles
from actor18m.models.detr import Detr, DetrParameters
from actor18m.models.libraries import library
from actor18m.models.sam2 import Sam2, Sam2Parameters
from actor18m.models.sam3 import Sam3
from actor18m.models.torch_device import torch
from tests.bench.gpu.network import Network, Where, torch_network

_PERSON = {"id2label": {number: "person" if not number else f"thing {number}" for number in range(80)}}
_SMALL_DETR: dict[str, Any] = {
    "d_model": 32, "encoder_hidden_dim": 32, "encoder_ffn_dim": 32, "decoder_layers": 2, "decoder_ffn_dim": 32,
    "encoder_attention_heads": 2, "decoder_attention_heads": 2, "num_queries": 20, "decoder_in_channels": [32] * 3,
    "encoder_in_channels": [32, 64, 128],
}  # fmt: skip
_STAGES = {"out_features": ["stage2", "stage3", "stage4"]}
_SIDE = 128
_SMALL_SAM2: dict[str, Any] = {
    "image_size": _SIDE, "prompt_encoder_config": {"hidden_size": 128, "image_size": _SIDE},
    "mask_decoder_config": {"hidden_size": 128, "mlp_dim": 64, "iou_head_hidden_dim": 32},
    "memory_attention_hidden_size": 128, "memory_attention_num_layers": 2,
    "memory_attention_rope_feat_sizes": [_SIDE // 16] * 2, "memory_encoder_hidden_size": 128,
    "memory_encoder_output_channels": 64, "mask_downsampler_embed_dim": 128, "memory_fuser_embed_dim": 128,
    "memory_fuser_intermediate_dim": 64,
}  # fmt: skip


def _transformers() -> Any:
    return library("transformers", "transformers")


def _d_fine(full: bool) -> Any:
    """D-FINE-X."""
    known = _transformers()
    if not full:
        backbone = known.HGNetV2Config(
            stem_channels=[3, 8, 16], stage_in_channels=[16, 16, 32, 64], stage_mid_channels=[8, 16, 16, 32],
            stage_out_channels=[16, 32, 64, 128], stage_num_blocks=[1] * 4, stage_numb_of_layers=[1] * 4,
            hidden_sizes=[16, 32, 64, 128], depths=[1] * 4, **_STAGES,
        )  # fmt: skip
        return known.DFineForObjectDetection(known.DFineConfig(backbone_config=backbone, **_PERSON, **_SMALL_DETR))
    backbone = known.HGNetV2Config(
        stem_channels=[3, 32, 64], stage_in_channels=[64, 128, 512, 1024], stage_mid_channels=[64, 128, 256, 512],
        stage_out_channels=[128, 512, 1024, 2048], stage_num_blocks=[1, 2, 5, 2], **_STAGES,
    )  # fmt: skip
    return known.DFineForObjectDetection(
        known.DFineConfig(
            backbone_config=backbone,
            encoder_hidden_dim=384,
            encoder_ffn_dim=2048,
            decoder_n_points=[3, 6, 3],
            decoder_in_channels=[384] * 3,
            **_PERSON,
        )
    )


def _rt_detr(full: bool) -> Any:
    """RT-DETRv2 with a ResNet-101."""
    known = _transformers()
    if not full:
        backbone = known.RTDetrResNetConfig(
            embedding_size=16, hidden_sizes=[16, 32, 64, 128], depths=[1] * 4, layer_type="basic", **_STAGES
        )
        return known.RTDetrV2ForObjectDetection(
            known.RTDetrV2Config(backbone_config=backbone, **_PERSON, **_SMALL_DETR)
        )
    backbone = known.RTDetrResNetConfig(depths=[3, 4, 23, 3], **_STAGES)
    return known.RTDetrV2ForObjectDetection(
        known.RTDetrV2Config(
            backbone_config=backbone,
            encoder_hidden_dim=384,
            encoder_ffn_dim=2048,
            decoder_in_channels=[384] * 3,
            **_PERSON,
        )
    )


def _detector(module: Any, where: Where) -> Detr:
    side = 640 if where.full else 160
    processor = _transformers().RTDetrImageProcessor(size={"height": side, "width": side})
    return Detr(module, processor, DetrParameters(batch=where.most))


def _sam2(full: bool) -> Any:
    """SAM 2.1 large."""
    known = _transformers()
    heads = {"num_attention_heads_per_stage": [2, 4, 8, 16] if full else [1, 2, 4, 8]}
    if not full:
        backbone = known.Sam2HieraDetConfig(
            hidden_size=16, num_attention_heads=1, image_size=[_SIDE] * 2, blocks_per_stage=[1, 2, 2, 1],
            global_attention_blocks=[4], embed_dim_per_stage=[16, 32, 64, 128], **heads,
        )  # fmt: skip
        seen = known.Sam2VisionConfig(
            backbone_config=backbone, backbone_channel_list=[128, 64, 32, 16], fpn_hidden_size=128,
            backbone_feature_sizes=[[_SIDE // 4] * 2, [_SIDE // 8] * 2, [_SIDE // 16] * 2],
        )  # fmt: skip
        return known.Sam2VideoModel(known.Sam2VideoConfig(vision_config=seen, **_SMALL_SAM2))
    backbone = known.Sam2HieraDetConfig(
        hidden_size=144, embed_dim_per_stage=[144, 288, 576, 1152], blocks_per_stage=[2, 6, 36, 4],
        global_attention_blocks=[23, 33, 43], window_size_per_stage=[8, 4, 16, 8], **heads,
    )  # fmt: skip
    seen = known.Sam2VisionConfig(backbone_config=backbone, backbone_channel_list=[1152, 576, 288, 144])
    return known.Sam2VideoModel(known.Sam2VideoConfig(vision_config=seen))


def _edgetam(full: bool) -> Any:
    """Its RepViT is timm's, of which there is one size."""
    known = _transformers()
    library("timm", "timm, which has EdgeTAM's first layers")
    seen = {"in_chans": 3, "features_only": True, "out_indices": [0, 1, 2, 3]}
    backbone = known.TimmWrapperConfig(architecture="repvit_m1", model_args=seen)
    if full:
        vision = known.EdgeTamVisionConfig(backbone_config=backbone, backbone_channel_list=[384, 192, 96, 48])
        return known.EdgeTamVideoModel(known.EdgeTamVideoConfig(vision_config=vision))
    grids = [[_SIDE // 4] * 2, [_SIDE // 8] * 2, [_SIDE // 16] * 2]
    vision = known.EdgeTamVisionConfig(
        backbone_config=backbone, backbone_feature_sizes=grids, fpn_hidden_size=128,
        backbone_channel_list=[384, 192, 96, 48],
    )  # fmt: skip
    latents = {"perceiver_resampler_num_latents": 16, "perceiver_resampler_num_latents_2d": 16}
    return known.EdgeTamVideoModel(
        known.EdgeTamVideoConfig(vision_config=vision, memory_attention_rope_k_sizes=[4, 4], **latents, **_SMALL_SAM2)
    )


def _follower(module: Any, where: Where) -> Sam2:
    known = _transformers()
    side = 1024 if where.full else _SIDE
    size, mask = ({"height": px, "width": px} for px in (side, side // 4))
    images = known.Sam2ImageProcessor(size=size, mask_size=mask)
    processor = known.Sam2VideoProcessor(images, known.Sam2VideoVideoProcessor())
    return Sam2(module, processor, Sam2Parameters())


_PATCH, _GRID, _WIDTH = 14, 8, 128
_ONE_IS_FOUND: dict[str, Any] = {
    "max_num_objects": 1, "score_threshold_detection": 0.0, "new_det_thresh": 0.0, "assoc_iou_thresh": 0.0,
}  # fmt: skip
"""With random weights it would find a crowd in each frame, or nobody, and follow all of it."""


def _sam3(full: bool) -> Any:
    known = _transformers()
    model = known.Sam3VideoModel(known.Sam3VideoConfig(**_ONE_IS_FOUND) if full else _small_sam3(known))
    torch().nn.init.constant_(model.tracker_model.mask_decoder.pred_obj_score_head.proj_out.bias, 100.0)  # never away
    return model


def _small_sam3(known: Any) -> Any:
    side, part = _PATCH * _GRID, {"hidden_size": _WIDTH, "num_attention_heads": 2}
    deep = part | {"intermediate_size": _WIDTH, "num_layers": 1}
    backbone = part | {
        "model_type": "sam3_vit_model", "intermediate_size": _WIDTH, "num_hidden_layers": 2, "image_size": side,
        "patch_size": _PATCH, "window_size": 4, "global_attn_indexes": [1], "pretrain_image_size": side,
    }  # fmt: skip
    vision = {
        "model_type": "sam3_vision_model", "backbone_config": backbone, "fpn_hidden_size": _WIDTH,
        "backbone_feature_sizes": [[4 * _GRID] * 2, [2 * _GRID] * 2, [_GRID] * 2],
    }  # fmt: skip
    words = part | {"model_type": "clip_text_model", "intermediate_size": _WIDTH, "num_hidden_layers": 1,
                    "vocab_size": 64, "bos_token_id": 0, "eos_token_id": 1, "pad_token_id": 1}  # fmt: skip
    detector = {
        "model_type": "sam3", "vision_config": vision, "text_config": words | {"projection_dim": _WIDTH},
        "geometry_encoder_config": deep, "detr_encoder_config": deep, "mask_decoder_config": part,
        "detr_decoder_config": deep | {"num_queries": 8},
    }  # fmt: skip
    tracker = {
        "model_type": "sam3_tracker_video", "vision_config": vision, "image_size": side,
        "prompt_encoder_config": {"hidden_size": _WIDTH, "image_size": side, "patch_size": _PATCH},
        "mask_decoder_config": part | {"mlp_dim": _WIDTH, "iou_head_hidden_dim": _WIDTH},
        "memory_attention_hidden_size": _WIDTH, "memory_attention_num_layers": 1,
        "memory_attention_feed_forward_hidden_size": _WIDTH, "memory_encoder_hidden_size": _WIDTH,
        "memory_encoder_output_channels": 64, "mask_downsampler_embed_dim": _WIDTH,
        "memory_fuser_embed_dim": _WIDTH, "memory_fuser_intermediate_dim": _WIDTH,
    }  # fmt: skip
    return known.Sam3VideoConfig(
        detector_config=detector, tracker_config=tracker, low_res_mask_size=4 * _GRID, **_ONE_IS_FOUND
    )


def _finder(module: Any, where: Where) -> Sam3:
    """Its word is spelt, and not known: it is as long."""
    known = _transformers()
    side = 1008 if where.full else _PATCH * _GRID
    mask = 288 if where.full else 4 * _GRID
    size, small = ({"height": px, "width": px} for px in (side, mask))
    letters = "abcdefghijklmnopqrstuvwxyz"
    words = ["<|startoftext|>", "<|endoftext|>", *letters, *(f"{letter}</w>" for letter in letters)]
    numbered = {word: number for number, word in enumerate(words)}
    tokens = known.CLIPTokenizer(vocab=numbered, merges=[], unk_token="<|endoftext|>", pad_token="<|endoftext|>")
    images = known.Sam3ImageProcessor(size=size, mask_size=small)
    importlib.import_module(type(module).__module__).cv_utils_kernel = False  # type: ignore[attr-defined]
    return Sam3(
        module, known.Sam3VideoProcessor(images, known.Sam2VideoVideoProcessor(), tokens), Sam2Parameters(lost_below=0)
    )


NETWORKS: tuple[Network, ...] = (
    torch_network("d-fine", roles.PersonDetector, 62, _d_fine, _detector),
    torch_network("rt-detrv2", roles.PersonDetector, 76, _rt_detr, _detector),
    torch_network("sam2", roles.PersonSegmenter, 224, _sam2, _follower),
    torch_network("edgetam", roles.PersonSegmenter, 13.9, _edgetam, _follower),
    torch_network("sam3", roles.PersonSegmenter, 848, _sam3, _finder),
)
