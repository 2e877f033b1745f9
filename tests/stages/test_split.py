from pathlib import Path
from typing import Any

import pytest

from actor18m.inputs import canonical_uri
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Failure, Row
from stages.split import Shots, ShotsParameters, Windows
from tests.media import films

COUNTS = 0.05
"""From this score on, the shipped pipelines cut."""


def measured(stage: Shots | Windows, uri: str, cut: tuple[int, int] | None = None) -> dict[str, Any]:
    (outcome,) = stage.measure([Clip("0" * 20, uri, cut)])
    assert isinstance(outcome, Row), outcome
    stage.writes.table([outcome], {outcome.key: ""})
    return dict(outcome.values)


def sample(name: str) -> str:
    return canonical_uri(SHIPPED / f"{name}.mp4")


def boundaries(row: dict[str, Any]) -> list[int]:
    return [each["frame"] for each in row["boundaries"] if each["score"] >= COUNTS]


@pytest.mark.parametrize("name", ["cut_other_actor_1", "cut_same_actor_2"])
def test_a_hard_cut_is_found_at_its_frame(name: str) -> None:
    row = measured(Shots(), sample(name))
    (cut,) = Truth.read(SHIPPED / f"{name}.json").cuts
    assert boundaries(row) == [cut.first_frame]
    (found,) = (each for each in row["boundaries"] if each["frame"] == cut.first_frame)
    assert found["time_s"] == pytest.approx(cut.first_frame / 24, abs=1e-3)


@pytest.mark.parametrize("name", ["turn_walking_1", "variable_rate_1", "very_dark_1", "dissolve_other_1"])
def test_what_moves_flickers_or_dissolves_is_no_hard_cut(name: str) -> None:
    assert boundaries(measured(Shots(), sample(name))) == []


def test_frames_of_a_window_count_from_its_first() -> None:
    row = measured(Shots(), sample("cut_other_actor_1"), (30, 80))
    assert boundaries(row) == [18]
    assert (row["frame_count"], row["seconds"]) == (50, [0, 24, 48])


def test_windows_know_the_same_times_and_look_at_no_picture(tmp_path: Path) -> None:
    whole, times = measured(Shots(), sample("variable_rate_1")), measured(Windows(), sample("variable_rate_1"))
    assert times == whole | {"boundaries": []}
    damaged = _damaged(tmp_path)
    assert measured(Windows(), damaged)["frame_count"] == 60


def test_a_damaged_stretch_spoils_no_source(tmp_path: Path) -> None:
    row = measured(Shots(), _damaged(tmp_path))
    assert row["frame_count"] == 60
    assert row["duration_s"] == pytest.approx(2.4)


def test_what_is_no_video_fails_by_kind(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    for name, kind in {"text.mp4": "not_a_video", "gone.mp4": "missing_file"}.items():
        (outcome,) = Shots().measure([Clip("0" * 20, canonical_uri(tmp_path / name))])
        assert isinstance(outcome, Failure)
        assert outcome.kind == kind


def test_weaker_boundaries_than_wanted_are_not_written_down() -> None:
    none = Shots(ShotsParameters(least_score=2.0))
    assert measured(none, sample("cut_other_actor_1"))["boundaries"] == []


def _damaged(folder: Path) -> str:
    """A film whose pictures can each be decoded alone, but for some in its middle."""
    uri = films.film(folder / "film.mp4", gop=1, codec="mpeg4")
    films.spoil(folder / "film.mp4", range(20, 24))
    return uri
