"""RetinaFace and SCRFD: the faces that uniface and insightface find in the same pictures, and those of real weights."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from actor18m.arrays import Floats, Frame
from actor18m.media.boxes import overlap
from actor18m.models.anchored_faces import AnchoredFaces, AnchoredParameters, surest
from actor18m.models.onnx_network import OnnxNetwork
from actor18m.models.retinaface import RetinaFace
from actor18m.models.roles import Face
from actor18m.models.scrfd import Scrfd
from tests.models.cluster.onnx_files import OnnxFile
from tests.models.cluster.real_retinaface import ANCHORS, SIDE, as_onnx

SMALL_SIDE = 160
EVERY = AnchoredParameters(side=SMALL_SIDE, max_overlap=1.0)
"""Nothing that is sure enough is left out, so that each box can be compared."""


@pytest.fixture
def halves(pictures: list[Frame]) -> list[Frame]:
    """So small that all are made larger, by a whole number: how pictures are made smaller is everybody's own."""
    return [np.asarray(cv2.resize(each, (80, 45), interpolation=cv2.INTER_AREA), np.uint8) for each in pictures]


def small_retinaface(place: Path) -> Path:
    file = OnnxFile(["batch", 3, "height", "width"])
    image = file.node("Mul", ["image", file.weights(np.array(0.02, np.float32))])
    outputs = {}
    for numbers in (4, 2, 10):
        grids = []
        for stride in (8, 16, 32):
            seen = file.node("Transpose", [file.conv(image, (3, 2 * numbers), stride, stride)], perm=[0, 2, 3, 1])
            grids.append(file.node("Reshape", [seen, file.weights(np.array([0, -1, numbers], np.int64))]))
        told = file.node("Concat", grids, axis=1)
        outputs[file.node("Softmax", [told], axis=-1) if numbers == 2 else told] = ["batch", "anchors", numbers]
    return file.save(place, outputs)


def small_scrfd(place: Path, in_batches: bool) -> Path:
    file = OnnxFile(["batch" if in_batches else 1, 3, "height", "width"])
    outputs = {}
    for numbers in (1, 4, 10):
        for stride in (8, 16, 32):
            told = file.node("Transpose", [file.conv("image", (3, 2 * numbers), stride, stride)], perm=[0, 2, 3, 1])
            if numbers == 1:
                told = file.node("Sigmoid", [told])
            shape = [0, -1, numbers] if in_batches else [-1, numbers]
            told = file.node("Reshape", [told, file.weights(np.array(shape, np.int64))])
            outputs[told] = ["batch", "anchors", numbers] if in_batches else ["anchors", numbers]
    return file.save(place, outputs)


def _same(faces: Sequence[Face], scores: Floats, boxes: Floats, points: Floats, frame: Frame) -> None:
    height, width = frame.shape[:2]
    assert len(faces) == len(scores) > 20
    assert [face.score for face in faces] == sorted((face.score for face in faces), reverse=True)
    assert np.allclose([face.score for face in faces], scores, atol=1e-5)
    expected = np.asarray(boxes, np.float64).clip(0, (width, height, width, height))
    ours = np.array([[*face.box, *face.points.ravel()] for face in faces])
    theirs = np.concatenate([expected, points.reshape(len(points), 10)], axis=1)
    apart = np.abs(ours[:, None] - theirs).max(axis=2)  # faces as sure as one another may come in another order
    assert apart.min(axis=0).max() < 0.05
    assert apart.min(axis=1).max() < 0.05


def _swapped(frame: Frame) -> list[Frame]:
    """In the libraries' order of colours: red for blue, left for right, x for y."""
    others = frame, frame[:, ::-1, ::-1], frame.transpose(1, 0, 2)[..., ::-1]
    return [np.ascontiguousarray(other) for other in others]


def _alike(faces: Sequence[Face], scores: Sequence[float], boxes: Sequence[Sequence[float]]) -> bool:
    """Whether the surest is one face, at one place."""
    surest = int(np.argmax(scores)) if len(scores) else None
    if surest is None or abs(faces[0].score - scores[surest]) > 1e-4:
        return False
    return bool(np.abs(np.subtract(faces[0].box, boxes[surest])).max() < 1)


def test_retinaface_is_what_uniface_says(
    needs: Callable[[str], Any], halves: list[Frame], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needs("onnx")
    library = needs("uniface.detection.retinaface")
    file = small_retinaface(tmp_path / "small.onnx")
    monkeypatch.setattr(library, "verify_model_weights", lambda name: str(file))
    asked = library.RetinaFace(
        input_size=(SMALL_SIDE, SMALL_SIDE), nms_threshold=1.0, post_nms_topk=5000, providers=["CPUExecutionProvider"]
    )
    told = RetinaFace(OnnxNetwork(file, EVERY), EVERY).detect(halves)
    for frame, faces in zip(halves, told, strict=True):
        expected = asked.detect(np.ascontiguousarray(frame[:, :, ::-1]))
        scores, boxes, points = (
            np.array([getattr(face, name) for face in expected]) for name in ("confidence", "bbox", "landmarks")
        )
        _same(faces, scores, boxes, points, frame)
        for other in _swapped(frame):
            found = asked.detect(other)
            assert not _alike(faces, [each.confidence for each in found], [each.bbox for each in found])


@pytest.mark.parametrize("in_batches", [False, True])
def test_scrfd_is_what_insightface_says(
    needs: Callable[[str], Any], halves: list[Frame], tmp_path: Path, in_batches: bool
) -> None:
    needs("onnx")
    library = needs("insightface.model_zoo.scrfd")
    file = small_scrfd(tmp_path / "small.onnx", in_batches)
    asked = library.SCRFD(model_file=str(file), static_shape_sessions=False)
    asked.prepare(-1, nms_thresh=1.0, det_thresh=0.5, input_size=(SMALL_SIDE, SMALL_SIDE))
    told = Scrfd(OnnxNetwork(file, EVERY), EVERY).detect(halves)
    for frame, faces in zip(halves, told, strict=True):
        expected, points = asked.detect(np.ascontiguousarray(frame[:, :, ::-1]))
        _same(faces, expected[:, 4], expected[:, :4], points, frame)
        for other in _swapped(frame):
            found, _ = asked.detect(other)
            assert not _alike(faces, found[:, 4], found[:, :4])


@pytest.mark.parametrize("kind", [RetinaFace, Scrfd])
def test_a_batch_says_what_one_by_one_does(
    needs: Callable[[str], Any], halves: list[Frame], tmp_path: Path, kind: type[AnchoredFaces]
) -> None:
    needs("onnx")
    place = tmp_path / "small.onnx"
    file = small_retinaface(place) if kind is RetinaFace else small_scrfd(place, in_batches=True)
    parameters = AnchoredParameters(side=SMALL_SIDE)
    network = OnnxNetwork(file, parameters)
    one_by_one = kind(network, parameters).detect(halves)
    network.most = 3  # as on a GPU
    together = kind(network, parameters).detect(halves)
    for some, others in zip(one_by_one, together, strict=True):
        assert len(some) == len(others) > 1
        for face, other in zip(some, others, strict=True):
            assert face.score == pytest.approx(other.score, abs=1e-5)
            assert np.allclose(face.points, other.points, atol=0.02)


def test_of_boxes_on_one_face_the_surest_stays() -> None:
    random = np.random.default_rng(18)
    corners = random.uniform(0, 40, (60, 2))
    boxes = np.concatenate([corners, corners + random.uniform(5, 30, (60, 2))], axis=1).astype(np.float32)
    stay: list[int] = []
    for i, box in enumerate(boxes.tolist()):
        if all(overlap(box, boxes[j].tolist()) <= 0.4 for j in stay):
            stay.append(i)
    assert surest(boxes, 0.4) == stay
    assert 1 < len(stay) < 60
    assert surest(boxes[:0], 0.4) == []


def test_real_retinaface_finds_real_faces(
    needs: Callable[[str], Any], weights: Path, face_views: dict[str, list[tuple[str, Frame]]], tmp_path: Path
) -> None:
    """RetinaFace of a quarter MobileNet with its own anchors, beside CenterFace on the same pictures."""
    from actor18m.models.centerface import CenterFace

    needs("onnx")
    needs("torch")
    parameters = AnchoredParameters(side=SIDE)
    file = as_onnx(weights / "retinaface_mobilenet0.25_Final.pth", tmp_path / "retinaface.onnx")
    backend, other = RetinaFace(OnnxNetwork(file, parameters), parameters, ANCHORS), CenterFace.load()
    for view, at_least in {"front": 0.75, "image_left": 0.4, "image_right": 0.4}.items():
        frames = [frame for _, frame in face_views[view]]
        found, compared = backend.detect(frames), other.detect(frames)
        assert all(found), "a face in each picture"
        both = [(ours[0], theirs[0]) for ours, theirs in zip(found, compared, strict=True) if theirs]
        shared = [overlap(ours.box, theirs.box) for ours, theirs in both]
        heights = [theirs.box[3] - theirs.box[1] for _, theirs in both]
        apart = [np.linalg.norm(ours.points - theirs.points, axis=1).mean() for ours, theirs in both] / np.array(
            heights
        )
        print(f"{view}: {len(frames)} faces, overlap {np.median(shared):.2f} (median) and at least {min(shared):.2f}")
        print(f"points {np.median(apart):.3f} of the height apart (median), at most {max(apart):.3f}")
        assert min(shared) > at_least
    fronts = backend.detect([frame for _, frame in face_views["front"]])
    mirrored = backend.detect([np.ascontiguousarray(frame[:, ::-1]) for _, frame in face_views["front"]])
    for (_, frame), (face, *more), (again, *_) in zip(face_views["front"], fronts, mirrored, strict=True):
        assert not more
        right_eye, left_eye, nose, right_mouth, left_mouth = face.points
        assert right_eye[0] < nose[0] < left_eye[0], "the subject's own right"
        assert right_mouth[0] < left_mouth[0]
        assert max(right_eye[1], left_eye[1]) < nose[1] < min(right_mouth[1], left_mouth[1])
        flipped = (again.points * (-1, 1) + (frame.shape[1] - 1, 0))[[1, 0, 2, 4, 3]]
        assert np.abs(flipped - face.points).max() < 5
