"""The measured judge on pictures that were cut from samples where the truth says."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import cv2
import numpy as np
import pytest

from actor18m.media.encoded import decoded, encoded
from actor18m.models.backends import load
from actor18m.stage import Image, Row
from stages.crops import Crops
from stages.judge import Judge, JudgeParameters, likelihoods
from stages.looks.likeness import Likeness
from stages.verdict import ANSWERS, ATTRIBUTES, VERDICT
from tests.stages.shot_by_truth import wanted_images

BACKENDS = {"faces": "centerface", "identity": "dlib-face", "encoder": "efficientnet", "pose": "mediapipe-pose"}
SEEN = {"seen_people": 1, "seen_viewpoint": "side", "seen_yaw_deg": 80.0}
FRONT, SIDE, BACK = 0, 17, 24
"""Samples of a sample that turns round once."""


@pytest.fixture(scope="module")
def judge(pulled: Callable[..., None]) -> Judge:
    pulled(*BACKENDS.values())
    return Judge(**{role: load(name) for role, name in BACKENDS.items()})


def cut(name: str, region: str, sample: int) -> Mapping[str, bytes]:
    images, _ = wanted_images(name, [(region, sample)])
    (row,) = Crops().measure(images)
    assert isinstance(row, Row)
    return row.images


def judged(
    judge: Judge,
    source: Mapping[str, bytes],
    made: Mapping[str, bytes],
    region: str = "body",
    wanted: Mapping[str, Any] | None = None,
    **seen: Any,
) -> Mapping[str, Any]:
    (asked,), _ = wanted_images("turn_standing_1", [(region, FRONT)])
    image = Image(
        asked.key, asked.clip, wanted or {"view": "left"}, upstream={"annotate": SEEN | seen}, files=made, source=source
    )
    (row,) = judge.measure([image])
    assert isinstance(row, Row)
    assert Judge.writes.table([row], {row.key: ""}).num_rows == 1
    return row.values


def tinted(files: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """The same in clothes of another colour: what lies below the head, red for blue."""
    picture, mask = decoded(files["webp"]).copy(), decoded(files["mask.png"])[:, :, 0] > 127
    mask[: len(mask) // 5] = False
    picture[mask] = np.uint8(255) - picture[mask]
    return {**files, "webp": encoded(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 95])}


@pytest.mark.parametrize("sample", [SIDE, BACK])
def test_a_person_seen_from_another_side_is_the_same(judge: Judge, sample: int) -> None:
    told = judged(judge, cut("turn_standing_1", "body", FRONT), cut("turn_standing_1", "body", sample))
    assert (told["verdict"], told["colour"], told["people"]) == ("consistent", "consistent", "consistent")
    assert told["face"] == "not_visible", "nobody can be known by a face that is turned away"
    assert told["confidence"] == told["likeness"] > 0.5


def test_another_person_is_none(judge: Judge) -> None:
    told = judged(judge, cut("talk_yaw_1", "face", 0), cut("talk_pitch_1", "face", 0), "face")
    assert (told["verdict"], told["face"]) == ("inconsistent", "inconsistent")
    same = judged(judge, cut("talk_yaw_1", "face", 0), cut("talk_yaw_1", "face", 20), "face")
    assert (same["verdict"], same["face"]) == ("consistent", "consistent")


def test_other_clothes_are_told_from_behind(judge: Judge) -> None:
    told = judged(judge, cut("turn_standing_1", "body", FRONT), tinted(cut("turn_standing_1", "body", BACK)))
    assert (told["verdict"], told["colour"]) == ("inconsistent", "inconsistent")
    assert told["confidence"] == pytest.approx(1 - told["likeness"])


def test_another_light_is_not_held_against_an_image_that_was_asked_for_in_it(judge: Judge) -> None:
    side = cut("turn_standing_1", "body", SIDE)
    blue = (decoded(side["webp"]) * np.array([0.45, 0.6, 0.9])).astype(np.uint8)
    relit = {**side, "webp": encoded(".webp", blue, [cv2.IMWRITE_WEBP_QUALITY, 95])}
    assert judged(judge, side, relit)["verdict"] == "inconsistent", "nobody asked for it"
    wanted = {"lighting": "blue hour"}
    assert judged(judge, side, relit, wanted=wanted)["verdict"] == "consistent"
    other = tinted(relit)
    assert judged(judge, side, other, wanted=wanted)["verdict"] == "inconsistent", "clothes of another colour"


def test_bare_shoulders_are_no_clothes_of_another_colour(judge: Judge) -> None:
    """The crop of one picture shows a garment, and that of the other skin alone."""
    face = cut("talk_yaw_1", "face", 0)
    picture, mask = decoded(face["webp"]).copy(), decoded(face["mask.png"])[:, :, 0] > 127
    middle = picture[round(0.5 * len(picture)), picture.shape[1] // 2]
    mask[: round(0.72 * len(picture))] = False
    picture[mask] = middle
    bare = {**face, "webp": encoded(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 95])}
    told = judged(judge, bare, face, "face")
    assert (told["colour"], told["upper_distance"], told["face"]) == ("not_visible", None, "consistent")
    assert judged(judge, face, face, "face")["colour"] == "consistent"


@pytest.mark.parametrize(("hair", "word"), [(0.2, "consistent"), (3.5, "inconsistent"), (None, "inconsistent")])
def test_a_face_that_is_half_alike_is_the_person_s_who_has_that_hair(hair: float | None, word: str) -> None:
    """Of a face that is turned, a likeness of one half may be the same person's or somebody else's."""
    like = Likeness(0.5, 45.0, None, hair, None, None, None, None, 0.8)
    likely = likelihoods(JudgeParameters(), like)
    assert ("consistent" if likely["face"] >= 0.5 else "inconsistent") == word


def striped(files: Mapping[str, bytes], along: int, start: int = 0) -> Mapping[str, bytes]:
    """The same in clothes with darker stripes, across (0) or down (1) the body."""
    picture, mask = decoded(files["webp"]).copy(), decoded(files["mask.png"])[:, :, 0] > 127
    mask[: len(mask) // 5] = False
    place = np.indices(mask.shape)[along]
    is_dark = (place + start) // max(2, len(mask) // 60) % 2 == 0
    picture[mask & is_dark] = (0.6 * picture[mask & is_dark]).astype(np.uint8)
    return {**files, "webp": encoded(".webp", picture, [cv2.IMWRITE_WEBP_QUALITY, 95])}


def test_another_pattern_of_the_same_colours_is_another_garment(judge: Judge) -> None:
    body = cut("turn_standing_1", "body", FRONT)
    same = judged(judge, striped(body, 0), striped(body, 0, start=2))
    other = judged(judge, striped(body, 0), striped(body, 1))
    assert (same["verdict"], same["garment"], same["colour"]) == ("consistent", "consistent", "consistent")
    assert (other["verdict"], other["garment"], other["colour"]) == ("inconsistent", "inconsistent", "consistent")
    behind = judged(judge, striped(body, 0), striped(cut("turn_standing_1", "body", BACK), 1))
    assert behind["garment"] == "not_visible", "a print may end at the seam"


def test_pictures_of_one_source_are_judged_together_as_each_by_itself(judge: Judge) -> None:
    source, made = cut("turn_standing_1", "body", FRONT), [cut("turn_standing_1", "body", at) for at in (SIDE, BACK)]
    (asked,), _ = wanted_images("turn_standing_1", [("body", FRONT)])
    images = [
        Image(asked.key, asked.clip, {}, upstream={"annotate": SEEN}, files=files, source=source)
        for files in (*made, made[0])
    ]
    images[2] = replace(images[2], source=made[0])
    together = [row.values for row in judge.measure(images) if isinstance(row, Row)]
    alone = [row.values for image in images for row in judge.measure([image]) if isinstance(row, Row)]
    assert together == alone


def test_two_people_are_not_one(judge: Judge) -> None:
    body = cut("turn_standing_1", "body", FRONT)
    told = judged(judge, body, body, seen_people=2)
    assert (told["verdict"], told["people"], told["face"]) == ("inconsistent", "inconsistent", "consistent")


def test_which_view_it_is_is_told_beside_the_verdict(judge: Judge) -> None:
    body = cut("turn_standing_1", "body", FRONT)
    left, right = judged(judge, body, body), judged(judge, body, body, seen_yaw_deg=-80.0)
    assert (left["observed_view"], left["shows_wanted_view"]) == ("left", True)
    assert (right["observed_view"], right["shows_wanted_view"]) == ("right", False)
    assert left["verdict"] == right["verdict"] == "consistent"


def test_what_cannot_be_compared_speaks_for_nobody(judge: Judge) -> None:
    body = cut("turn_standing_1", "body", FRONT)
    told = judged(judge, {}, body)
    assert told["verdict"] == "inconsistent"
    assert {told[name] for name in ("face", "hair", "garment", "colour")} == {"not_visible"}
    assert {told[name] for name in ("accessories", "anatomy")} == {"not_judged"}, "nobody looked"
    assert {told[name] for name in ATTRIBUTES} <= set(ANSWERS)
    assert set(VERDICT) <= set(told)


def test_a_sheet_is_as_like_its_source_as_its_panel_that_is_least_like_it(judge: Judge) -> None:
    source = cut("turn_standing_1", "body", FRONT)
    right = beside(source, cut("turn_standing_1", "body", SIDE), cut("turn_standing_1", "body", BACK))
    wrong = beside(source, cut("turn_standing_1", "body", SIDE), tinted(cut("turn_standing_1", "body", BACK)))
    assert sheet(judge, source, right)["verdict"] == "consistent"
    told = sheet(judge, source, wrong)
    assert (told["verdict"], told["colour"], told["people"]) == ("inconsistent", "inconsistent", "consistent")
    assert sheet(judge, source, beside(source, source))["people"] == "inconsistent", "two panels"


def sheet(judge: Judge, source: Mapping[str, bytes], made: Mapping[str, bytes]) -> Mapping[str, Any]:
    (asked,), _ = wanted_images("turn_standing_1", [("body", FRONT)])
    key = f"{asked.clip.key}-sheet-three-01"
    (row,) = judge.measure([Image(key, asked.clip, {}, upstream={"annotate": SEEN}, files=made, source=source)])
    assert isinstance(row, Row)
    return row.values


def beside(*panels: Mapping[str, bytes]) -> Mapping[str, bytes]:
    """On one ground, a little apart."""
    height = max(len(decoded(each["webp"])) for each in panels)
    pictures, masks = [], []
    for each in panels:
        picture, mask = decoded(each["webp"]), decoded(each["mask.png"])
        more = ((height - len(picture), 0), (8, 8), (0, 0))
        pictures.append(np.pad(picture, more, constant_values=200))
        masks.append(np.pad(mask, more))
    return {
        "webp": encoded(".webp", np.hstack(pictures), [cv2.IMWRITE_WEBP_QUALITY, 95]),
        "mask.png": encoded(".png", np.hstack(masks)[:, :, 0], []),
    }
