"""What is told of the judge, and the pictures by which it is judged."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from accuracy import judging
from accuracy.judging import Answered, Shown
from accuracy.kinds import GARMENT, MIRRORED, PATTERN, STRANGER, TRUE, TWO, WRONG
from actor18m.media.encoded import decoded


def answered(kind: str, verdict: str, shows_it: bool | None = True, **more: Any) -> Answered:
    told = {"verdict": verdict, "shows_wanted_view": shows_it} | more.pop("told", {})
    shown = Shown(**({"region": "face", "kind": kind, "view": "left", "source": {}, "made": {}} | more))
    return Answered(shown, told)


def test_a_picture_is_accepted_that_agrees_and_shows_the_view() -> None:
    told = judging.figures(
        [
            answered(TRUE, "consistent"),
            answered(TRUE, "consistent", None),
            answered(TRUE, "inconsistent"),
            answered(MIRRORED, "consistent", False),
            answered(STRANGER, "consistent", region="body"),
            answered(STRANGER, "inconsistent"),
            answered(GARMENT, "consistent", is_seen=False),
            *[answered(PATTERN, "consistent", told={"garment": word}) for word in ("consistent", "not_visible")],
        ]
    )
    assert str(told[judging.label(TRUE)]) == "66.7% of 3"
    assert str(told[judging.label(MIRRORED)]) == "0.0% of 1"
    assert str(told[judging.label(STRANGER)]) == "50.0% of 2"
    assert str(told[f"{judging.label(STRANGER)}, body from the side"]) == "100.0% of 1"
    assert str(told[f"{judging.label(PATTERN)}, where patterns are told"]) == "100.0% of 1"
    assert str(told[judging.label(GARMENT)]) == "-", "what cannot be seen is left out"
    assert str(told[f"left out, cannot be seen: {GARMENT}"]) == "100.0% of 1", "and counted"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """With the pictures of a cast, which take long."""
    pytest.importorskip("anny")
    pytest.importorskip("moderngl")
    folder = tmp_path_factory.mktemp("judging")
    list(judging.rendered((3,), 1, folder))
    return folder


@pytest.mark.slow
def test_only_what_is_named_changes_in_a_wrong_picture(folder: Path) -> None:
    shown = list(judging.rendered((3,), 1, folder))
    assert {each.kind for each in shown} == {TRUE, *WRONG}
    right = {(each.region, each.view): each for each in shown if each.kind == TRUE}
    for each in shown:
        beside = right[each.region, each.view]
        picture, other = decoded(each.made["webp"]), decoded(beside.made["webp"])
        if each.kind == MIRRORED:
            assert np.abs(picture[:, ::-1].astype(int) - other).mean() < 3
        if each.kind == TWO:
            assert picture.shape[1] > other.shape[1] or each.region == "face", "there is somebody beside"
        mask = decoded(beside.made["mask.png"]) > 127
        if each.kind in (GARMENT, PATTERN) and each.region == "face":
            head = slice(0, len(other) // 2)
            apart = np.abs(picture[head].astype(int) - other[head])[mask[head]]
            assert np.median(apart) < 6, "the head stays as it is"
        if each.kind == PATTERN:
            assert picture[mask].mean() == pytest.approx(other[mask].mean(), rel=0.1), "in the same colours"
    assert {each.is_seen for each in shown if each.kind == MIRRORED} == {True, False}
    again = list(judging.rendered((3,), 1, folder))
    assert [each.made for each in again] == [each.made for each in shown]


@pytest.mark.slow
def test_a_judge_is_right_about_a_cast(folder: Path, pulled: Callable[..., None]) -> None:
    """Of one cast a few more may be missed than of many. Patterns are told of who faces the camera."""
    pulled("centerface", "dlib-face", "efficientnet", "mediapipe-pose", "mediapipe-face", "efficientdet")
    answers = judging.judged(judging.rendered((3,), 1, folder), folder)
    told = judging.figures(answers)
    assert (told[judging.label(TRUE)].value or 0) >= 0.8
    assert all((told[judging.label(kind)].value or 0) <= 0.2 for kind in WRONG if kind != PATTERN)
    asked = (folder / "answers.jsonl").read_text()
    assert judging.judged(judging.rendered((3,), 1, folder), folder) == answers
    assert (folder / "answers.jsonl").read_text() == asked, "nothing is asked twice"
