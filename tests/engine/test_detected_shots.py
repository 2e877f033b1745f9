"""Whoever finds shots plays a role, as in any stage: what it finds cuts a source, and another one looks again."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Self

import pyarrow.dataset as ds

from actor18m import build
from actor18m.arrays import Frame
from actor18m.models.parameters import BackendParameters
from actor18m.samples.shipped import SHIPPED

PIPELINE = """
name: shots
profile: embedded
stages: [{stage: "stages.intake:Intake"}]
split:
  mode: shots
  shots:
    stage: stages.split:DetectedShots
    roles: {shots: {backend: "tests.engine.test_detected_shots:Dissolving"}}
    min_s: 1
    min_score: 0.5
"""


class DissolvingParameters(BackendParameters):
    first: int = 40


class Dissolving:
    """ShotDetector: says that every film dissolves from one frame to the tenth after it."""

    parameters = DissolvingParameters()
    size = (8, 8)

    def __init__(self, first: int) -> None:
        self._first = first

    @classmethod
    def load(cls, parameters: DissolvingParameters) -> Self:
        return cls(parameters.first)

    def scores(self, frames: Iterable[Frame]) -> Iterator[tuple[float, float]]:
        for number, _ in enumerate(frames):
            yield float(number == self._first + 5), float(self._first <= number < self._first + 10)


def _cuts(tmp_path: Path, **settings: object) -> list[list[int]]:
    file = tmp_path / "shots.yaml"
    file.write_text(PIPELINE)
    told = {name.replace("__", "."): value for name, value in settings.items()}
    build(file, SHIPPED / "turn_walking_1.mp4", tmp_path / "store", tmp_path / "dataset", told)
    rows = ds.dataset(tmp_path / "dataset" / "latest" / "metadata" / "inputs").to_table().to_pylist()
    return sorted(row["cut"] for row in rows if row["parent"] and row["state"] != "superseded")


def test_pictures_of_two_shots_are_in_no_clip(tmp_path: Path) -> None:
    (first, (begin, end)) = _cuts(tmp_path)
    assert (first, begin) == ([0, 40], 50)
    assert end > 74
    with_another = _cuts(tmp_path, split__shots__roles__shots__first=30)
    assert with_another == [[0, 30], [40, end]]
