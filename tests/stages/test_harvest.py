"""Views that a sample's own frames show, and what is said of those that none shows."""

from typing import Any

import numpy as np
import pytest

from actor18m.media.encoded import decoded
from actor18m.stage import UNAVAILABLE, Failure, Image, Row
from stages.crops import Crops
from stages.harvest import Harvest
from tests.stages.shot_by_truth import wanted_images


@pytest.fixture(scope="module")
def turning() -> list[Image]:
    """Requests for crops have all that one for a real frame has."""
    return wanted_images("turn_standing_1", (("body", 12), ("body", 24), ("face", 0)))[0]


def made(images: list[Image]) -> dict[str, Row | Failure]:
    stage = Harvest()
    outcomes = {outcome.key: outcome for outcome in stage.measure(images)}
    for outcome in outcomes.values():
        stage.check(outcome)
    assert Harvest.writes.table(list(outcomes.values()), dict.fromkeys(outcomes, "")).num_rows == len(images)
    return outcomes


def without_a_frame(image: Image, **request: Any) -> Image:
    return Image(
        f"{image.key}9", image.clip, {**image.request, "sample": None, "lacks": "nobody turns round", **request}
    )


def test_a_real_frame_is_cut_like_a_reference(turning: list[Image]) -> None:
    found = made(turning)
    crops = {row.key: row for row in Crops().measure(turning)}
    for key, row in found.items():
        crop = crops[key]
        assert isinstance(row, Row)
        assert isinstance(crop, Row)
        assert row.images == crop.images
        assert row.values == {**crop.values, "source": "view-aug", "how": "harvest", "prompt": None, "seed": None}
        assert row.values["method"] == "real"
        assert row.values["is_generated"] is False


def test_what_no_frame_shows_is_unavailable_and_says_why(turning: list[Image]) -> None:
    missing = without_a_frame(turning[0])
    found = made([missing, *turning])
    assert found[missing.key] == Failure(missing.key, UNAVAILABLE, "nobody turns round")
    assert sum(isinstance(outcome, Row) for outcome in found.values()) == len(turning)
    row = found[turning[0].key]
    assert isinstance(row, Row)
    assert np.std(decoded(row.images["webp"])) > 10, "it shows something"
