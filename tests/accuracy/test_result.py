"""What is measured of which sets: no more than was asked for."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from accuracy import identities, judging, measures, result, sets
from accuracy.build import pipelines
from accuracy.identities import Pairs
from accuracy.judging import Answered, Shown
from accuracy.kinds import TRUE
from accuracy.read import Seen
from accuracy.result import measured
from accuracy.sets import REAL, Filmed, Set
from actor18m.execute.crews import SerialCrew

FILMED = [
    Filmed("one.mp4", Path("one.mp4"), "single", "accepted"),
    Filmed("cut.mp4", Path("cut.mp4"), "cut", "rejected"),
]
ANSWER = Answered(Shown("face", TRUE, None, {}, {}), {"verdict": "consistent", "shows_wanted_view": None})


@pytest.fixture
def until(monkeypatch: pytest.MonkeyPatch) -> list[tuple[list[str], str | None]]:
    """Which clips were measured, and up to which stage."""
    asked: list[tuple[list[str], str | None]] = []

    def measure(store: Path, clips: Sequence[Filmed], by: Any, crew: Any, stage: str | None = None) -> None:
        asked.append(([clip.name for clip in clips], stage))

    def read(store: Any, clips: Sequence[Filmed], *_: Any) -> list[Seen]:
        return [Seen(clip, {}, {}) for clip in clips]

    monkeypatch.setattr(sets, "real", lambda: Set(REAL, FILMED))
    monkeypatch.setattr(result, "measure", measure)
    monkeypatch.setattr(result, "read", read)
    monkeypatch.setattr(result, "make_store", lambda _: None)
    monkeypatch.setattr(judging, "rendered", lambda seeds, *_: [Shown("face", TRUE, None, {}, {}) for _ in seeds])
    monkeypatch.setattr(judging, "judged", lambda shown, _: [ANSWER for _ in shown])
    return asked


@pytest.mark.parametrize(("kind", "stage"), [("judging", "select"), ("splices", "identity")])
def test_what_is_made_of_real_clips_needs_those_alone_and_no_later_stage(
    tmp_path: Path, until: list[tuple[list[str], str | None]], kind: str, stage: str
) -> None:
    found = measured((kind,), {}, (9,), tmp_path, SerialCrew())
    assert until[0] == (["one.mp4"], stage)
    assert [*found.sections] == [kind], "and no other table is told"
    assert stage in pipelines()["embedded"].stage_names


def test_clips_are_measured_up_to_the_last_stage_that_a_table_tells_of(
    tmp_path: Path, until: list[tuple[list[str], str | None]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sets, "samples", lambda name, _: Set(name, FILMED))
    monkeypatch.setattr(result, "misses", lambda *_: [])
    monkeypatch.setattr(measures, "of_samples", lambda _: {})
    monkeypatch.setattr(identities, "pairs_of", lambda *_: Pairs([], [], []))
    measured(("shipped",), {}, (), tmp_path, SerialCrew())
    assert until == [(["one.mp4", "cut.mp4"], "captions")]


def test_seeds_of_pictures_are_those_that_were_asked_for(
    tmp_path: Path, until: list[tuple[list[str], str | None]]
) -> None:
    told = measured(("judging",), {}, (9, 11), tmp_path, SerialCrew()).sections["judging"]
    assert str(told["judge, rendered people of seed 9 and 11"]["accepted: right ones"]) == "100.0% of 2"
