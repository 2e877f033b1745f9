"""Sheets of samples: asked for by rows that say what is true, made, and measured by the truth again."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from accuracy.golden import CANONICAL_DEG, off_view
from actor18m.media.run_lengths import from_run_lengths, to_run_lengths
from actor18m.samples.truth import Truth
from actor18m.stage import UNAVAILABLE, Clip, Failure, Image, Row
from stages.layout import Layout, LayoutParameters
from stages.looks.panels import CutOut, Ground, side_by_side
from stages.sheets import VIEWS, Sheets
from tests.stages.sheet_by_truth import mask_of, off_lines, true_views
from tests.stages.told_by_truth import measured_by_truth

GREY = 208


def golden(name: str) -> tuple[Clip, Truth]:
    """With the anchors that are nearest to their views, by truth."""
    clip, truth = measured_by_truth(name)
    poses = clip.upstream["pose"]["poses"]
    anchors = []
    for view in VIEWS:
        nearest = min(poses, key=lambda pose: off_view(pose["body_yaw_deg"], CANONICAL_DEG[view]))
        told = {"view": view, "sample": nearest["sample"], "yaw_deg": nearest["body_yaw_deg"], "score": 0.7}
        anchors.append(told | {"time_s": nearest["sample"] / 8})
    edges = dict.fromkeys(("cut_left", "cut_top", "cut_right", "cut_bottom"), False)
    bodies = [{**body, **edges} for body in clip.upstream["bodies"]["bodies"]]
    crops = [{"name": f"body-self-{n:02d}", "anchor": view} for n, view in enumerate(VIEWS, start=1)]
    more = {
        "bodies": {**clip.upstream["bodies"], "bodies": bodies},
        "select": {"references": crops, "anchors": anchors, "is_golden": True},
    }
    return replace(clip, upstream={**clip.upstream, **more}), truth


def asked(clip: Clip) -> list[dict[str, Any]]:
    (row,) = Sheets().measure([clip])
    assert isinstance(row, Row)
    Sheets().check(row)
    assert Sheets.writes.table([row], {row.key: ""}).num_rows == 1
    wanted = row.values["wanted"]
    assert isinstance(wanted, list)
    return wanted


def made(clip: Clip, request: Mapping[str, Any], **parameters: Any) -> Row | Failure:
    image = Image(f"{clip.key}-{request['name']}", clip, request)
    (outcome,) = Layout(LayoutParameters(**parameters)).measure([image])
    Layout().check(outcome)
    assert Layout.writes.table([outcome], {outcome.key: ""}).num_rows == 1
    return outcome


def picture_of(row: Row) -> np.ndarray[Any, np.dtype[np.uint8]]:
    pixels = cv2.imdecode(np.frombuffer(row.images["webp"], np.uint8), cv2.IMREAD_COLOR)
    assert pixels is not None
    return np.asarray(pixels[:, :, ::-1], np.uint8)


def test_a_golden_clip_asks_for_one_sheet_of_its_three_anchors() -> None:
    clip, _ = golden("turn_standing_1")
    (sheet,) = asked(clip)
    assert (sheet["name"], sheet["region"], sheet["source_image"]) == ("sheet-three-01", "sheet", "body-self-01")
    assert [anchor["view"] for anchor in sheet["anchors"]] == list(VIEWS)
    assert [anchor["image"] for anchor in sheet["anchors"]] == ["body-self-01", "body-self-02", "body-self-03"]
    assert all(len(sheet[name]) == 3 for name in ("masks", "points", "visibility"))


def test_a_clip_that_is_not_golden_asks_for_none() -> None:
    clip, _ = golden("turn_standing_1")
    select = {**clip.upstream["select"], "is_golden": False, "anchors": clip.upstream["select"]["anchors"][:2]}
    assert asked(replace(clip, upstream={**clip.upstream, "select": select})) == []


@pytest.mark.parametrize("name", ["turn_standing_1", "turn_walking_1", "turn_walking_2"])
def test_a_sheet_shows_front_side_and_back_of_one_height_on_one_line(name: str) -> None:
    clip, truth = golden(name)
    (sheet,) = asked(clip)
    row = made(clip, sheet)
    assert isinstance(row, Row), row
    assert true_views(sheet["anchors"], truth) == list(VIEWS)
    told = row.values
    assert (told["source"], told["method"], told["how"], told["is_generated"]) == (
        "three-view", "composited", "layout", False)  # fmt: skip
    mask = mask_of(row.images)
    assert mask.shape == (told["height"], told["width"])
    scales = told["scales"]
    assert isinstance(scales, list)
    assert max(scales) <= 1.0 + 1e-3, "nobody is made larger"
    apart = off_lines(mask, scales, sheet["anchors"], truth)
    assert max(apart.values()) < 0.025, apart


def test_beside_the_person_is_nothing_but_the_ground() -> None:
    """No seam of the kitchen that was behind."""
    clip, _ = golden("turn_standing_1")
    (sheet,) = asked(clip)
    row = made(clip, sheet, webp_quality=101)
    assert isinstance(row, Row)
    picture, mask = picture_of(row), mask_of(row.images)
    around = cv2.dilate(mask.astype(np.uint8), np.ones((5, 5), np.uint8)) == 0
    assert np.abs(picture[around].astype(int) - GREY).max() <= 1
    edge = cv2.morphologyEx(mask.astype(np.uint8), cv2.MORPH_GRADIENT, np.ones((3, 3), np.uint8)) > 0
    blue = (picture[edge].astype(int)[:, 2] - picture[edge].astype(int)[:, 0] > 30).mean()
    assert blue < 0.02, "of the blue cupboards nothing is left at the edge"


def test_the_sheet_does_not_need_true_masks_to_be_clean() -> None:
    """A mask that is 4 px too wide everywhere is brought to where the colours change."""
    clip, truth = golden("turn_standing_1")
    (sheet,) = asked(clip)
    true = [from_run_lengths(mask, truth.height, truth.width) for mask in sheet["masks"]]
    wide = [cv2.dilate(mask.astype(np.uint8), np.ones((9, 9), np.uint8)) > 0 for mask in true]
    row = made(clip, sheet | {"masks": [to_run_lengths(mask) for mask in wide]})
    assert isinstance(row, Row)
    share = mask_of(row.images).sum() / sum(mask.sum() for mask in true)
    loose = sum(mask.sum() for mask in wide) / sum(mask.sum() for mask in true)
    assert loose > 1.12
    assert share < 1.06, "less than half of what was too much is left"


def test_who_is_too_small_has_no_sheet() -> None:
    clip, _ = golden("turn_standing_1")
    (sheet,) = asked(clip)
    points = [[200.0 + value * 0.05 for value in each] for each in sheet["points"]]
    outcome = made(clip, sheet | {"points": points})
    assert isinstance(outcome, Failure)
    assert outcome.kind == UNAVAILABLE
    assert "px" in outcome.message


def person(cloth: Mapping[str, Sequence[float]], grey: int = 100) -> CutOut:
    matte = np.zeros((200, 100), np.float32)
    matte[10:190, 30:70] = 1
    colours = np.full((200, 100, 3), grey, np.float32)
    return CutOut(
        colours, matte, 10.0, 180.0, 50.0, 1.0, {name: np.array(lab, np.float32) for name, lab in cloth.items()}
    )


def test_one_light_is_told_by_clothes_of_one_hue_only() -> None:
    ground = Ground(grey=GREY, around=0.06, max_gain=1.15)
    front = person({"upper body": (50, 5, 5), "legs": (30, 0, -20)})
    darker = person({"upper body": (45, 5, 5), "legs": (27, 0, -20)})
    coat = person({"upper body": (80, 0, 0), "legs": (30, 0, -20)})
    sheet = side_by_side([front, darker, coat], ground)
    assert sheet.gains[0] == 1.0
    assert sheet.gains[1] == pytest.approx(1.11, abs=0.01)
    assert sheet.gains[2] == pytest.approx(1.0, abs=0.01), "the coat is open in front, and tells nothing"


def test_dark_clothes_tell_no_light() -> None:
    """A fold makes them half as bright."""
    ground = Ground(grey=GREY, around=0.06, max_gain=1.15)
    sheet = side_by_side([person({"legs": (10, 0, -5)}), person({"legs": (13, 0, -5)})], ground)
    assert sheet.gains == [1.0, 1.0]


def test_who_is_large_is_made_smaller_and_stands_as_well() -> None:
    clip, truth = golden("turn_standing_1")
    (sheet,) = asked(clip)
    row = made(clip, sheet, max_height_px=200)
    assert isinstance(row, Row)
    height, scales = row.values["height"], row.values["scales"]
    assert isinstance(height, int)
    assert isinstance(scales, list)
    assert height < 260
    assert max(scales) < 0.5
    assert max(off_lines(mask_of(row.images), scales, sheet["anchors"], truth).values()) < 0.03
