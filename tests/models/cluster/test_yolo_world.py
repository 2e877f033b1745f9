"""YOLO-World: the boxes that ultralytics itself predicts for the word."""

import os
from collections.abc import Callable
from dataclasses import replace
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.errors import ActorError
from actor18m.models import yolo_world
from actor18m.models.backends import load
from actor18m.models.yolo_world import YoloWorld, YoloWorldParameters
from actor18m.stage import Row
from stages.motion import Motion
from tests.stages.told_by_truth import with_boxes

WORDS = {0: "bicycle", 1: "person", 2: "car"}
SIDE, MIN_SCORE = 320, 0.95


@pytest.fixture
def ultralytics(needs: Callable[[str], Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """It writes its settings here, and asks nobody anything."""
    told = {"OFFLINE": "true", "AUTOINSTALL": "false", "VERBOSE": "false", "CONFIG_DIR": str(tmp_path)}
    for name, value in told.items():
        monkeypatch.setenv(f"YOLO_{name}", value)
    needs("torchvision")
    return needs("ultralytics")


def _saved(ultralytics: Any, words: dict[int, str]) -> Callable[[Path], None]:
    import torch

    def save(place: Path) -> None:
        torch.manual_seed(18)
        made = ultralytics.YOLOWorld("yolov8n-worldv2.yaml")
        made.model.txt_feats, made.model.names = torch.randn(1, len(words), 512), words
        made.model.model[-1].nc = len(words)
        for part in made.model.model[-1].cv4:
            part.bias.data.fill_(0.0)  # as it is made, it is sure of nothing
            part.logit_scale.data.fill_(0.0)
        for part in made.model.modules():
            if isinstance(part, torch.nn.BatchNorm2d):
                part.momentum = 1.0
        with torch.no_grad():  # as it is made, too, one place and picture is as another
            made.model.train().predict(torch.rand(4, 3, 192, SIDE))
        made.model.eval()
        made.save(place / "yolov8x-worldv2.pt")

    return save


@pytest.fixture
def detector(ultralytics: Any, small: Callable[..., None]) -> YoloWorld:
    small("yolo-world", _saved(ultralytics, WORDS))
    backend: YoloWorld = load("yolo-world", YoloWorldParameters(side=SIDE, min_score=MIN_SCORE, device="cpu"))
    backend._detected._most = 3  # as on a GPU
    return backend


def test_people_are_what_ultralytics_predicts_for_the_word(
    detector: YoloWorld, ultralytics: Any, pictures: list[Frame], tmp_path: Path
) -> None:
    asked = ultralytics.YOLOWorld(tmp_path / "models" / "yolo-world" / "yolov8x-worldv2.pt")
    asked.model.get_text_pe = lambda words, **_: asked.model.txt_feats[:, [1]]  # instead of CLIP
    asked.set_classes(["person"])
    told = detector.people(pictures)
    assert len({frame.shape for frame in pictures}) == 2
    for frame, people in zip(pictures, told, strict=True):
        assert people
        (found,) = asked.predict(frame[..., ::-1].copy(), imgsz=SIDE, conf=MIN_SCORE, device="cpu", verbose=False)
        order = found.boxes.conf.argsort(descending=True, stable=True)
        assert len(people) == len(order)
        assert np.allclose([person.score for person in people], found.boxes.conf[order], atol=1e-4)
        assert np.allclose([person.box for person in people], found.boxes.xyxy[order], atol=0.1)
        for other in (frame, frame[:, ::-1, ::-1], frame[..., ::-1].transpose(1, 0, 2)):
            (swapped,) = asked.predict(other.copy(), imgsz=SIDE, conf=MIN_SCORE, device="cpu", verbose=False)
            assert sorted(map(tuple, swapped.boxes.xyxy.tolist())) != sorted(person.box for person in people)
    assert detector.people([]) == []
    detector.close()


def test_a_batch_gives_what_one_by_one_gives(detector: YoloWorld, pictures: list[Frame]) -> None:
    for frame, people in zip(pictures, detector.people(pictures), strict=True):
        (alone,) = detector.people([frame])
        assert len(alone) == len(people)
        assert np.allclose([person.score for person in people], [person.score for person in alone], atol=1e-4)


def test_boxes_for_which_there_was_no_time_are_not_lost_silently(
    detector: YoloWorld, pictures: list[Frame], monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as slow:
        slow.setattr("ultralytics.utils.nms.time", SimpleNamespace(time=count(step=10).__next__))
        with pytest.raises(ActorError, match="boxes were lost"):
            detector.people(pictures)
    assert all(detector.people(pictures)), "it can be asked again"


def test_weights_without_the_word_are_refused(ultralytics: Any, small: Callable[..., None]) -> None:
    small("yolo-world", _saved(ultralytics, {0: "bicycle"}))
    with pytest.raises(ActorError, match=r"without the word person in their vocabulary"):
        load("yolo-world")


class _Colours:
    metric = "cosine"

    def encode(self, frames: list[Frame]) -> list[Any]:
        return [frame.mean(axis=(0, 1)).astype(np.float32) for frame in frames]


def test_people_of_a_clip(detector: YoloWorld) -> None:
    clip, _ = with_boxes("low_resolution_1")
    seen = {"frame_times": [0.0], "faces": []}
    stage = Motion(people=detector, encoder=_Colours(), points=load("lucas-kanade"))
    (outcome,) = stage.measure([replace(clip, upstream={"identity": seen})])
    assert isinstance(outcome, Row), outcome
    people: Any = outcome.values["people"]
    assert len(people) == len(clip.upstream["motion"]["frame_times"])
    assert sum(people) > 0


def test_its_settings_are_kept_out_of_the_users_folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("YOLO_CONFIG_DIR", "")
    monkeypatch.delenv("YOLO_CONFIG_DIR")
    seen = []

    def importing(module: str, package: str) -> Any:
        seen.append(Path(os.environ["YOLO_CONFIG_DIR"]))
        raise ActorError("not now")

    monkeypatch.setattr(yolo_world, "library", importing)
    with pytest.raises(ActorError, match="not now"):
        YoloWorld.load(tmp_path, YoloWorldParameters())
    assert seen[0].is_dir()
    assert Path.home() not in seen[0].parents
