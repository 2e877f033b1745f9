from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest

from actor18m.arrays import Frame
from actor18m.catalog.cuts import CutAtShots
from actor18m.inputs import canonical_uri
from actor18m.models.backends import load
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Failure, Row
from stages.split import DetectedShots, DetectedShotsParameters, Shots, ShotsParameters, Windows
from tests.media import films

COUNTS = 0.05
"""From this score on, the shipped pipelines cut."""


def measured(stage: Shots | DetectedShots | Windows, uri: str, cut: tuple[int, int] | None = None) -> dict[str, Any]:
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


class Scripted:
    """ShotDetector: says what it is told to."""

    size = (8, 6)

    def __init__(self, scores: dict[int, tuple[float, float]]) -> None:
        self._scores = scores

    def scores(self, frames: Iterable[Frame]) -> Iterator[tuple[float, float]]:
        for number, frame in enumerate(frames):
            assert frame.shape == (6, 8, 3)
            yield self._scores.get(number, (0.0, 0.0))


@pytest.mark.parametrize(
    ("scores", "found"),
    [
        ({47: (0.9, 0.1)}, [(48, 0.9)]),
        ({46: (0.05, 0.1), 47: (0.9, 0.8), 48: (0.05, 0.1)}, [(48, 0.9)]),
        ({n: (0.6 if n == 50 else 0.0, 0.7) for n in range(44, 56)}, [(44, 0.6), (56, 0.6)]),
        ({n: (0.6 if n == 3 else 0.0, 0.7) for n in range(9)}, [(9, 0.6)]),
        ({n: (0.6 if n == 93 else 0.0, 0.7) for n in range(90, 96)}, [(90, 0.6)]),
        (dict.fromkeys(range(44, 56), (0.0, 0.7)), []),
        ({47: (0.09, 0.1), 60: (0.3, 0.0)}, [(61, 0.3)]),
    ],
    ids=["a cut", "its frame alone", "a dissolve", "from black", "to black", "no end in it", "too unsure"],
)
def test_what_shows_two_shots_lies_between_two_boundaries(
    scores: dict[int, tuple[float, float]], found: list[tuple[int, float]]
) -> None:
    row = measured(DetectedShots(shots=Scripted(scores)), sample("cut_other_actor_1"))
    assert [(each["frame"], each["score"]) for each in row["boundaries"]] == found
    assert row["boundaries"] == [] or row["boundaries"][0]["time_s"] == pytest.approx(found[0][0] / 24, abs=1e-3)


def test_a_detector_is_told_how_sure_it_has_to_be() -> None:
    told = DetectedShotsParameters(least_score=0.5, min_within=0.9)
    row = measured(DetectedShots(told, shots=Scripted({9: (0.4, 0.8), 47: (0.6, 0.8)})), sample("cut_other_actor_1"))
    assert [each["frame"] for each in row["boundaries"]] == [48]


@pytest.mark.slow
@pytest.mark.parametrize("name", ["dissolve_other_1", "dissolve_other_2"])
def test_no_clip_has_a_picture_of_two_shots(name: str, pulled: Callable[..., None]) -> None:
    """By TransNetV2 with its real weights."""
    pytest.importorskip("torch")
    pulled("transnetv2")
    row = measured(DetectedShots(shots=load("transnetv2")), sample(name))
    (dissolve,) = Truth.read(SHIPPED / f"{name}.json").cuts
    before, after = CutAtShots(1.0, 60.0, 0.3)(row) or []
    assert (before[0], after[1]) == (0, row["frame_count"])
    assert abs(before[1] - dissolve.first_frame) <= 2
    assert abs(after[0] - dissolve.last_frame) <= 2


@pytest.mark.slow
def test_people_who_move_are_no_cut_to_a_network(footage: Path, pulled: Callable[..., None]) -> None:
    """Who turns, runs, shakes the head or talks with hands, in films without a cut. Differences call some one."""
    pytest.importorskip("torch")
    pulled("transnetv2")
    names = ("turn05_iper_8fps.mp4", "single06_running.mp4", "single14_lp_d12.mp4", "single15_asl_man_again.mkv")
    told = {Shots: 0, DetectedShots: 0}
    for name in names:
        uri = canonical_uri(footage / "videos" / name)
        for stage, counts in ((Shots(), COUNTS), (DetectedShots(shots=load("transnetv2")), 0.35)):
            told[type(stage)] += sum(each["score"] >= counts for each in measured(stage, uri)["boundaries"])
    print(told)
    assert told[DetectedShots] == 0
    assert told[Shots] > 0


def _damaged(folder: Path) -> str:
    """A film whose pictures can each be decoded alone, but for some in its middle."""
    uri = films.film(folder / "film.mp4", gop=1, codec="mpeg4")
    films.spoil(folder / "film.mp4", range(20, 24))
    return uri
