"""The network of head rotations: the angles that uniface reads of the same crops, in our directions, and all round."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from actor18m.arrays import Frame
from actor18m.media.views import angle_between
from actor18m.models.backends import load
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from actor18m.models.roles import Face, Head
from actor18m.models.rotation_6d import Rotation6D, _around, head_of
from actor18m.stage import Row
from stages.faces import Faces
from tests.models.cluster.onnx_files import OnnxFile
from tests.stages.test_faces import clip

SIDE = 224


def small_rotation_6d(place: Path) -> Path:
    """Six numbers of a picture, to which each colour and place counts, made a rotation as its authors make it."""
    file = OnnxFile(["batch", 3, SIDE, SIDE], image="input")
    seen = file.node("Flatten", [file.node("Relu", [file.conv("input", (3, 4), 32, stride=32)])])
    upright = file.weights(np.array([1, 0, 0, 0, 1, 0], np.float32))
    six = file.node("Gemm", [seen, file.random(6, 4 * 7 * 7, scale=0.05), upright], transB=1)
    first, second = (
        file.node("Slice", [six, *(file.weights(np.array([value], np.int64)) for value in (start, start + 3, 1))])
        for start in (0, 3)
    )
    x = _normal(file, first)
    z = _normal(file, _cross(file, x, second))
    columns = [
        file.node("Reshape", [each, file.weights(np.array([-1, 3, 1], np.int64))])
        for each in (x, _cross(file, z, x), z)
    ]
    return file.save(place, {file.node("Concat", columns, axis=2): ["batch", 3, 3]})


def _normal(file: OnnxFile, vector: str) -> str:
    return file.node("Div", [vector, file.node("ReduceL2", [vector], axes=[1], keepdims=1)])


def _cross(file: OnnxFile, one: str, other: str) -> str:
    def turned(vector: str, by: int) -> str:
        return file.node("Gather", [vector, file.weights(np.roll(np.arange(3), -by).astype(np.int64))], axis=1)

    there, back = (file.node("Mul", [turned(one, by), turned(other, 3 - by)]) for by in (1, 2))
    return file.node("Sub", [there, back])


@pytest.fixture
def backend(needs: Callable[[str], Any], tmp_path: Path) -> Rotation6D:
    needs("onnx")
    return Rotation6D(OnnxNetwork(small_rotation_6d(tmp_path / "small.onnx"), OnnxParameters(device="cpu")))


def _faces(pictures: list[Frame]) -> list[Face]:
    """Of two sizes, and one that is cut by the frame's edge."""
    boxes = [(100.0, 40.0, 180.0, 150.0), (20.0, 10.0, 300.0, 140.0), (-30.0, -9.0, 60.0, 70.0)]
    return [Face(boxes[i % 3], 0.9, np.zeros((5, 2), np.float32)) for i in range(len(pictures))]


def _told(backend: Rotation6D, pictures: list[Frame], faces: list[Face]) -> list[Head]:
    found = backend.heads(pictures, [face.box for face in faces], faces)
    return [head for head in found if head is not None]


def test_angles_are_those_of_uniface_in_our_directions(
    backend: Rotation6D,
    needs: Callable[[str], Any],
    pictures: list[Frame],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    library = needs("uniface.headpose.models")
    monkeypatch.setattr(library, "verify_model_weights", lambda name: str(tmp_path / "small.onnx"))
    asked = library.HeadPose(providers=["CPUExecutionProvider"])
    faces = _faces(pictures)
    told = _told(backend, pictures, faces)
    assert len(told) == len(faces)
    assert len({round(head.yaw_deg) for head in told}) > 2, "the picture counts"
    for frame, face, head in zip(pictures, faces, told, strict=True):
        look = _around(frame, face.box)
        expected = asked.estimate(np.ascontiguousarray(look[:, :, ::-1]))
        assert abs(expected.pitch) < 90
        assert (head.yaw_deg, head.pitch_deg, head.roll_deg) == pytest.approx(
            (-expected.yaw, expected.pitch, expected.roll), abs=0.01
        )
        for other in (look, look[:, ::-1, ::-1], look.transpose(1, 0, 2)[:, :, ::-1]):
            swapped = asked.estimate(np.ascontiguousarray(other))
            assert abs(-head.yaw_deg - swapped.yaw) + abs((head.pitch_deg or 0) - swapped.pitch) > 0.5, (
                "colours, sides and axes are told apart"
            )


def test_more_is_seen_at_the_sides_of_a_face_that_is_high_than_above_it() -> None:
    """As its authors' demonstration cuts it out: a fifth of the height at the sides, of the width above and below."""
    frame = np.arange(200 * 300 * 3, dtype=np.uint32).astype(np.uint8).reshape(200, 300, 3)
    assert np.array_equal(_around(frame, (100, 40, 180, 150)), frame[24:166, 78:202])
    assert np.array_equal(_around(frame, (250, 150, 290, 190)), frame[142:198, 242:298])


def test_a_batch_says_what_one_by_one_does(backend: Rotation6D, pictures: list[Frame]) -> None:
    faces = _faces(pictures)
    one_by_one = _told(backend, pictures, faces)
    backend._told._most = 3  # as on a GPU
    for head, other in zip(_told(backend, pictures, faces), one_by_one, strict=True):
        assert (head.yaw_deg, head.pitch_deg) == pytest.approx((other.yaw_deg, other.pitch_deg), abs=1e-3)
    beyond = Face((-90.0, 10.0, -40.0, 60.0), 0.9, np.zeros((5, 2), np.float32))
    nobody, somebody = backend.heads(pictures[:2], [beyond.box] * 2, [beyond, faces[1]])
    assert nobody is None
    assert somebody is not None
    assert somebody.yaw_deg == pytest.approx(one_by_one[1].yaw_deg, abs=1e-3)
    backend.close()


@pytest.mark.parametrize(
    ("yaw", "pitch", "roll"), [(0, 0, 0), (60, 20, 0), (-135, 10, 5), (100, -30, -20), (170, 0, 0), (-90.5, 5, 0)]
)
def test_a_head_is_told_all_the_way_round(yaw: float, pitch: float, roll: float) -> None:
    """By a rotation about x, then y, then z, whose yaw is the other way round."""
    head = head_of(_about(2, roll) @ _about(1, -yaw) @ _about(0, pitch))
    assert angle_between(head.yaw_deg, yaw) < 0.01
    assert head.pitch_deg == pytest.approx(pitch, abs=0.01)
    assert head.roll_deg == pytest.approx(roll, abs=0.01)


def _about(axis: int, angle_deg: float) -> npt.NDArray[np.float64]:
    sine, cosine = np.sin(np.radians(angle_deg)), np.cos(np.radians(angle_deg))
    turned = np.eye(3)
    one, other = (axis + 1) % 3, (axis + 2) % 3
    turned[[one, other], [one, other]] = cosine
    turned[one, other], turned[other, one] = -sine, sine
    return turned


def test_heads_of_a_clip(backend: Rotation6D, pulled: Callable[..., None]) -> None:
    """Where the mesh tells nothing, pitch is the network's; its yaw is none that counts, since it is never far."""
    pulled("centerface", "mediapipe-face")
    players = {"faces": "centerface", "mesh": "mediapipe-face", "parsing": "mesh-parsing"}
    loaded: dict[str, Any] = {role: load(name) for role, name in players.items()} | {
        "expression": load("blendshape-expression")
    }
    without, by_network = (
        row.values["faces"]
        for stage in (Faces(**loaded), Faces(**loaded, heads=backend))
        for row in stage.measure([clip("talk_yaw_1")])
        if isinstance(row, Row)
    )
    assert isinstance(without, list)
    assert isinstance(by_network, list)
    for face, other in zip(without, by_network, strict=True):
        assert face["yaw_deg"] == other["yaw_deg"]
        assert other["pitch_deg"] is not None
        assert (face["pitch_deg"] == other["pitch_deg"]) is face["has_mesh"]
    assert {face["has_mesh"] for face in without} == {True, False}
