"""Networks that look at pictures as a whole: encoders, parsing, shots, points."""

from typing import Any

from actor18m.models import roles
from actor18m.models.libraries import library
from actor18m.models.open_clip import OpenClip
from actor18m.models.roles import FACE_PARTS
from actor18m.models.segformer import Segformer
from actor18m.models.torch_device import TorchParameters, torch
from actor18m.models.transnet import TransNet
from tests.bench.gpu.network import Network, Where, torch_network

_CLIP, _SIGLIP = "ViT-B-32-quickgelu", "ViT-B-16-SigLIP2-384"
_SPEEDS = 1, 2, 4, 8


def _encoder(name: str) -> Network:
    """The part that sees pictures; the part that reads is left where no tensors are."""
    clip: Any = library("open_clip", "open_clip_torch")
    told = clip.get_model_config(name)
    small = {"image_size": 64, "layers": 2, "width": 64, "patch_size": 16, "head_width": 32}

    def make(full: bool) -> Any:
        seen = told["vision_cfg"] if full else small
        size = told["embed_dim"] if full else 32
        return clip.model._build_vision_tower(size, clip.CLIPVisionCfg(**seen), told.get("quick_gelu", False))

    def around(visual: Any, where: Where) -> OpenClip:
        side = told["vision_cfg"]["image_size"] if where.full else small["image_size"]
        prepared = clip.image_transform(side, is_train=False)
        parameter = next(visual.parameters())
        return OpenClip(visual, prepared, parameter.device, parameter.dtype, where.most)

    millions = {_CLIP: 87.8, _SIGLIP: 93.2}[name]
    return torch_network({_CLIP: "clip", _SIGLIP: "siglip2"}[name], roles.FrameEncoder, millions, make, around)


def _segformer(full: bool) -> Any:
    """Segformer with a MiT-b5."""
    known = library("transformers", "transformers")
    labels = {"id2label": dict(enumerate(FACE_PARTS)), "label2id": {each: n for n, each in enumerate(FACE_PARTS)}}
    sizes = (
        {"depths": [3, 6, 40, 3], "hidden_sizes": [64, 128, 320, 512], "decoder_hidden_size": 768}
        if full
        else {"depths": [1] * 4, "hidden_sizes": [8, 16, 32, 64], "decoder_hidden_size": 16}
    )
    return known.SegformerForSemanticSegmentation(known.SegformerConfig(**sizes, **labels))


def _parser(module: Any, where: Where) -> Segformer:
    side = 512 if where.full else 64
    processor = library("transformers", "transformers").SegformerImageProcessor(size={"height": side, "width": side})
    return Segformer(module, processor, TorchParameters(batch=where.most))


def _transnet(full: bool) -> Any:
    """There is one size: small is as large, since its layers are written out."""
    found = torch()
    weights = found.nn.ParameterDict()

    def add(name: str, *shape: int) -> None:
        weights[name.replace(".", "/")] = found.randn(shape) / max(1, shape[-1]) ** 0.5

    for stack, (into, out) in enumerate([(3, 16), (64, 32), (128, 64)]):
        for layer, inputs in enumerate((into, 4 * out)):
            at = f"SDDCNN.{stack}.DDCNN.{layer}"
            for speed in _SPEEDS:
                add(f"{at}.Conv3D_{speed}.layers.0.weight", 2 * out, inputs, 1, 3, 3)
                add(f"{at}.Conv3D_{speed}.layers.1.weight", out, 2 * out, 3, 1, 1)
            for part in ("weight", "bias", "running_mean"):
                add(f"{at}.bn.{part}", 4 * out)
            weights[f"{at}.bn.running_var".replace(".", "/")] = found.ones(4 * out)
    for name, shape in {
        "frame_sim_layer.projection": (128, 448), "frame_sim_layer.fc": (128, 101), "color_hist_layer.fc": (128, 101),
        "fc1": (1024, 4864), "cls_layer1": (1, 1024), "cls_layer2": (1, 1024),
    }.items():  # fmt: skip
        add(f"{name}.weight", *shape)
        add(f"{name}.bias", shape[0])
    return weights


def _shots(module: Any, where: Where) -> TransNet:
    return TransNet({name.replace("/", "."): each.detach() for name, each in module.items()}, where.most)


def networks() -> list[Network]:
    return [
        _encoder(_CLIP),
        _encoder(_SIGLIP),
        torch_network("segformer-face", roles.FaceParser, 84.7, _segformer, _parser),
        torch_network("transnetv2", roles.ShotDetector, 7.6, _transnet, _shots),
    ]
