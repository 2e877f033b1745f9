"""The real models on some of the samples, judged by the policies that ship."""

from collections.abc import Callable, Mapping
from copy import deepcopy
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.config.pipeline import load_pipeline
from actor18m.inputs import canonical_uri
from actor18m.media.boxes import overlap
from actor18m.media.tracks import SeenPerson
from actor18m.models.backends import load
from actor18m.policy.rules import judge
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import KEYPOINTS, Truth
from actor18m.stage import Clip, Failure, Row
from stages.identity import Identity
from stages.links import links
from stages.motion import Motion

PIPELINES = Path(__file__).parents[2] / "pipelines"
WHOLE = ("turn_standing_1", "behind_occluder_1", "dissolve_other_2", "second_enters_2", "cut_same_actor_1")
Values = Mapping[str, Any]


@pytest.fixture(scope="module")
def identity(pulled: Callable[..., None]) -> Identity:
    pulled("centerface", "dlib-face", "efficientnet")
    return Identity(faces=load("centerface"), identity=load("dlib-face"), depiction=load("efficientnet"))


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Motion:
    pulled("efficientdet", "efficientnet")
    points = load("lucas-kanade")
    return Motion(people=load("efficientdet"), encoder=load("efficientnet"), points=points)


@pytest.fixture(scope="module")
def clips(identity: Identity) -> Mapping[str, Clip]:
    plain = [Clip(name, canonical_uri(SHIPPED / f"{name}.mp4")) for name in WHOLE]
    faces = {row.key: row.values for row in identity.measure(plain) if isinstance(row, Row)}
    return {clip.key: Clip(clip.key, clip.uri, upstream={"identity": faces[clip.key]}) for clip in plain}


@pytest.fixture(scope="module")
def rows(stage: Motion, clips: Mapping[str, Clip]) -> Mapping[str, Values]:
    return {row.key: row.values for row in stage.measure(list(clips.values())) if isinstance(row, Row)}


def rejected(rows: Mapping[str, Values], pipeline: str) -> dict[str, str]:
    table = Motion.writes.table([Row(key, values) for key, values in rows.items()], dict.fromkeys(rows, ""))
    verdicts = judge(table, load_pipeline(PIPELINES / f"{pipeline}.yaml").rules("motion")).to_pylist()
    return {verdict["key"]: f"motion.{verdict['rule']}" for verdict in verdicts if not verdict["passed"]}


def shown(truth: Truth, times: list[float]) -> list[int]:
    """The frame that is shown at each sample."""
    return [int(i) for i in np.searchsorted(truth.times_s, np.array(times) + 1e-3, side="right") - 1]


def test_the_policy_keeps_who_turns_and_names_the_rule_that_the_others_break(rows: Mapping[str, Values]) -> None:
    found = rejected(rows, "embedded")
    assert "turn_standing_1" not in found
    assert found == {name: Truth.read(SHIPPED / f"{name}.json").expected.rules[0] for name in WHOLE[1:]}


def test_the_papers_rules_say_nothing_of_a_second_person(rows: Mapping[str, Values]) -> None:
    assert rejected(rows, "paper").keys() == {"behind_occluder_1", "cut_same_actor_1"}


def test_the_subject_is_followed_all_round(rows: Mapping[str, Values]) -> None:
    row, truth = rows["turn_standing_1"], Truth.read(SHIPPED / "turn_standing_1.json")
    assert row["frame_times"] == [i / 8 for i in range(48)]
    for place, frame in zip(row["subject"], shown(truth, row["frame_times"]), strict=True):
        box = truth.actors[0].body_box[frame]
        assert box is not None
        assert overlap((place["x0"], place["y0"], place["x1"], place["y1"]), box) > 0.7
    assert row["subject_share"] == 1
    assert row["occlusions"] == []
    assert min(row["visible_fraction"]) > 0.5


def test_who_enters_later_does_not_become_the_subject(rows: Mapping[str, Values]) -> None:
    row, truth = rows["second_enters_2"], Truth.read(SHIPPED / "second_enters_2.json")
    frames = shown(truth, row["frame_times"])
    for place, frame in zip(row["subject"], frames, strict=True):
        mine, other = (actor.body_box[frame] for actor in truth.actors)
        assert mine is not None
        at = place["x0"], place["y0"], place["x1"], place["y1"]
        assert overlap(at, mine) > (overlap(at, other) if other else 0)
    assert np.mean([count == truth.people[frame] for count, frame in zip(row["people"], frames, strict=True)]) > 0.85
    (other,) = (each for each in row["others"] if each["samples"] >= 4)
    assert other["score"] > 0.8


def test_a_cut_lies_between_two_samples_and_a_dissolve_covers_its_mixed_pictures(rows: Mapping[str, Values]) -> None:
    for name, kind in (("cut_same_actor_1", "hard"), ("dissolve_other_2", "dissolve")):
        truth = Truth.read(SHIPPED / f"{name}.json")
        (cut,), (true,) = rows[name]["cuts"], truth.cuts
        assert cut["kind"] == kind == true.kind
        before = true.first_frame - 1 if kind == "hard" else true.first_frame
        assert cut["first_s"] == pytest.approx(truth.times_s[before], abs=0.126)
        assert cut["last_s"] == pytest.approx(truth.times_s[true.last_frame], abs=0.126)


def test_a_cut_breaks_the_frames_and_a_person_who_turns_or_dissolves_does_not(rows: Mapping[str, Values]) -> None:
    truth = Truth.read(SHIPPED / "cut_same_actor_1.json")
    (found,) = rows["cut_same_actor_1"]["breaks"]
    assert found["at_s"] == pytest.approx(truth.times_s[truth.cuts[0].last_frame], abs=1e-3)
    assert found["unexplained"] == rows["cut_same_actor_1"]["cuts"][0]["unexplained"] > 0.3
    assert rows["dissolve_other_2"]["cuts"][0]["unexplained"] == 0
    for name in ("turn_standing_1", "dissolve_other_2", "behind_occluder_1"):
        assert all(each["unexplained"] < 0.03 for each in rows[name]["breaks"])


def test_people_who_move_much_between_samples_are_no_cut_unless_the_frames_between_break(
    rows: Mapping[str, Values],
) -> None:
    row = rows["turn_standing_1"]
    leaping = {"kind": "hard", "first_s": 1.0, "last_s": 1.125, "similarity": 0.62, "unexplained": 0.0}
    jumps = {
        "leaping": [leaping],
        "cut": [leaping | {"unexplained": 0.2}],
        "unlike": [leaping | {"similarity": 0.4}],
        "dissolve": [leaping | {"kind": "dissolve"}],
    }
    judged = {name: {**row, "cuts": cuts, "min_neighbour_similarity": 0.62} for name, cuts in jumps.items()}
    assert rejected(judged, "embedded") == dict.fromkeys(("cut", "unlike", "dissolve"), "motion.cut")


def test_a_place_that_never_comes_back_after_much_movement_is_another_shot(rows: Mapping[str, Values]) -> None:
    row = rows["turn_standing_1"]
    leap = {"kind": "hard", "first_s": 1.0, "last_s": 1.125, "similarity": 0.62, "unexplained": 0.0}
    at, count = row["frame_times"].index(1.125), len(row["frame_times"])
    to_first = {
        "elsewhere": [0.9] * at + [0.6] + [0.35] * (count - at - 1),
        "for a while": [0.9] * at + [0.35] * 4 + [0.9] * (count - at - 4),
        "before": [0.35] * at + [0.9] * (count - at),
    }
    judged = {name: {**row, "cuts": [leap], "similarity_to_first": likes} for name, likes in to_first.items()}
    assert rejected(judged, "embedded") == {"elsewhere": "motion.cut"}


def test_a_jump_from_frame_to_frame_is_one_unless_the_codec_brings_as_much_elsewhere(
    rows: Mapping[str, Values],
) -> None:
    row = rows["turn_standing_1"]
    jump = {"at_s": 1.0, "difference": 4.0, "ratio": 2.0, "unexplained": 0.1, "torn": 0.3, "pulse": 0.0}
    breaks = {
        "jump": jump,
        "pulse": jump | {"pulse": 3.0},
        "followed": jump | {"torn": 0.02},
        "one of many": jump | {"ratio": 0.9},
        "faint": jump | {"difference": 0.8},
    }
    judged = {name: {**row, "breaks": [each]} for name, each in breaks.items()}
    assert rejected(judged, "embedded") == {"jump": "motion.jump_cut"}


def test_an_occlusion_is_as_long_as_something_hides_the_subject(rows: Mapping[str, Values]) -> None:
    truth = Truth.read(SHIPPED / "behind_occluder_1.json")
    (found,), (true,) = rows["behind_occluder_1"]["occlusions"], truth.occlusions
    first, last = truth.times_s[true.first_frame], truth.times_s[true.last_frame]
    both = min(found["end_s"], last) - max(found["start_s"], first)
    assert both / (max(found["end_s"], last) - min(found["start_s"], first)) > 0.7


def test_samples_are_compared_with_the_one_before_and_with_the_first(rows: Mapping[str, Values]) -> None:
    cut = rows["cut_same_actor_1"]
    at = next(i for i, like in enumerate(cut["neighbour_similarity"]) if like is not None and like < 0.7)
    assert cut["neighbour_similarity"][0] is None
    assert cut["similarity_to_first"][0] == 1
    assert min(cut["similarity_to_first"][:at]) > 0.8 > 0.7 > max(cut["similarity_to_first"][at:])


def test_displacement_is_how_far_the_subject_goes_in_a_sample(rows: Mapping[str, Values]) -> None:
    row, truth = rows["behind_occluder_1"], Truth.read(SHIPPED / "behind_occluder_1.json")
    trunk = [KEYPOINTS.index(f"{side}_{part}") for side in ("left", "right") for part in ("shoulder", "hip")]
    places = [np.mean([points[i][:2] for i in trunk], axis=0) for points in truth.actors[0].keypoints if points]
    assert len(places) == truth.frame_count
    frames = shown(truth, row["frame_times"])
    true = [
        float(np.hypot(*(places[now] - places[was])) / np.hypot(truth.width, truth.height))
        for was, now in pairwise(frames)
    ]
    off = [abs(told - walked) for told, walked in zip(row["displacement"][1:], true, strict=True) if told is not None]
    assert row["displacement"][0] is None
    assert np.median(true) > 0.025
    assert np.median(off) < 0.004


def test_links_tell_a_person_who_stays_from_one_who_dissolves_into_another(rows: Mapping[str, Values]) -> None:
    assert all(link["similarity"] > 0.5 and link["seen_share"] == 1 for link in rows["turn_standing_1"]["links"])
    worst = min(rows["dissolve_other_2"]["links"], key=lambda link: link["similarity"])
    assert worst["similarity"] < 0.5
    assert worst["colour_similarity"] < 0.5


def test_all_faces_of_both_sides_decide_where_single_links_know_less(rows: Mapping[str, Values]) -> None:
    row = rows["turn_standing_1"]
    link = row["links"][0] | {"similarity": 0.38, "change": 0.03}
    judged = {
        "turns": link,
        "unsure": link | {"change": 0.12},
        "alone": link | {"change": None},
        "changed": link | {"change": 0.25, "similarity": 0.7},
    }
    found = rejected({name: {**row, "links": [each]} for name, each in judged.items()}, "embedded")
    assert found == dict.fromkeys(("unsure", "alone", "changed"), "motion.one_identity")


def test_a_link_tells_how_much_the_faces_change_across_it() -> None:
    similarities = [[], [0.8], [0.1, 0.3], [0.2, 0.2, 0.6]]
    box = {"x0": 10.0, "y0": 10.0, "x1": 20.0, "y1": 20.0}
    faces = [{**box, "sample": i, "fitness": 0.5, "similarities": each} for i, each in enumerate(similarities)]
    seen = [SeenPerson((0.0, 0.0, 30.0, 60.0), 0.9, np.ones(1, dtype=np.float32))] * 4
    told = links(faces, seen, [0.0, 1.0, 2.0, 3.0])
    assert [link["change"] for link in told] == [None, pytest.approx(0.7 - 0.2), None]


def test_a_face_elsewhere_is_no_link_between_the_subjects_own(stage: Motion, clips: Mapping[str, Clip]) -> None:
    clip = clips["turn_standing_1"]
    told = deepcopy(clip.upstream["identity"])
    first, middle, last = (face for face in told["faces"] if face["similarities"] is not None)
    middle |= {"x0": 1.0, "y0": 1.0, "x1": 30.0, "y1": 30.0}  # as a picture on the wall would be
    (row,) = stage.measure([Clip(clip.key, clip.uri, upstream={"identity": told})])
    assert isinstance(row, Row)
    values: Values = row.values
    (link,) = values["links"]
    assert (link["first_s"], link["last_s"]) == (first["frame"], last["frame"])
    assert link["similarity"] == last["similarities"][0] != last["similarities"][1]


def test_a_result_does_not_depend_on_its_neighbours(
    stage: Motion, clips: Mapping[str, Clip], rows: Mapping[str, Values], tmp_path: Path
) -> None:
    (tmp_path / "gone_bad.mp4").write_bytes(b"")
    bad = Clip("bad", canonical_uri(tmp_path / "gone_bad.mp4"))
    failure, row = stage.measure([bad, clips["behind_occluder_1"]])
    assert isinstance(failure, Failure)
    assert failure.kind == "empty_file"
    assert row == Row("behind_occluder_1", rows["behind_occluder_1"])


def test_nobody_is_a_row_without_a_subject(stage: Motion, identity: Identity) -> None:
    plain = Clip("nobody_1", canonical_uri(SHIPPED / "nobody_1.mp4"), cut=(0, 24))
    (faces,) = identity.measure([plain])
    assert isinstance(faces, Row)
    (row,) = stage.measure([Clip(plain.key, plain.uri, plain.cut, upstream={"identity": faces.values})])
    assert isinstance(row, Row)
    assert row.values["subject"] == [None] * 8
    assert (row.values["subject_share"], row.values["others"], row.values["links"]) == (0, [], [])
    assert rejected({"nobody_1": row.values}, "embedded") == {"nobody_1": "motion.one_person"}
