"""Cut out of real samples, at the places and with the masks that are true."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from actor18m.inputs import canonical_uri
from actor18m.media.run_lengths import from_run_lengths, to_run_lengths
from actor18m.media.sharpness import sharpness
from actor18m.media.video import frames
from actor18m.models.backends import load
from actor18m.samples.truth import Truth
from actor18m.stage import Failure, Image, Row
from stages.crops import Crops, CropsParameters
from tests.stages.shot_by_truth import wanted_images

WANTED = (("body", 0), ("face", 0), ("body", 12), ("body", 24))
Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def turning() -> tuple[list[Image], Truth]:
    return wanted_images("turn_standing_1", WANTED)


@pytest.fixture(scope="module")
def rows(turning: tuple[list[Image], Truth]) -> list[Row]:
    return cut(turning[0])


def cut(images: list[Image], **parameters: Any) -> list[Row]:
    """In the order of the images."""
    return cut_by(Crops(CropsParameters(**parameters)), images)


def cut_by(stage: Crops, images: list[Image]) -> list[Row]:
    outcomes = {outcome.key: outcome for outcome in stage.measure(images)}
    found = []
    for image in images:
        outcome = outcomes[image.key]
        assert isinstance(outcome, Row), outcome
        stage.check(outcome)
        found.append(outcome)
    assert Crops.writes.table(found, dict.fromkeys(outcomes, "")).num_rows == len(images)
    return found


def told(rows: list[Row], images: list[Image]) -> list[Mapping[str, Any]]:
    """What is known of each, with what was asked for."""
    return [{**image.request, **row.values} for row, image in zip(rows, images, strict=True)]


def picture(row: Row, suffix: str) -> Pixels:
    """uint8[H, W, 3] RGB of an image, uint8[H, W] of a mask."""
    pixels = cv2.imdecode(np.frombuffer(row.images[suffix], np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels[:, :, ::-1] if pixels.ndim == 3 else pixels, np.uint8)


def test_each_request_becomes_an_image_and_a_mask(rows: list[Row], turning: tuple[list[Image], Truth]) -> None:
    assert [row.key for row in rows] == [image.key for image in turning[0]]
    assert {tuple(row.images) for row in rows} == {("webp", "mask.png")}


def test_an_image_shows_its_place_in_its_frame_and_is_not_made_larger(
    rows: list[Row], turning: tuple[list[Image], Truth]
) -> None:
    images = turning[0]
    shown = [frame for _, frame in frames(images[0].uri, fps=8)]
    for row, each in zip(rows, told(rows, images), strict=True):
        image = picture(row, "webp")
        place = shown[each["sample"]][each["y0"] : each["y1"], each["x0"] : each["x1"]]
        assert image.shape == place.shape == (each["height"], each["width"], 3)
        assert np.abs(image.astype(int) - place).mean() < 3
        assert each["sharpness"] == pytest.approx(sharpness(place, 256), abs=1e-3)
        others = [
            np.abs(image.astype(int) - shown[i][each["y0"] : each["y1"], each["x0"] : each["x1"]]) for i in (8, 16)
        ]
        assert min(other.mean() for other in others) > 3


def test_a_mask_is_the_requests_to_the_pixel(rows: list[Row], turning: tuple[list[Image], Truth]) -> None:
    images, truth = turning
    for row, each in zip(rows, told(rows, images), strict=True):
        mask = picture(row, "mask.png")
        true = truth.mask(truth.actors[0].body_masks[each["sample"]] or "")
        assert np.array_equal(mask, true[each["y0"] : each["y1"], each["x0"] : each["x1"]] * np.uint8(255))
        assert each["mask_share"] == pytest.approx((mask > 0).mean(), abs=1e-4)


def test_digests_are_of_the_very_bytes(rows: list[Row]) -> None:
    for row in rows:
        assert row.values["sha256"] == sha256(row.images["webp"]).hexdigest()
        assert row.values["mask_sha256"] == sha256(row.images["mask.png"]).hexdigest()


def test_an_image_is_the_same_bytes_whatever_is_cut_beside_it(
    rows: list[Row], turning: tuple[list[Image], Truth]
) -> None:
    assert [cut([image])[0] for image in turning[0]] == rows


def test_large_crops_are_made_smaller_and_masks_stay_black_and_white(
    rows: list[Row], turning: tuple[list[Image], Truth]
) -> None:
    small = cut(turning[0], max_px=200)
    for row, each, large in zip(small, told(small, turning[0]), told(rows, turning[0]), strict=True):
        is_small = max(large["width"], large["height"]) <= 200
        assert max(each["width"], each["height"]) == (max(large["width"], large["height"]) if is_small else 200)
        assert each["width"] / each["height"] == pytest.approx(large["width"] / large["height"], abs=0.01)
        mask = picture(row, "mask.png")
        assert mask.shape == (each["height"], each["width"])
        assert set(np.unique(mask)) <= {0, 255}
        assert each["mask_share"] == pytest.approx(large["mask_share"], abs=0.02)


def test_quality_costs_bytes_and_101_loses_nothing(rows: list[Row], turning: tuple[list[Image], Truth]) -> None:
    first = turning[0][:1]
    (poor,), (lossless,) = cut(first, webp_quality=40), cut(first, webp_quality=101)
    frame = next(frame for _, frame in frames(first[0].uri, fps=8))
    each = first[0].request
    sizes = [len(some.images["webp"]) for some in (poor, rows[0], lossless)]
    assert sizes == sorted(set(sizes))
    place = frame[each["y0"] : each["y1"], each["x0"] : each["x1"]]
    assert np.array_equal(picture(lossless, "webp"), place)


@pytest.fixture(scope="module")
def doubting(pulled: Callable[..., None]) -> Crops:
    """With another segmenter."""
    pulled("selfie-segmenter")
    return Crops(second=load("selfie-segmenter"))


def test_another_segmenter_agrees_on_a_true_mask_and_not_on_one_that_lacks_half(doubting: Crops) -> None:
    images, truth = wanted_images("sixty_fps_1", (("face", 15), ("body", 15)))
    right = cut_by(doubting, images)
    whole = from_run_lengths(images[0].request["mask"], truth.height, truth.width)
    half = whole & (np.arange(truth.width) < np.flatnonzero(whole.any(axis=0)).mean())
    lacking = [replace(each, request={**each.request, "mask": to_run_lengths(half)}) for each in images]
    wrong = cut_by(doubting, lacking)
    agreed, doubted = ([each["agreement"] for each in told(some, images)] for some in (right, wrong))
    assert min(agreed) > 0.93 > 0.7 > max(doubted)
    assert [row.images["webp"] for row in wrong] == [row.images["webp"] for row in right], "the picture is what it is"


def test_nobody_agrees_on_a_mask_of_nobody(doubting: Crops) -> None:
    (image,), truth = wanted_images("sixty_fps_1", (("face", 15),))
    nobody = to_run_lengths(np.zeros((truth.height, truth.width), bool))
    (row,) = cut_by(doubting, [replace(image, request={**image.request, "mask": nobody})])
    assert row.values["agreement"] == 0


def test_without_another_segmenter_nothing_is_said_of_the_mask(
    rows: list[Row], turning: tuple[list[Image], Truth], doubting: Crops
) -> None:
    assert {row.values["agreement"] for row in rows} == {None}
    asked = cut_by(doubting, turning[0])
    assert [row.images for row in asked] == [row.images for row in rows]


def test_a_turned_video_is_cut_upright() -> None:
    images, truth = wanted_images("phone_rotated_1", [("face", 4)])
    (row,) = cut(images)
    assert (truth.width, truth.height) == (540, 960)
    assert (picture(row, "mask.png") > 0).mean() > 0.3, "a face's crop shows the person"


def test_a_file_that_went_bad_fails_its_own_images(turning: tuple[list[Image], Truth], tmp_path: Path) -> None:
    (tmp_path / "gone_bad.mp4").write_bytes(b"")
    clip = replace(turning[0][0].clip, key="bad", uri=canonical_uri(tmp_path / "gone_bad.mp4"))
    bad = [replace(image, key=f"bad-{image.name}", clip=clip) for image in turning[0][:2]]
    found = {outcome.key: outcome for outcome in Crops().measure([*bad, turning[0][2]])}
    kinds = [outcome.kind for outcome in map(found.get, (each.key for each in bad)) if isinstance(outcome, Failure)]
    assert kinds == ["empty_file", "empty_file"]
    assert isinstance(found[turning[0][2].key], Row)
