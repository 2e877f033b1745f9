"""The real models on images that were cut where the truth says."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from actor18m.arrays import Bools, Frame
from actor18m.media.encoded import decoded
from actor18m.media.video import frames
from actor18m.media.views import angle_between
from actor18m.models.backends import load
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Image, Row
from stages.annotate import Annotate, AnnotateParameters
from stages.brought import PictureParameters, brought
from stages.crops import Crops
from stages.looks.sheet import panels_of
from tests.stages.shot_by_truth import uri_of, wanted_images
from tests.stages.test_sheets import asked, golden, made

BACKENDS = {
    "faces": "centerface",
    "mesh": "mediapipe-face",
    "parsing": "mesh-parsing",
    "expression": "blendshape-expression",
    "people": "efficientdet",
    "pose": "mediapipe-pose",
}
BODIES = (0, 17, 24, 31, 38)
"""Samples of a sample that turns round once."""


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Annotate:
    pulled("centerface", "mediapipe-face", "efficientdet", "mediapipe-pose")
    return Annotate(**{role: load(name) for role, name in BACKENDS.items()})


def labels(stage: Annotate, images: Sequence[Image]) -> list[Mapping[str, Any]]:
    rows = list(stage.measure(images))
    assert Annotate.writes.table(rows, {row.key: "" for row in rows}).num_rows == len(images)
    return [row.values for row in rows if isinstance(row, Row)]


def cut(name: str, wanted: list[tuple[str, int]]) -> tuple[list[Image], list[Mapping[str, Any]]]:
    """Crops of a clip as they are looked at, and what is true of them."""
    images, _ = wanted_images(name, wanted)
    rows = {row.key: row for row in Crops().measure(images) if isinstance(row, Row)}
    made = [Image(each.key, each.clip, files=rows[each.key].images) for each in images]
    return made, [each.request for each in images]


def image(pixels: Frame, region: str) -> list[Image]:
    """One image with these pixels."""
    webp = cv2.imencode(".webp", np.ascontiguousarray(pixels[:, :, ::-1]))[1].tobytes()
    return [Image(f"clip-{region}-self-01", Clip("clip", ""), files={"webp": webp})]


def test_bodies_are_seen_to_face_where_they_do(stage: Annotate) -> None:
    images, true = cut("turn_standing_1", [("body", sample) for sample in BODIES])
    found = labels(stage, images)
    off = [angle_between(each["seen_yaw_deg"], told["yaw_deg"]) for each, told in zip(found, true, strict=True)]
    assert np.median(off) <= 10
    assert max(off) < 30
    assert {each["seen_viewpoint"] for each in found} == {"front", "side", "back"}
    assert {each["seen_people"] for each in found} == {1}
    assert [found[0]["has_face"], found[2]["has_face"]] == [True, False], "from the front and from behind"
    for image, each in zip(images, found, strict=True):
        (figure,) = each["seen_figures"]
        height, width = decoded(image.files["webp"]).shape[:2]
        points = np.array(figure["points"]).reshape(17, 2)[np.array(figure["visibility"]) >= 0.5]
        assert len(points) >= 6
        assert ((points >= 0) & (points <= (width, height))).all(), "in pixels of the image"


def test_faces_are_seen_to_look_where_they_do(stage: Annotate) -> None:
    pairs = list[tuple[Mapping[str, Any], Mapping[str, Any]]]()
    for name, samples in (("talk_pitch_1", (0, 6, 12, 18)), ("talk_yaw_1", (3, 22))):
        images, true = cut(name, [("face", sample) for sample in samples])
        pairs += zip(labels(stage, images), true, strict=True)
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
    images, _ = cut("expressions_2", [("face", sample) for sample in wanted.values()])
    assert [each["seen_expression"] for each in labels(stage, images)] == [*wanted]


def test_two_people_are_two(stage: Annotate) -> None:
    _, frame = next(frames(uri_of("two_people_1")))
    (found,) = labels(stage, image(frame, "body"))
    assert found["seen_people"] == 2
    strict = Annotate(AnnotateParameters(min_person_score=0.99), **stage.backends)
    assert labels(strict, image(frame, "body"))[0]["seen_people"] == 1, "of two who are unsure one is told"


def test_someone_of_whom_the_detector_is_unsure_is_there_if_a_face_or_a_body_is(stage: Annotate) -> None:
    strict = Annotate(AnnotateParameters(min_person_score=0.99), **stage.backends)
    images, _ = cut("turn_standing_1", [("body", BODIES[0]), ("body", BODIES[2])])
    assert [each["seen_people"] for each in labels(strict, images)] == [1, 1]
    _, frame = next(frames(uri_of("turn_standing_1")))
    legs = np.ascontiguousarray(frame[frame.shape[0] * 2 // 3 :])
    assert [each["seen_people"] for each in labels(strict, image(legs, "face"))] == [0]


@pytest.mark.parametrize("region", ["face", "body"])
def test_where_nobody_is_nothing_is_told(stage: Annotate, region: str) -> None:
    (found,) = labels(stage, image(np.full((240, 160, 3), 120, np.uint8), region))
    assert found == dict.fromkeys(found, None) | {"seen_people": 0, "seen_figures": [], "has_face": False}


def test_labels_do_not_depend_on_what_an_image_was_made_for(stage: Annotate) -> None:
    (crop,), _ = cut("turn_standing_1", [("body", 24)])
    other = replace(crop, request={"viewpoint": "front", "yaw_deg": 0.0}, clip=Clip("other", ""))
    assert labels(stage, [other]) == labels(stage, [crop])
    assert labels(stage, [crop])[0]["seen_viewpoint"] == "back"


def sheet(panels: Sequence[tuple[Frame, Bools]]) -> list[Image]:
    """Panels side by side, each on a ground as large as the largest."""
    height, width = (max(mask.shape[axis] for _, mask in panels) for axis in (0, 1))
    shown, masks = np.full((height, 3 * width, 3), 208, np.uint8), np.zeros((height, 3 * width), bool)
    for number, (picture, mask) in enumerate(panels):
        top, left = height - mask.shape[0], number * width + (width - mask.shape[1]) // 2
        place = slice(top, height), slice(left, left + mask.shape[1])
        shown[place], masks[place] = picture, mask
    _, files = brought(shown, masks, PictureParameters())
    return [Image("clip-sheet-three-01", Clip("clip", ""), files=files)]


@pytest.fixture(scope="module")
def panels() -> dict[str, list[tuple[Frame, Bools]]]:
    """Front, side and back of three people, as layout sets them."""
    found = {}
    for name in ("turn_standing_1", "turn_walking_1", "turn_walking_2"):
        clip, _ = golden(name)
        row = made(clip, asked(clip)[0])
        assert isinstance(row, Row)
        pictures, shapes = (panels_of(decoded(row.images[suffix])) for suffix in ("webp", "mask.png"))
        found[name] = [(picture, shape[..., 0] > 127) for picture, shape in zip(pictures, shapes, strict=True)]
    return found


def test_of_a_sheet_each_panel_is_looked_at_for_itself(
    stage: Annotate, panels: Mapping[str, list[tuple[Frame, Bools]]]
) -> None:
    for name, (front, side, back) in panels.items():
        (told,) = labels(stage, sheet([front, side, back]))
        assert told["seen_views"] == ["front", "side", "back"], name
        assert (told["seen_people"], told["panel_people"]) == (3, [1, 1, 1])
        assert told["clothes_likeness"] > 0.6
        assert told["line_spread"] < 0.1
        assert told["seen_viewpoint"] is None, "a sheet has none"
        middles = [np.mean(figure["points"][::2]) / front[1].shape[1] for figure in told["seen_figures"]]
        assert [int(middle) for middle in middles] == [0, 1, 2], "figures are told from left to right, in the sheet"
        (other_way,) = labels(stage, sheet([back, side, front]))
        assert other_way["seen_views"] == ["back", "side", "front"], name
        (lacking,) = labels(stage, sheet([front, side, front]))
        assert lacking["seen_views"] == ["front", "side", "front"], name


def test_another_person_in_a_panel_is_told_by_the_clothes(
    stage: Annotate, panels: Mapping[str, list[tuple[Frame, Bools]]]
) -> None:
    names = list(panels)
    for one, other in zip(names, names[1:] + names[:1], strict=True):
        (told,) = labels(stage, sheet([*panels[one][:2], panels[other][2]]))
        assert told["clothes_likeness"] < 0.4, (one, other)


def test_an_empty_panel_shows_nobody(stage: Annotate, panels: Mapping[str, list[tuple[Frame, Bools]]]) -> None:
    front, side, back = panels["turn_standing_1"]
    empty = np.full_like(back[0], 208), np.zeros_like(back[1])
    (told,) = labels(stage, sheet([front, side, empty]))
    assert told["panel_people"] == [1, 1, 0]
    assert told["seen_views"][2] == "unknown"


def test_what_is_no_sheet_has_no_panels(stage: Annotate) -> None:
    made_, _ = cut("turn_standing_1", [("body", 0), ("face", 0)])
    for told in labels(stage, made_):
        assert told["seen_views"] is told["panel_people"] is told["clothes_likeness"] is told["line_spread"] is None
