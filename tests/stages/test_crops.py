"""Cut out of real samples, at the places and with the masks that are true."""

from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from actor18m.inputs import canonical_uri
from actor18m.media.sharpness import sharpness
from actor18m.media.video import frames
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Failure, Row
from stages.crops import Crops, CropsParameters
from tests.stages.shot_by_truth import with_references

WANTED = (("body", 0), ("face", 0), ("body", 12), ("body", 24))
Pixels = npt.NDArray[np.uint8]


@pytest.fixture(scope="module")
def turning() -> tuple[Clip, Truth]:
    return with_references("turn_standing_1", WANTED)


@pytest.fixture(scope="module")
def row(turning: tuple[Clip, Truth]) -> Row:
    return cut(turning[0])


def cut(clip: Clip, **parameters: Any) -> Row:
    (outcome,) = Crops(CropsParameters(**parameters)).measure([clip])
    assert isinstance(outcome, Row), outcome
    assert Crops.writes.table([outcome], {outcome.key: ""}).num_rows == 1
    return outcome


def references(row: Row) -> list[Mapping[str, Any]]:
    found = row.values["references"]
    assert isinstance(found, list)
    return found


def picture(row: Row, name: str) -> Pixels:
    """uint8[H, W, 3] RGB of an image, uint8[H, W] of a mask."""
    pixels = cv2.imdecode(np.frombuffer(row.images[name], np.uint8), cv2.IMREAD_UNCHANGED)
    assert pixels is not None
    return np.asarray(pixels[:, :, ::-1] if pixels.ndim == 3 else pixels, np.uint8)


def test_each_reference_is_an_image_and_a_mask(row: Row) -> None:
    names = [each["name"] for each in references(row)]
    assert names == ["body-self-01", "body-self-03", "body-self-04", "face-self-02"]
    assert sorted(row.images) == sorted(f"{name}{end}" for name in names for end in (".webp", ".mask.png"))


def test_an_image_shows_its_place_in_its_frame_and_is_not_made_larger(row: Row, turning: tuple[Clip, Truth]) -> None:
    shown = [frame for _, frame in frames(turning[0].uri, fps=8)]
    for each in references(row):
        image = picture(row, f"{each['name']}.webp")
        place = shown[each["sample"]][each["y0"] : each["y1"], each["x0"] : each["x1"]]
        assert image.shape == place.shape == (each["height"], each["width"], 3)
        assert np.abs(image.astype(int) - place).mean() < 3
        assert each["sharpness"] == pytest.approx(sharpness(place, 256), abs=1e-3)
        others = [
            np.abs(image.astype(int) - shown[i][each["y0"] : each["y1"], each["x0"] : each["x1"]]) for i in (8, 16)
        ]
        assert min(other.mean() for other in others) > 3


def test_a_mask_is_the_rows_to_the_pixel(row: Row, turning: tuple[Clip, Truth]) -> None:
    _, truth = turning
    for each in references(row):
        mask = picture(row, f"{each['name']}.mask.png")
        true = truth.mask(truth.actors[0].body_masks[each["sample"]] or "")
        assert np.array_equal(mask, true[each["y0"] : each["y1"], each["x0"] : each["x1"]] * np.uint8(255))
        assert each["mask_share"] == pytest.approx((mask > 0).mean(), abs=1e-4)


def test_digests_are_of_the_very_bytes(row: Row) -> None:
    for each in references(row):
        assert each["sha256"] == sha256(row.images[f"{each['name']}.webp"]).hexdigest()
        assert each["mask_sha256"] == sha256(row.images[f"{each['name']}.mask.png"]).hexdigest()


def test_the_same_clip_gives_the_same_bytes(row: Row, turning: tuple[Clip, Truth]) -> None:
    assert cut(turning[0]) == row


def test_large_crops_are_made_smaller_and_masks_stay_black_and_white(turning: tuple[Clip, Truth], row: Row) -> None:
    small = cut(turning[0], max_px=200)
    for each, large in zip(references(small), references(row), strict=True):
        is_small = max(large["width"], large["height"]) <= 200
        assert max(each["width"], each["height"]) == (max(large["width"], large["height"]) if is_small else 200)
        assert each["width"] / each["height"] == pytest.approx(large["width"] / large["height"], abs=0.01)
        mask = picture(small, f"{each['name']}.mask.png")
        assert mask.shape == (each["height"], each["width"])
        assert set(np.unique(mask)) <= {0, 255}
        assert each["mask_share"] == pytest.approx(large["mask_share"], abs=0.02)


def test_quality_costs_bytes_and_101_loses_nothing(turning: tuple[Clip, Truth], row: Row) -> None:
    poor, lossless = cut(turning[0], webp_quality=40), cut(turning[0], webp_quality=101)
    frame = next(frame for _, frame in frames(turning[0].uri, fps=8))
    each = references(row)[0]
    sizes = [len(some.images[f"{each['name']}.webp"]) for some in (poor, row, lossless)]
    assert sizes == sorted(set(sizes))
    place = frame[each["y0"] : each["y1"], each["x0"] : each["x1"]]
    assert np.array_equal(picture(lossless, f"{each['name']}.webp"), place)


def test_a_turned_video_is_cut_upright() -> None:
    clip, truth = with_references("phone_rotated_1", [("face", 4)])
    row = cut(clip)
    assert (truth.width, truth.height) == (540, 960)
    mask = picture(row, "face-self-01.mask.png")
    assert (mask > 0).mean() > 0.3, "a face's crop shows the person"


def test_a_file_that_went_bad_is_one_failure(turning: tuple[Clip, Truth], tmp_path: Path) -> None:
    (tmp_path / "gone_bad.mp4").write_bytes(b"")
    bad = Clip("bad", canonical_uri(tmp_path / "gone_bad.mp4"), upstream=turning[0].upstream)
    failure, good = Crops().measure([bad, turning[0]])
    assert isinstance(failure, Failure)
    assert (failure.kind, isinstance(good, Row)) == ("empty_file", True)


def test_without_references_there_is_nothing_to_cut() -> None:
    clip, _ = with_references("turn_standing_1", [])
    assert (references(cut(clip)), cut(clip).images) == ([], {})
