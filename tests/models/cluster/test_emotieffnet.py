"""EmotiEffLib's network: how likely the library calls each expression of the same faces."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.models.backends import load
from actor18m.models.emotieffnet import FILE
from actor18m.models.onnx_network import OnnxParameters
from actor18m.models.roles import EXPRESSIONS, Face
from tests.models.cluster.onnx_files import OnnxFile


def small_emotieffnet(place: Path) -> Path:
    """Eight numbers that end as EfficientNet's do: one matrix and a sum over what was seen."""
    file = OnnxFile(["batch", 3, 260, 260], image="input")
    seen = file.node("Flatten", [file.node("Relu", [file.conv("input", (3, 4), 32, stride=32)])])
    told = file.node("Gemm", [seen, file.random(8, 4 * 9 * 9, scale=0.1), file.random(8)], transB=1)
    place.parent.mkdir(parents=True, exist_ok=True)
    return file.save(place, {told: ["batch", 8]})


def test_expressions_are_what_the_library_says(
    needs: Callable[[str], Any],
    small: Callable[..., None],
    pictures: list[Frame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    needs("onnx")
    needs("torchvision")
    library = needs("emotiefflib.facial_analysis")
    small("emotieffnet", lambda place: small_emotieffnet(place / FILE))
    monkeypatch.setattr(library, "get_model_path_onnx", lambda name: str(tmp_path / "models" / "emotieffnet" / FILE))
    asked = library.EmotiEffLibRecognizerOnnx("enet_b2_8")
    backend = load("emotieffnet", OnnxParameters(device="cpu"))
    points = np.zeros((5, 2), np.float32)
    boxes = [(100.0, 40.0, 180.0, 150.0), (20.0, 10.0, 300.0, 140.0), (-30.0, -9.0, 60.0, 70.0)]
    faces = [Face(boxes[i % 3], 0.9, points) for i in range(len(pictures))]
    told = backend.read(pictures, faces, [None] * len(faces))
    for frame, face, likely in zip(pictures, faces, told, strict=True):
        x0, y0, x1, y1 = (max(0, int(value)) for value in face.box)
        (word,), ((*expected,),) = asked.predict_emotions(frame[y0:y1, x0:x1], logits=False)
        by_name = dict(zip((each.lower() for each in asked.idx_to_emotion_class.values()), expected, strict=True))
        assert likely == pytest.approx(by_name, abs=1e-4)
        assert max(likely, key=lambda name: likely[name]) == word.lower()
        assert sum(likely.values()) == pytest.approx(1)
        assert {*likely} == {*EXPRESSIONS}
    for frame, face, likely in zip(pictures, faces, told, strict=True):
        x0, y0, x1, y1 = (max(0, int(value)) for value in face.box)
        seen = frame[y0:y1, x0:x1]
        for other in (seen[..., ::-1], seen[:, ::-1], seen.transpose(1, 0, 2)):
            _, ((*swapped,),) = asked.predict_emotions(np.ascontiguousarray(other), logits=False)
            assert [*likely.values()] != pytest.approx(swapped, abs=1e-3), "colours, sides and axes are told apart"
    backend._seen._most = 4  # as on a GPU
    for one, other in zip(told, backend.read(pictures, faces, [None] * len(faces)), strict=True):
        assert one == pytest.approx(other, abs=1e-5)
    beyond = Face((-50.0, 10.0, -5.0, 60.0), 0.9, points)
    first, second = backend.read(pictures[:2], [beyond, faces[1]], [None, None])
    assert first == {}
    assert second == pytest.approx(told[1], abs=1e-5)
    backend.close()
