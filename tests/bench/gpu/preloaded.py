"""What takes long to import, once for all processes that measure; nothing of it touches a GPU yet."""

import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from importlib import import_module

from tests.models.torchvision_kernels import stand_in

_OF: Mapping[str, Sequence[str]] = {
    "torch": (),
    "onnx": (),
    "onnxruntime": (),
    "open_clip": (),
    "transformers": (
        "DFineForObjectDetection", "RTDetrV2ForObjectDetection", "RTDetrImageProcessor", "Sam2VideoModel",
        "Sam2ImageProcessor", "Sam2VideoProcessor", "Sam2VideoVideoProcessor", "Sam3VideoModel",
        "Sam3ImageProcessor", "Sam3VideoProcessor", "CLIPTokenizer", "SegformerForSemanticSegmentation",
        "SegformerImageProcessor", "Qwen2_5_VLForConditionalGeneration", "Qwen2Tokenizer", "Qwen2VLProcessor",
    ),
    "diffusers": ("QwenImageEditPlusPipeline",),
}  # fmt: skip

stand_in()
os.environ.setdefault("TRANSFORMERS_VERBOSITY", "error")
for module, names in _OF.items():
    with suppress(Exception):  # who needs it says what is wrong with it
        found = import_module(module)
        for name in names:
            getattr(found, name)
