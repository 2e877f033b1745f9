"""The real models on images that were cut where the truth says."""

from collections.abc import Callable, Mapping
from typing import Any

import cv2
import numpy as np
import pytest

from actor18m.media.video import frames
from actor18m.media.views import angle_between
from actor18m.models.backends import load
from actor18m.models.roles import Frame
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Row
from stages.annotate import Annotate, AnnotateParameters
from stages.crops import Crops
from tests.stages.shot_by_truth import with_references

BACKENDS = {
    "faces": "centerface",
    "mesh": "mediapipe-face",
    "parsing": "actor18m.models.mesh_parsing:MeshParsing",
    "expression": "actor18m.models.blendshape_expression:BlendshapeExpression",
    "people": "efficientdet",
    "pose": "mediapipe-pose",
}
BODIES = (0, 17, 24, 31, 38)
"""Samples of a sample that turns round once."""


@pytest.fixture(scope="module")
def stage(pulled: Callable[[str], None]) -> Annotate:
    for model in ("centerface", "mediapipe-face", "efficientdet", "mediapipe-pose"):
        pulled(model)
    return Annotate(**{role: load(name) for role, name in BACKENDS.items()})


def labels(stage: Annotate, clip: Clip) -> list[Mapping[str, Any]]:
    (row,) = stage.measure([clip])
    assert isinstance(row, Row), row
    assert Annotate.writes.table([row], {row.key: ""}).num_rows == 1
    found = row.values["labels"]
    assert isinstance(found, list)
    return found


def cut(name: str, wanted: list[tuple[str, int]]) -> tuple[Clip, list[Mapping[str, Any]]]:
    """The clip with its crops, and what is true of them."""
    clip, _ = with_references(name, wanted)
    (row,) = Crops().measure([clip])
    assert isinstance(row, Row), row
    told = row.values["references"]
    assert isinstance(told, list)
    return Clip(name, clip.uri, upstream={"crops": row.values}, images={"crops": row.images}), told


def image(pixels: Frame, region: str) -> Clip:
    """A clip that has one reference, with these pixels."""
    webp = cv2.imencode(".webp", np.ascontiguousarray(pixels[:, :, ::-1]))[1].tobytes()
    upstream = {"crops": {"references": [{"name": "one", "region": region}]}}
    return Clip("image", "", upstream=upstream, images={"crops": {"one.webp": webp}})


def test_bodies_are_seen_to_face_where_they_do(stage: Annotate) -> None:
    clip, true = cut("turn_standing_1", [("body", sample) for sample in BODIES])
    found = labels(stage, clip)
    assert [each["name"] for each in found] == [each["name"] for each in true]
    off = [angle_between(each["seen_yaw_deg"], told["yaw_deg"]) for each, told in zip(found, true, strict=True)]
    assert np.median(off) <= 10
    assert max(off) < 30
    assert {each["seen_viewpoint"] for each in found} == {"front", "side", "back"}
    assert {each["seen_people"] for each in found} == {1}
    assert [found[0]["has_face"], found[2]["has_face"]] == [True, False], "from the front and from behind"


def test_faces_are_seen_to_look_where_they_do(stage: Annotate) -> None:
    pairs = list[tuple[Mapping[str, Any], Mapping[str, Any]]]()
    for name, samples in (("talk_pitch_1", (0, 6, 12, 18)), ("talk_yaw_1", (3, 22))):
        clip, true = cut(name, [("face", sample) for sample in samples])
        pairs += zip(labels(stage, clip), true, strict=True)
    assert {each["seen_viewpoint"] for each, _ in pairs} >= {"front", "left", "right"}
    for each, told in pairs:
        assert each["has_face"]
        assert angle_between(each["seen_yaw_deg"], told["yaw_deg"]) < 10
        assert abs(each["seen_pitch_deg"] - told["pitch_deg"]) < 15
        assert 0 < each["seen_visibility"] <= 1
        assert each["seen_people"] == 1


def test_what_is_expressed_is_read(stage: Annotate) -> None:
    shown = Truth.read(SHIPPED / "expressions_2.json")
    told = [shown.actors[0].expression[frame] for frame in shown.mask_frames]
    wanted = {name: told.index(name) + told.count(name) // 2 for name in ("happiness", "surprise", "sadness")}
    clip, _ = cut("expressions_2", [("face", sample) for sample in wanted.values()])
    assert [each["seen_expression"] for each in sorted(labels(stage, clip), key=lambda each: each["name"])] == [*wanted]


def test_two_people_are_two(stage: Annotate) -> None:
    clip, _ = with_references("two_people_1", [])
    _, frame = next(frames(clip.uri))
    (found,) = labels(stage, image(frame, "body"))
    assert found["seen_people"] == 2
    strict = Annotate(AnnotateParameters(min_person_score=0.99), **stage.backends)
    assert labels(strict, image(frame, "body"))[0]["seen_people"] == 1, "of two who are unsure one is told"


def test_someone_of_whom_the_detector_is_unsure_is_there_if_a_face_or_a_body_is(stage: Annotate) -> None:
    strict = Annotate(AnnotateParameters(min_person_score=0.99), **stage.backends)
    clip, _ = cut("turn_standing_1", [("body", BODIES[0]), ("body", BODIES[2])])
    assert [each["seen_people"] for each in labels(strict, clip)] == [1, 1]
    faceless = with_references("turn_standing_1", [])[0]
    _, frame = next(frames(faceless.uri))
    legs = np.ascontiguousarray(frame[frame.shape[0] * 2 // 3 :])
    assert [each["seen_people"] for each in labels(strict, image(legs, "face"))] == [0]


@pytest.mark.parametrize("region", ["face", "body"])
def test_where_nobody_is_nothing_is_told(stage: Annotate, region: str) -> None:
    (found,) = labels(stage, image(np.full((240, 160, 3), 120, np.uint8), region))
    told = {"name": "one", "seen_people": 0, "has_face": False}
    assert found == dict.fromkeys(found, None) | told


def test_labels_do_not_depend_on_what_an_image_was_cut_for(stage: Annotate) -> None:
    clip, _ = cut("turn_standing_1", [("body", 24)])
    told = dict(clip.upstream["crops"]["references"][0]) | {"viewpoint": "front", "yaw_deg": 0.0}
    other = Clip(clip.key, clip.uri, upstream={"crops": {"references": [told]}}, images=clip.images)
    assert labels(stage, other) == labels(stage, clip)
    assert labels(stage, clip)[0]["seen_viewpoint"] == "back"
