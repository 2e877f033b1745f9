"""The real model on samples, given the boxes of a perfect tracker."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.inputs import canonical_uri
from actor18m.media.run_lengths import from_run_lengths
from actor18m.models.backends import load
from actor18m.stage import Clip, Failure, Row
from stages.bodies import Bodies, BodiesParameters
from tests.stages.told_by_truth import with_boxes


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Bodies:
    pulled("mediapipe-pose", "efficientdet")
    return Bodies(bodies=load("mediapipe-pose"), people=load("efficientdet"))


def measured(stage: Bodies, *clips: Clip) -> Sequence[Mapping[str, Any]]:
    rows = []
    for outcome in stage.measure(clips):
        assert isinstance(outcome, Row), outcome
        rows.append(outcome.values)
    return rows


def test_masks_are_the_subject_all_the_way_round(stage: Bodies) -> None:
    clip, truth = with_boxes("turn_standing_1")
    (row,) = measured(stage, clip)
    overlaps = []
    for body, counts in zip(row["bodies"], row["masks"], strict=True):
        mask = from_run_lengths(counts, truth.height, truth.width)
        true = truth.mask(truth.actors[0].body_masks[body["sample"]] or "")
        overlaps.append((mask & true).sum() / (mask | true).sum())
        ys, xs = np.nonzero(mask)
        assert [body[side] for side in ("x0", "y0", "x1", "y1")] == [xs.min(), ys.min(), xs.max() + 1, ys.max() + 1]
        assert body["area_share"] == pytest.approx(mask.mean(), abs=1e-4)
    assert len(overlaps) == len(truth.mask_frames)
    assert np.mean(overlaps) >= 0.9
    assert row["mask_share"] == 1


def test_samples_without_the_subject_have_no_mask(stage: Bodies) -> None:
    clip, _ = with_boxes("far_away_1", 3, 9)
    (row,) = measured(stage, clip)
    assert [body["sample"] for body in row["bodies"]] == [3, 4, 5, 6, 7, 8]
    assert row["mask_share"] == pytest.approx(6 / 24)


def test_a_body_that_the_frame_cuts_off_says_where(stage: Bodies) -> None:
    clip, _ = with_boxes("half_turn_1", 0, 4)
    (row,) = measured(stage, clip)
    for body in row["bodies"]:
        assert (body["cut_left"], body["cut_top"], body["cut_right"], body["cut_bottom"]) == (False, False, False, True)


def test_another_person_counts_where_the_crop_reaches_it(stage: Bodies) -> None:
    clip, truth = with_boxes("two_people_1", 0, 3)
    wide = Bodies(BodiesParameters(margin=0.4), **stage.backends)
    (near,), (far,) = measured(stage, clip), measured(wide, clip)
    other = truth.mask(truth.actors[1].body_masks[0] or "")
    body = far["bodies"][0]
    more = round(0.4 * (body["y1"] - body["y0"]))
    crop = other[max(0, body["y0"] - more) : body["y1"] + more, max(0, body["x0"] - more) : body["x1"] + more]
    assert body["others_share"] == pytest.approx(crop.mean(), rel=0.1)
    assert body["others_share"] > 0.05
    assert all(body["others_share"] == 0 for body in near["bodies"])


def test_a_result_does_not_depend_on_its_neighbours(stage: Bodies) -> None:
    one, other = with_boxes("far_away_1", 0, 3)[0], with_boxes("two_people_1", 10, 13)[0]
    assert measured(stage, one, other) == measured(stage, other, one)[::-1]


def test_a_file_that_went_bad_is_one_failure(stage: Bodies, tmp_path: Path) -> None:
    (tmp_path / "gone_bad.mp4").write_bytes(b"")
    good, _ = with_boxes("far_away_1", 0, 1)
    bad = Clip("bad", canonical_uri(tmp_path / "gone_bad.mp4"), upstream=good.upstream)
    failure, row = stage.measure([bad, good])
    assert isinstance(failure, Failure)
    assert (failure.kind, isinstance(row, Row)) == ("empty_file", True)
