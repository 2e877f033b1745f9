"""The small models' networks, beside what other code says of the same picture: MediaPipe, OpenCV and dlib.

With red and blue or two sides swapped each says something else. And each says of many what it says of one.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from actor18m.arrays import Box, Floats, Frame
from actor18m.inputs import canonical_uri
from actor18m.keys import digest
from actor18m.media.geometry import Region, cut_out, square_around
from actor18m.media.video import frames_at
from actor18m.models.backends import load
from actor18m.models.roles import Face, Pose
from actor18m.models.weights import path_of
from actor18m.samples.shipped import SHIPPED

COCO = 0, 2, 5, 7, 8, 11, 12, 13, 14, 15, 16, 23, 24, 25, 26, 27, 28
"""Where the 17 body points are among MediaPipe's 33."""
NAMES = ("centerface", "dlib-face", "efficientdet", "efficientnet", "mediapipe-face", "mediapipe-pose",
         "mini-xception", "selfie-segmenter")  # fmt: skip


@pytest.fixture(autouse=True)
def _weights_are_here(pulled: Callable[..., None]) -> None:
    pulled(*NAMES)


@pytest.fixture(scope="module")
def pictures() -> list[Frame]:
    """Somebody to the waist in colours, twice and a little otherwise, and a smaller one of somebody else."""
    talk = frames_at(canonical_uri(SHIPPED / "talk_yaw_1.mp4"), [0.0, 0.5])
    return [*talk, *frames_at(canonical_uri(SHIPPED / "low_resolution_1.mp4"), [0.0])]


@pytest.fixture(scope="module")
def square(pictures: list[Frame]) -> Frame:
    return np.ascontiguousarray(pictures[0][:, 210:750])


def _sized(picture: Frame, width: int, height: int) -> Frame:
    return cv2.resize(picture, (width, height), interpolation=cv2.INTER_AREA).astype(np.uint8, copy=False)


def _swapped(picture: Frame) -> list[Frame]:
    """Red for blue, left for right, x for y."""
    others = picture[..., ::-1], picture[:, ::-1], picture.transpose(1, 0, 2)
    return [np.ascontiguousarray(other) for other in others]


@pytest.fixture
def ask_mediapipe() -> Iterator[Callable[..., Callable[[Frame], Any]]]:
    """Its task for one of the files; such tasks are closed before the interpreter ends."""
    mediapipe = pytest.importorskip("mediapipe")
    vision, tasks = mediapipe.tasks.vision, list[Any]()

    def made(kind: str, file: str, **options: object) -> Callable[[Frame], Any]:
        base = mediapipe.tasks.BaseOptions(model_asset_path=str(path_of(file)))
        task = getattr(vision, kind).create_from_options(
            getattr(vision, f"{kind}Options")(base_options=base, **options)
        )
        tasks.append(task)
        ask = {"ImageSegmenter": "segment", "ImageClassifier": "classify"}.get(kind, "detect")
        return lambda picture: getattr(task, ask)(
            mediapipe.Image(image_format=mediapipe.ImageFormat.SRGB, data=np.ascontiguousarray(picture))
        )

    yield made
    for task in tasks:
        task.close()


def test_centerface_is_fed_as_its_authors_feed_it(pictures: list[Frame]) -> None:
    """By OpenCV, with red and blue of its own order swapped."""
    picture = _sized(pictures[0], 640, 352)
    network = cv2.dnn.readNetFromONNX(str(path_of("centerface.onnx")))

    def surest(seen: Frame) -> tuple[float, npt.NDArray[np.float64]]:
        height, width = seen.shape[:2]
        network.setInput(cv2.dnn.blobFromImage(seen[..., ::-1].copy(), 1.0, (width, height), (0, 0, 0), swapRB=True))
        heat = np.asarray(network.forward("537"))[0, 0]
        y, x = np.unravel_index(heat.argmax(), heat.shape)
        return float(heat.max()), 4.0 * np.array([x, y])

    (face,), *_ = load("centerface").detect([picture])
    score, place = surest(picture)
    assert face.score == pytest.approx(score, abs=1e-4)
    x0, y0, x1, y1 = face.box
    assert np.abs(place - ((x0 + x1) / 2, (y0 + y1) / 2)).max() <= 8
    others = [surest(other) for other in _swapped(picture)]
    assert abs(others[0][0] - score) > 0.01
    assert all(np.abs(there - place).max() > 8 or abs(other - score) > 0.01 for other, there in others)


def test_people_are_those_of_mediapipe(square: Frame, ask_mediapipe: Callable[..., Any]) -> None:
    picture = _sized(square, 320, 320)
    asked = ask_mediapipe("ObjectDetector", "efficientdet_lite0.tflite", score_threshold=0.25)

    def told(seen: Frame) -> list[list[float]]:
        people = [each for each in asked(seen).detections if each.categories[0].category_name == "person"]
        boxes = [(each.bounding_box, each.categories[0].score) for each in people]
        return [[b.origin_x, b.origin_y, b.origin_x + b.width, b.origin_y + b.height, score] for b, score in boxes]

    ours = [[*person.box, person.score] for person in load("efficientdet").people([picture])[0]]
    assert len(ours) == 1
    assert ours[0][:4] == pytest.approx(told(picture)[0][:4], abs=2), "it tells whole pixels"
    assert ours[0][4] == pytest.approx(told(picture)[0][4], abs=1e-4)
    for other in _swapped(picture):
        found = told(other)
        assert not found or np.abs(np.subtract(found[0], ours[0])).max() > 3, "another box"


def test_a_mask_is_that_of_mediapipe(square: Frame, ask_mediapipe: Callable[..., Any]) -> None:
    picture = _sized(square, 256, 256)
    asked = ask_mediapipe("ImageSegmenter", "selfie_segmenter.tflite", output_confidence_masks=True)
    (soft,) = load("selfie-segmenter")._network(picture.astype(np.float32) / 255)
    true = np.squeeze(asked(picture).confidence_masks[-1].numpy_view()).copy()  # its memory is used again
    assert np.allclose(soft[..., -1], true, atol=1e-4)
    box = 11.5, 11.5, 244.5, 244.5  # its square, which is a tenth larger, is the picture
    (mask,) = load("selfie-segmenter").masks([(picture, box)])
    assert mask is not None
    assert (mask == (true > 0.5)).mean() > 0.9999
    for other in _swapped(picture):
        assert (mask == (np.squeeze(asked(other).confidence_masks[-1].numpy_view()) > 0.5)).mean() < 0.9999
        assert np.abs(np.squeeze(asked(other).confidence_masks[-1].numpy_view()) - true).max() > 0.3


def test_classes_are_those_of_mediapipe(square: Frame, ask_mediapipe: Callable[..., Any]) -> None:
    picture = _sized(square, 224, 224)
    asked = ask_mediapipe("ImageClassifier", "efficientnet_lite0.tflite", max_results=1000)

    def told(seen: Frame) -> npt.NDArray[np.float64]:
        found = {each.index: each.score for each in asked(seen).classifications[0].categories}
        return np.array([found.get(number, 0.0) for number in range(1000)])

    encoder = load("efficientnet")
    pooled, classes = encoder._seen(picture)
    assert np.allclose(classes, told(picture), atol=1e-4)
    assert np.array_equal(encoder.encode([picture])[0], pooled)
    for other in _swapped(picture):
        assert np.abs(told(other) - classes).max() > 0.01


def test_landmarks_are_those_of_mediapipe(pictures: list[Frame], ask_mediapipe: Callable[..., Any]) -> None:
    """Of the square that is looked at; of a body, of one of those."""
    picture, box = pictures[2], (64.0, 0.0, 256.0, 180.0)
    (face, *_), *_ = load("centerface").detect([picture])
    (mesh,), (pose,) = load("mediapipe-face").mesh([picture], [face.box]), load("mediapipe-pose").pose([picture], [box])
    of_faces = ask_mediapipe("FaceLandmarker", "face_landmarker.task")
    of_bodies = ask_mediapipe("PoseLandmarker", "pose_landmarker_full.task")

    def apart(ours: Floats, region: Region, swap: Callable[[Frame], Frame]) -> float:
        look = np.ascontiguousarray(swap(cut_out(picture, region)))
        found = of_faces(look).face_landmarks if len(ours) > len(COCO) else of_bodies(look).pose_landmarks
        points = np.array([(point.x, point.y) for point in found[0]]) * len(look) + region[:2]
        return float(np.abs((points if len(ours) > len(COCO) else points[[*COCO]]) - ours).max())

    for ours, regions in (
        (mesh.points[:, :2], [square_around(face.box, 2.5)]),
        (pose.points, [square_around(box, crop) for crop in (1.0, 1.25, 1.5, 2.0)]),
    ):
        assert min(apart(ours, region, lambda seen: seen) for region in regions) < 0.05
        for swap in (lambda seen: seen[..., ::-1], lambda seen: seen[:, ::-1]):
            assert min(apart(ours, region, swap) for region in regions) > 0.3, "colours and sides are told apart"


def test_a_descriptor_is_dlibs_own(pictures: list[Frame]) -> None:
    dlib = pytest.importorskip("dlib")
    embedder, (picture, *_) = load("dlib-face"), pictures
    (face, *_), *_ = load("centerface").detect([picture])
    network, predictor = (str(path_of(name)) for name in type(embedder).weights)
    x0, y0, x1, y1 = square_around(face.box, 1.0)
    asked = dlib.face_recognition_model_v1(network)

    def told(seen: Frame) -> npt.NDArray[np.float64]:
        shape = dlib.shape_predictor(predictor)(seen, dlib.rectangle(x0, y0, x1 - 1, y1 - 1))
        return np.array(asked.compute_face_descriptor(seen, shape))

    (vector,) = embedder.embed([picture], [face])
    assert np.allclose(vector, told(picture), atol=1e-5)
    for other in (picture[..., ::-1], picture[:, ::-1]):
        assert np.linalg.norm(vector - told(np.ascontiguousarray(other))) > 0.1


def test_an_expression_is_read_of_the_brightness_that_an_eye_sees(pictures: list[Frame]) -> None:
    """FER, which carries the network, looks at grey pictures; green is bright and blue is dark."""
    reader, seen = load("mini-xception"), list[npt.NDArray[np.float32]]()
    network = reader._network

    def noted(image: npt.NDArray[np.float32]) -> Any:
        seen.append(image)
        return network(image)

    reader._network = noted
    face = Face((100.0, 100.0, 200.0, 200.0), 0.9, np.zeros((5, 2), np.float32))
    for colour in ((255, 0, 0), (0, 255, 0), (0, 0, 255)):
        reader.read([np.full((300, 300, 3), colour, np.uint8)], [face], [None])
    told = [float((image.mean() + 1) * 127.5) for image in seen[:: len(seen) // 3]]
    assert told == pytest.approx([76, 150, 29], abs=1)


def _asked(name: str, frames: Sequence[Frame]) -> list[Any]:
    """Something of what a backend says of each frame."""
    backend: Any = load(name)
    boxes: list[Box] = [(0.2 * f.shape[1], 0.0, 0.8 * f.shape[1], float(f.shape[0])) for f in frames]
    faces = [found[0] for found in load("centerface").detect(frames)]
    match name:
        case "centerface":
            return [[(face.box, face.score) for face in found] for found in backend.detect(frames)]
        case "dlib-face":
            return [vector.tolist() for vector in backend.embed(frames, faces)]
        case "efficientdet":
            return [[(person.box, person.score) for person in found] for found in backend.people(frames)]
        case "efficientnet":
            return [vector.tolist() for vector in backend.encode(frames)]
        case "mediapipe-face":
            return [mesh and mesh.points.tolist() for mesh in backend.mesh(frames, [face.box for face in faces])]
        case "mediapipe-pose":
            poses: list[Pose | None] = backend.pose(frames, boxes)
            masks = backend.masks(zip(frames, boxes, strict=True))
            both = zip(poses, masks, strict=True)
            return [(pose and pose.points.tolist(), None if mask is None else mask.tolist()) for pose, mask in both]
        case "mini-xception":
            return list(backend.read(frames, faces, [None] * len(frames)))
        case _:
            return [mask.tolist() for mask in backend.masks(zip(frames, boxes, strict=True))]


@pytest.mark.parametrize("name", NAMES)
def test_many_at_once_are_as_one_by_one(name: str, pictures: list[Frame]) -> None:
    """To the last bit: they go one by one."""
    together = _asked(name, pictures)
    assert all(together)
    assert [*map(digest, together)] == [digest(_asked(name, [picture])[0]) for picture in pictures]
    assert len({*map(digest, together)}) == len(pictures)
