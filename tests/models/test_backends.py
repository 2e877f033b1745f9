from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from actor18m.errors import ActorError
from actor18m.keys import digest
from actor18m.media.similarity import Metric, similarity
from actor18m.models import backends
from actor18m.models.backends import cannot_play, describe, load
from actor18m.models.centerface import CenterFace
from actor18m.models.lock import Lock, read_lock
from actor18m.models.roles import (
    Depiction,
    ExpressionReader,
    FaceDetector,
    FaceEmbedder,
    FaceMesh,
    FaceParser,
    FrameEncoder,
    HeadPose,
    ImageEditor,
    PersonDetector,
    PersonSegmenter,
    PointTracker,
    PoseEstimator,
    ShotDetector,
)
from tests.tiny_stages import TwoEyes


class Digested(TwoEyes):
    digest = "weights-of-my-own"


class Newer(TwoEyes):
    version = 2


def test_every_model_of_the_lock_plays_the_roles_that_it_is_for_and_no_other() -> None:
    roles: list[type] = [
        Depiction, ExpressionReader, FaceDetector, FaceEmbedder, FaceMesh, FaceParser, FrameEncoder, HeadPose,
        ImageEditor, PersonDetector, PersonSegmenter, PointTracker, PoseEstimator, ShotDetector,
    ]  # fmt: skip
    played = {
        name: [role.__name__ for role in roles if cannot_play(name, role) is None]
        for name, model in read_lock().models.items()
        if not model.is_adapter
    }
    assert played == {
        "centerface": ["FaceDetector"],
        "arcface": ["FaceEmbedder"],
        "auraface": ["FaceEmbedder"],
        "retinaface": ["FaceDetector"],
        "scrfd": ["FaceDetector"],
        "rotation-6d": ["HeadPose"],
        "emotieffnet": ["ExpressionReader"],
        "bisenet": ["FaceParser"],
        "segformer-face": ["FaceParser"],
        "dlib-face": ["FaceEmbedder"],
        "mediapipe-face": ["FaceMesh"],
        "mediapipe-pose": ["HeadPose", "PersonSegmenter", "PoseEstimator"],
        "mini-xception": ["ExpressionReader"],
        "selfie-segmenter": ["PersonSegmenter"],
        "efficientdet": ["PersonDetector"],
        "efficientnet": ["Depiction", "FrameEncoder"],
        "d-fine": ["PersonDetector"],
        "rt-detrv2": ["PersonDetector"],
        "yolo-world": ["PersonDetector"],
        "sam2": ["PersonSegmenter"],
        "edgetam": ["PersonSegmenter"],
        "sam3": ["PersonSegmenter"],
        "dwpose": ["HeadPose", "PoseEstimator"],
        "rtmw": ["HeadPose", "PoseEstimator"],
        "clip": ["FrameEncoder"],
        "siglip2": ["FrameEncoder"],
        "cotracker3": ["PointTracker"],
        "cotracker3-online": ["PointTracker"],
        "tapnext": ["PointTracker"],
        "transnetv2": ["ShotDetector"],
        "qwen-image-edit": ["ImageEditor"],
        "qwen-image-edit-2511": ["ImageEditor"],
        "firered-image-edit": ["ImageEditor"],
    }
    assert cannot_play("mesh-parsing", FaceParser) is None, "it has no weights"
    assert cannot_play("lucas-kanade", PointTracker) is None, "nor has this"


def test_a_backend_is_loaded_by_its_name(pulled: Callable[..., None]) -> None:
    pulled("centerface")
    detector = load("centerface")
    assert type(detector) is CenterFace
    assert detector.detect([np.full((90, 160, 3), 127, dtype=np.uint8)])[0] == []
    assert isinstance(load("tests.tiny_stages:TwoEyes"), TwoEyes)


def test_other_weights_make_another_digest(monkeypatch: pytest.MonkeyPatch) -> None:
    lock = read_lock()
    before = describe("dlib-face")
    assert before[0] == "dlib-face"
    assert before == describe("dlib-face")
    assert before[1] != describe("centerface")[1]
    changed = lock.model_dump()
    changed["models"]["dlib-face"]["files"][1]["sha256"] = "0" * 64
    monkeypatch.setattr(backends, "read_lock", lambda: Lock.model_validate(changed))
    assert describe("dlib-face")[1] != before[1]
    assert describe("centerface")[1] == digest("weights", [lock.models["centerface"].files[0].sha256], 1)


def test_ones_own_class_says_its_digest_or_its_version() -> None:
    here = "tests.models.test_backends"
    assert describe(f"{here}:Digested") == (f"{here}:Digested", "weights-of-my-own")
    found = {describe(path)[1] for path in (f"{here}:Newer", "tests.tiny_stages:TwoEyes", f"{here}:TwoEyes")}
    assert len(found) == 3
    assert describe(f"{here}:Newer")[1] == digest("class", f"{here}:Newer", 2)


def test_missing_weights_name_the_command_that_fetches_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    with pytest.raises(ActorError, match=r"centerface\.onnx are not in .*: run `actor18m models pull`"):
        load("centerface")


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("centreface", r"there is no backend centreface; did you mean centerface\?; one of your own is module:Class"),
        ("no.such:Class", r"backend no\.such:Class: no\.such cannot be imported"),
        ("tests.tiny_stages:Eyes", r"tests\.tiny_stages has no class Eyes"),
        ("tests.tiny_stages:NOT_A_STAGE", r"has no class NOT_A_STAGE"),
        ("tests.tiny_stages:Counter", r"Counter has no load\(\)"),
    ],
)
def test_a_name_that_means_nothing_is_answered(name: str, why: str) -> None:
    with pytest.raises(ActorError, match=why):
        load(name)


def test_what_a_backend_lacks_for_a_role_is_named() -> None:
    assert cannot_play("centerface", FaceDetector) is None
    assert cannot_play("centerface", FaceEmbedder) == (
        "centerface is no FaceEmbedder: it has no embed, metric; there are: dlib-face, arcface, auraface"
    )
    assert cannot_play("d-fine", PersonSegmenter) == (
        "d-fine is no PersonSegmenter: it has no masks; "
        "there are: mediapipe-pose, selfie-segmenter, sam2, edgetam, sam3"
    )
    here = "tests.models.test_backends:TwoEyes"
    assert str(cannot_play(here, FaceEmbedder)).startswith(f"{here} is no FaceEmbedder: it has no embed, metric; there")


def test_similarity_grows_with_likeness_and_ends_at_one() -> None:
    one, near, far = (np.array(v, dtype=np.float32) for v in ([3, 0], [3, 0.3], [0, 3]))
    farthest_of: dict[Metric, float] = {"cosine": 0.0, "euclidean": 1 - 18**0.5}
    for metric, farthest in farthest_of.items():
        assert similarity(metric, one, one) == pytest.approx(1)
        assert similarity(metric, one, far) == pytest.approx(farthest)
        assert similarity(metric, one, far) < similarity(metric, one, near) < 1
