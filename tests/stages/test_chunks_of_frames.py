"""However many frames a stage hands over at a time, it measures the same."""

from collections.abc import Callable, Mapping

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.inputs import canonical_uri
from actor18m.media import chunks
from actor18m.models.shared import Shared
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Clip, Row, Stage
from stages.bodies import Bodies
from stages.faces import Faces
from stages.identity import Identity
from stages.motion import Motion
from stages.pose import Pose

MEASURING: tuple[type[Stage], ...] = Identity, Motion, Faces, Bodies, Pose
CUT = 20, 44
"""A second of the clip in which two people are seen."""


@pytest.fixture(scope="module")
def measuring(pulled: Callable[..., None]) -> list[Stage]:
    pulled("centerface", "dlib-face", "efficientdet", "efficientnet", "mediapipe-face", "mediapipe-pose")
    pipeline, shared = load_pipeline(find_pipeline("embedded")), Shared()
    return [pipeline.step(stage.writes.name).made(shared) for stage in MEASURING]


def rows(stages: list[Stage]) -> Mapping[str, Row]:
    """Of each stage, with the rows of those before it."""
    found: dict[str, Row] = {}
    for stage in stages:
        upstream = {name: row.values for name, row in found.items()}
        (outcome,) = stage.measure([Clip("two", canonical_uri(SHIPPED / "two_people_1.mp4"), CUT, upstream=upstream)])
        assert isinstance(outcome, Row), outcome
        found[stage.writes.name] = outcome
    return found


def test_rows_are_equal_for_chunks_of_another_size(measuring: list[Stage], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = rows(measuring)
    assert whole["bodies"].values["bodies"]
    monkeypatch.setattr(chunks, "FRAMES_AT_ONCE", 3)
    assert rows(measuring) == whole
