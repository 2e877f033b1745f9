"""BiSeNet and Segformer: the parts that uniface and transformers see in the same pictures, under our names."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Floats, Frame
from actor18m.media.geometry import cut_out
from actor18m.models.backends import load
from actor18m.models.bisenet import BiSeNet
from actor18m.models.learned_parsing import LearnedParsing
from actor18m.models.mesh_parsing import MeshParsing
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import FACE_PARTS, Face, Mesh, Parsing
from actor18m.models.segformer import parts_of
from actor18m.models.torch_device import TorchParameters
from tests.models.cluster.onnx_files import OnnxFile

SIDE = 64
LABELS = (
    "background", "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth", "u_lip",
    "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
"""Of the published Segformer, in its order."""
OURS = dict(zip(LABELS, (
    "background", "skin", "nose", "glasses", "left_eye", "right_eye", "left_brow", "right_brow", "left_ear",
    "right_ear", "mouth", "upper_lip", "lower_lip", "hair", "hat", "earring", "necklace", "neck", "cloth",
), strict=True))  # fmt: skip


def small_bisenet(place: Path) -> Path:
    """Three outputs, of which the first counts, and 19 classes."""
    file = OnnxFile(["batch", 3, SIDE, SIDE])
    outputs = [file.conv("image", (3, len(FACE_PARTS)), side) for side in (3, 5, 7)]
    return file.save(place, {name: ["batch", len(FACE_PARTS), SIDE, SIDE] for name in outputs})


def save_segformer(place: Path) -> None:
    import torch

    transformers = pytest.importorskip("transformers")
    torch.manual_seed(18)
    config = transformers.SegformerConfig(
        hidden_sizes=[8, 16, 16, 16], depths=[1, 1, 1, 1], decoder_hidden_size=16, num_attention_heads=[1, 1, 1, 1],
        id2label=dict(enumerate(LABELS)), label2id={name: i for i, name in enumerate(LABELS)},
    )  # fmt: skip
    transformers.SegformerForSemanticSegmentation(config).eval().save_pretrained(place)
    transformers.SegformerImageProcessor(size={"height": SIDE, "width": SIDE}).save_pretrained(place)


def _faces(pictures: Sequence[Frame]) -> list[Face]:
    """Of several sizes, and one that is cut by the frame's edge."""
    points = np.zeros((5, 2), np.float32)
    boxes = [(100.0, 60.0, 180.0, 160.0), (40.0, 30.0, 90.0, 100.0), (-20.0, -30.0, 60.0, 70.0)]
    return [Face(boxes[i % 3], 0.9, points) for i in range(len(pictures))]


def _check(told: Sequence[Parsing], pictures: Sequence[Frame], asked: Callable[[Frame], Any]) -> None:
    """`asked` is the library on the same square, cut out as the frame has it."""
    parts = set[int]()
    for frame, parsing in zip(pictures, told, strict=True):
        x0, y0, x1, y1 = parsing.region
        assert parsing.parts.shape == parsing.hull.shape == (y1 - y0, x1 - x0)
        expected = asked(cut_out(frame, parsing.region))
        there = np.zeros(expected.shape, np.bool_)
        there[max(0, -y0) : frame.shape[0] - y0, max(0, -x0) : frame.shape[1] - x0] = True
        assert (parsing.parts == expected)[there].mean() > 0.995, "a few pixels lie between two classes"
        assert not parsing.parts[~there].any(), "beyond the frame nothing is known"
        square = cut_out(frame, parsing.region)
        for other in (square[..., ::-1], square[:, ::-1], square.transpose(1, 0, 2)):
            swapped = asked(np.ascontiguousarray(other))
            assert (swapped == expected)[there].mean() < 0.95, "colours, sides and axes are told apart"
        parts |= set(np.unique(parsing.parts).tolist())
    assert len(parts) > 4


def test_bisenet_is_what_uniface_says(
    needs: Callable[[str], Any], pictures: list[Frame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("onnx")
    library = needs("uniface.parsing.bisenet")
    file = small_bisenet(tmp_path / "small.onnx")
    monkeypatch.setattr(library, "verify_model_weights", lambda name: str(file))
    asked = library.BiSeNet(providers=["CPUExecutionProvider"])
    backend = BiSeNet(OnnxNetwork(file, OnnxParameters()))
    faces = _faces(pictures)
    told = backend.parse(pictures, faces, [None] * len(faces))
    _check(told, pictures, lambda square: np.asarray(asked.parse(np.ascontiguousarray(square[:, :, ::-1])), np.uint8))
    _batched(backend, pictures, told)


def test_segformer_is_what_transformers_says(
    needs: Callable[[str], Any], small: Callable[..., None], pictures: list[Frame]
) -> None:
    torch = needs("torch")
    needs("transformers")
    needs("torchvision")

    small("segformer-face", save_segformer)
    backend = load("segformer-face", TorchParameters(batch=1))
    model, processor = backend._model, backend._processor

    def asked(square: Frame) -> Any:
        with torch.inference_mode():
            found = model(**processor(images=[square], return_tensors="pt"))
        (labels,) = processor.post_process_semantic_segmentation(found, target_sizes=[square.shape[:2]])
        return np.array([FACE_PARTS.index(OURS[name]) for name in LABELS], np.uint8)[labels.numpy()]

    faces = _faces(pictures)
    told = backend.parse(pictures, faces, [None] * len(faces))
    _check(told, pictures, asked)
    _batched(backend, pictures, told)
    backend.close()


def _batched(backend: LearnedParsing, pictures: Sequence[Frame], one_by_one: Sequence[Parsing]) -> None:
    """As on a GPU."""
    backend._parsed._most = 4
    faces = _faces(pictures)
    for parsing, other in zip(backend.parse(pictures, faces, [None] * len(faces)), one_by_one, strict=True):
        assert (parsing.parts == other.parts).mean() > 0.995


def test_classes_are_known_by_their_names() -> None:
    parts = parts_of(dict(enumerate(LABELS)))
    assert FACE_PARTS[parts[LABELS.index("l_eye")]] == "left_eye"
    assert FACE_PARTS[parts[LABELS.index("l_lip")]] == "lower_lip"
    assert sorted(parts.tolist()) == list(range(19))
    with pytest.raises(ValueError, match="tell of beard, which are no parts of a face"):
        parts_of({**dict(enumerate(LABELS)), 3: "beard"})
    with pytest.raises(ValueError, match="know no glasses"):
        parts_of({**dict(enumerate(LABELS)), 3: "nose"})


def test_parts_stay_where_they_are_in_the_picture(needs: Callable[[str], Any], tmp_path: Path) -> None:
    """A network that calls red skin, green left eye and blue right eye, on a picture that is none of it elsewhere."""
    needs("onnx")
    file = OnnxFile(["batch", 3, SIDE, SIDE])
    kernel = np.zeros((len(FACE_PARTS), 3, 1, 1), np.float32)
    for channel, name in enumerate(("skin", "left_eye", "right_eye")):
        kernel[FACE_PARTS.index(name), channel] = 1
    told = file.node("Conv", ["image", file.weights(kernel)])
    network = OnnxNetwork(
        file.save(tmp_path / "colours.onnx", {told: ["batch", len(FACE_PARTS), SIDE, SIDE]}), OnnxParameters()
    )
    frame = np.zeros((120, 160, 3), np.uint8)
    frame[20:100, 40:120, 0] = 255
    frame[40:60, 90:110] = 0, 255, 0
    frame[40:60, 50:70] = 0, 0, 255
    mesh_points: Floats = np.array([[45, 25, 0], [115, 25, 0], [115, 95, 0], [45, 95, 0]], np.float32)
    face = Face((40.0, 20.0, 120.0, 100.0), 0.9, np.zeros((5, 2), np.float32))
    mesh = Mesh(mesh_points, face.points, {}, 0.0, 0.0, 0.0)
    (parsing,) = BiSeNet(network).parse([frame], [face], [mesh])
    x0, y0, *_ = parsing.region
    assert parsing.region == (20, 0, 140, 120)
    seen = {(x, y): FACE_PARTS[parsing.parts[y - y0, x - x0]] for x, y in ((80, 90), (100, 50), (60, 50), (25, 50))}
    assert [*seen.values()] == ["skin", "left_eye", "right_eye", "background"]
    rows, columns = np.nonzero(parsing.hull)
    assert (columns.min() + x0, columns.max() + x0, rows.min() + y0, rows.max() + y0) == (45, 115, 25, 95)


def test_a_hull_is_that_of_the_geometric_parser(
    needs: Callable[[str], Any], pictures: list[Frame], tmp_path: Path
) -> None:
    needs("onnx")
    learned = BiSeNet(OnnxNetwork(small_bisenet(tmp_path / "small.onnx"), OnnxParameters()))
    faces = _faces(pictures)
    for one, other in zip(
        learned.parse(pictures, faces, [None] * len(faces)),
        MeshParsing.load().parse(pictures, faces, [None] * len(faces)),
        strict=True,
    ):
        assert one.region == other.region
        assert np.array_equal(one.hull, other.hull)
