import json
from dataclasses import asdict, replace
from pathlib import Path

import pytest

from accuracy import judging, kinds, measures, report
from accuracy.build import DEFAULT, POLICIES
from accuracy.figures import Figure
from accuracy.measures import SUMMARY, of_samples
from accuracy.misses import misses
from accuracy.read import Fate, Seen
from accuracy.result import Result
from accuracy.sets import FRESH, REAL, SHIPPED, samples, shipped_folder

CLIPS = [clip for clip in samples(SHIPPED, shipped_folder()).clips if clip.name in ("talk_yaw_1", "two_people_1")]


def accepted() -> list[Seen]:
    """Two clips of which only one should be."""
    fate = Fate("accepted", "", None, None, None, None)
    return [Seen(clip, dict.fromkeys(POLICIES, fate), {}) for clip in CLIPS]


def test_a_miss_says_what_was_expected_and_what_came_and_shows_frames(tmp_path: Path) -> None:
    by = Fate("rejected", "motion.cut", "2", "at_most 0", None, None)
    seen = [replace(each, fates={DEFAULT: by}) if "talk" in each.filmed.name else each for each in accepted()]
    first, second = misses(seen, tmp_path)
    assert (first.clip, first.expected, first.came) == (
        "talk_yaw_1",
        "accepted",
        "rejected: motion.cut 2 not at_most 0",
    )
    assert (second.expected, second.came) == ("rejected (motion.one_person or identity.one_face)", "accepted")
    assert all(Path(miss.picture or "").stat().st_size > 1000 for miss in (first, second))
    assert misses(accepted(), tmp_path)[0].clip == "two_people_1"
    assert len(list(tmp_path.iterdir())) == 1, "pictures of the run before are gone"


def test_the_summary_is_of_fresh_clips_and_of_shipped_ones_without_them() -> None:
    shipped = {SHIPPED: of_samples(accepted())}
    assert measures.summary(shipped)["verdict_right"] == Figure(0.5, 2, "share")
    assert measures.summary(shipped)["forbidden_accepted"] == Figure(1.0, 1, "share")
    assert measures.summary(shipped | {FRESH: of_samples([])})["verdict_right"].value is None
    assert measures.summary(shipped).keys() == SUMMARY.keys()


def test_turning_clips_of_fresh_and_of_real_footage_are_put_together() -> None:
    section, label = SUMMARY["turning_kept"].section, SUMMARY["turning_kept"].label
    told = {FRESH: {section: {label: Figure(1.0, 6, "share")}}, REAL: {section: {label: Figure(0.5, 4, "share")}}}
    assert measures.summary(told)["turning_kept"] == Figure(0.8, 10, "share")


def test_every_figure_of_the_summary_is_one_that_is_measured() -> None:
    told = of_samples(accepted())
    for name, bar in SUMMARY.items():
        if bar.sets[0] == FRESH:
            assert bar.label in told[bar.section], name
    real = measures.of_real([])
    assert all(bar.label in real[bar.section] for bar in SUMMARY.values() if REAL in bar.sets)


def test_tables_and_json_tell_the_same(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    seen = accepted()
    result = Result({SHIPPED: of_samples(seen)}, {SHIPPED: seen}, {SHIPPED: misses(seen, tmp_path)})
    told = json.loads(json.dumps(result.told()))
    assert (told["summary"]["verdict_right"], told["summary_n"]["verdict_right"]) == (0.5, 2)
    assert told["summary"]["mask_iou"] is None
    assert told["misses"][SHIPPED] == [asdict(miss) for miss in result.misses[SHIPPED]]
    report.show(result)
    text = capsys.readouterr().out
    for part in ("50.0% of 2", "two_people_1", "at least 0.95", "missed"):
        assert part in text


def test_of_one_table_no_bar_of_another_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    right = {judging.label(kinds.TRUE): Figure(0.96, 80, "share")}
    report.show(Result({judging.NAME: {judging.title((9,)): right}}))
    text = capsys.readouterr().out
    assert "judge_right_accepted" in text
    assert text.count("96.0% of 80") == 2, "of whichever seed"
    assert "verdict_right" not in text
    assert "Misses" not in text
