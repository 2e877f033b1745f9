import os
import shutil
from collections.abc import Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.inputs import canonical_uri
from actor18m.keys import clip_key
from actor18m.media.signature import DUPLICATE_WITHIN, hamming
from actor18m.policy.rules import judge
from actor18m.samples.shipped import SHIPPED, find_clips
from actor18m.samples.truth import Truth
from actor18m.stage import Clip, Failure, Row
from stages.intake import Intake, IntakeParameters
from tests.media.films import film, sound_only
from tests.media.packed import packed

EMBEDDED = Path(__file__).parents[2] / "pipelines" / "embedded.yaml"


def measured(clip: Clip) -> dict[str, Any]:
    (outcome,) = Intake().measure([clip])
    assert isinstance(outcome, Row), outcome
    return dict(outcome.values)


@pytest.fixture(scope="module")
def samples() -> Sequence[Row | Failure]:
    return list(Intake().measure([Clip(sample.name, canonical_uri(sample.video)) for sample in find_clips()]))


def test_every_sample_is_what_its_truth_says(samples: Sequence[Row | Failure]) -> None:
    for outcome in samples:
        assert isinstance(outcome, Row), outcome
        row, truth = outcome.values, Truth.read(SHIPPED / f"{outcome.key}.json")
        for name in ("width", "height", "rotation", "frame_count"):
            assert row[name] == getattr(truth, name), (outcome.key, name)
        # how long the last frame of a variable rate is shown is the muxer's to say
        assert row["duration_s"] == pytest.approx(truth.duration_s, abs=0.05 if row["is_variable_rate"] else 1e-4)
        assert row["is_variable_rate"] == truth.script.startswith("variable_rate")
        assert row["codec"] == "h264"


def test_what_an_avi_does_not_tell_changes_nothing(tmp_path: Path) -> None:
    """The same pictures in a container that says when they are shown, and in ones that do not."""
    rows = []
    for name in ("told.mp4", "untold.avi", "untold.asf"):
        uri = film(tmp_path / name, options={"bf": "3", "b-pyramid": "normal", "b_strategy": "0"})
        rows.append(measured(Clip("key", uri)))
    rows.append(measured(Clip("key", packed(tmp_path / "packed.avi"))))
    for name in ("width", "height", "frame_count", "duration_s", "fps", "is_variable_rate", "rotation"):
        assert len({row[name] for row in rows}) == 1, name
    assert all(hamming(rows[0]["signature"], row["signature"]) < DUPLICATE_WITHIN for row in rows)
    assert rows[0]["signature"] == rows[1]["signature"] == rows[2]["signature"]
    assert [row["codec"] for row in rows] == ["h264", "h264", "h264", "mpeg4"]


def test_a_codec_is_named_for_what_it_is_whoever_decodes_it(tmp_path: Path) -> None:
    assert measured(Clip("key", film(tmp_path / "film.mp4", codec="libsvtav1")))["codec"] == "av1"


def test_near_duplicates_and_no_other_samples_have_like_signatures(samples: Sequence[Row | Failure]) -> None:
    signatures = {row.key: row.values["signature"] for row in samples if isinstance(row, Row)}
    found = set()
    for one, other in combinations(sorted(signatures), 2):
        first, second = signatures[one], signatures[other]
        assert isinstance(first, bytes)
        assert isinstance(second, bytes)
        if hamming(first, second) <= DUPLICATE_WITHIN:
            found.add((one, other))
    truths = [Truth.read(sample.truth) for sample in find_clips()]
    repeats = {(truth.name, truth.expected.duplicate_of) for truth in truths if truth.expected.duplicate_of}
    assert found == {tuple(sorted(map(str, pair))) for pair in repeats}


def test_the_policy_rejects_the_samples_whose_truth_names_a_rule_of_intake(samples: Sequence[Row | Failure]) -> None:
    table = Intake.writes.table(samples, {row.key: "" for row in samples})
    verdicts = judge(table, load_pipeline(EMBEDDED).rules("intake")).to_pylist()
    rejected = {(verdict["key"], f"intake.{verdict['rule']}") for verdict in verdicts if not verdict["passed"]}
    truths = [Truth.read(sample.truth) for sample in find_clips()]
    rules = {"intake.duration", "intake.short_side"}
    assert rejected == {(truth.name, rule) for truth in truths for rule in truth.expected.rules if rule in rules}


def test_a_moved_copy_is_the_same_clip_and_a_window_another(tmp_path: Path) -> None:
    source = SHIPPED / "talk_yaw_1.mp4"
    shutil.copyfile(source, tmp_path / "moved.mp4")
    original, moved = (measured(Clip("i", canonical_uri(path))) for path in (source, tmp_path / "moved.mp4"))
    assert moved == original
    window = measured(Clip("i", canonical_uri(source), cut=(24, 72), crop=(100, 741, 0, 361)))
    assert window["clip"] == clip_key(original["content_sha256"], (24, 72), (100, 741, 0, 361)) != original["clip"]
    assert [window[name] for name in ("width", "height", "short_side", "frame_count")] == [641, 361, 361, 48]
    assert window["duration_s"] == 2


def test_sound_and_an_uneven_rate_are_told(tmp_path: Path) -> None:
    row = measured(Clip("i", film(tmp_path / "film.mp4", with_sound=True)))
    assert (row["has_audio"], row["is_variable_rate"], row["fps"]) == (True, False, 25)
    row = measured(Clip("i", film(tmp_path / "uneven.mkv", times_ms=[0, 33, 67, 100, 133, 167, 300])))
    assert (row["has_audio"], row["is_variable_rate"]) == (False, True)
    steady = measured(Clip("i", film(tmp_path / "steady.mkv", times_ms=[0, 33, 67, 100, 133, 167, 200])))
    assert not steady["is_variable_rate"], "its clock has whole milliseconds"


def test_each_bad_file_is_one_failure_and_the_others_are_measured(tmp_path: Path) -> None:
    (tmp_path / "empty.mp4").touch()
    (tmp_path / "text.mp4").write_text("not a video")
    (tmp_path / "cut.mp4").write_bytes((SHIPPED / "talk_yaw_1.mp4").read_bytes()[:-30_000])
    sound_only(tmp_path / "sound.mp4")
    film(tmp_path / "good.mp4")
    names = ["empty", "good", "text", "gone", "cut", "sound"]
    clips = [Clip(name, canonical_uri(tmp_path / f"{name}.mp4")) for name in names]
    clips += [Clip("outside", clips[1].uri, cut=(0, 61)), Clip("wide", clips[1].uri, crop=(0, 99, 0, 9))]
    outcomes = list(Intake().measure(clips))
    found = {each.key: each.kind if isinstance(each, Failure) else "measured" for each in outcomes}
    assert found == {
        "empty": "empty_file",
        "good": "measured",
        "text": "not_a_video",
        "gone": "missing_file",
        "cut": "truncated",
        "sound": "no_video_stream",
        "outside": "bad_cut",
        "wide": "bad_crop",
    }
    for failure in outcomes:
        if isinstance(failure, Failure):
            assert f"{tmp_path}" in failure.message
    assert Intake.writes.table(outcomes, {clip.key: "" for clip in clips}).num_rows == len(clips)


def test_limits_are_parameters(tmp_path: Path) -> None:
    uri = film(tmp_path / "film.mp4")
    (failure,) = Intake(IntakeParameters(max_duration_s=1)).measure([Clip("i", uri)])
    assert isinstance(failure, Failure)
    assert failure.kind == "too_large"


def test_what_is_no_video_is_not_read_to_its_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(uri: str) -> tuple[str, int]:
        raise AssertionError(f"{uri} was hashed")

    monkeypatch.setattr("stages.intake.content_sha256", never)
    path = tmp_path / "sparse.mp4"
    path.touch()
    os.truncate(path, 3 << 40)
    (outcome,) = Intake().measure([Clip("0" * 20, canonical_uri(path))])
    assert isinstance(outcome, Failure)
    assert outcome.kind == "not_a_video"
