"""Rows that say just what is true give perfect figures; rows that are off by so much are off by so much."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from accuracy import bodies, faces, golden, moments, verdicts
from accuracy.at import frame_at
from accuracy.build import DEFAULT
from accuracy.figures import Figures
from accuracy.read import Fate, Seen
from accuracy.sets import SHIPPED, samples, shipped_folder
from actor18m.media.geometry import wrapped_deg
from actor18m.media.views import body_view
from actor18m.samples.truth import Truth

CLIPS = {clip.name: clip for clip in samples(SHIPPED, shipped_folder()).clips}


def seen(*names: str) -> list[Seen]:
    """As if every stage measured the truth, and the policy decided rightly."""
    return [Seen(CLIPS[name], {DEFAULT: right_fate(name)}, true_rows(CLIPS[name].truth)) for name in names]


def right_fate(name: str) -> Fate:
    filmed = CLIPS[name]
    repeats = next((other.name for other in CLIPS.values() if other.uri == filmed.repeats), None)
    return Fate(filmed.state or "", filmed.rules[0] if filmed.rules else "", None, None, name, repeats)


def true_rows(truth: Truth | None) -> dict[str, Any]:
    assert truth is not None
    times = [number / 8 for number in range(len(truth.mask_frames))]
    at = [frame_at(truth, time_s) for time_s in times]
    ends = [*truth.times_s[1:], truth.duration_s]
    motion = {
        "frame_times": times,
        "people": [truth.people[frame] for frame in at],
        "subject": [None] * len(at),
        "cuts": [
            {"first_s": truth.times_s[cut.first_frame], "last_s": truth.times_s[cut.last_frame]} for cut in truth.cuts
        ],
        "occlusions": [
            {"start_s": truth.times_s[each.first_frame], "end_s": ends[each.last_frame]} for each in truth.occlusions
        ],
    }
    if not truth.actors:
        return {"motion": motion}
    actor = truth.actors[0]
    here = [(sample, frame) for sample, frame in enumerate(at) if actor.body_box[frame]]
    motion["subject"] = [box and corners(box) for box in (actor.body_box[frame] for frame in at)]
    with_face = [(sample, frame) for sample, frame in here if actor.face_box[frame]]
    masked = [(sample, mask) for sample, _ in here if (mask := actor.body_masks[sample])]
    return {
        "motion": motion,
        "pose": {"poses": [pose(truth, sample, frame) for sample, frame in here]},
        "faces": {"faces": [face(truth, sample, frame) for sample, frame in with_face]},
        "bodies": {"bodies": [{"sample": s} for s, _ in masked], "masks": [mask.encode() for _, mask in masked]},
        "select": {"is_golden": golden.is_golden(truth), "anchors": anchors(truth)},
    }


def corners(box: Sequence[int]) -> dict[str, float]:
    return dict(zip(("x0", "y0", "x1", "y1"), box, strict=True))


def pose(truth: Truth, sample: int, frame: int) -> dict[str, Any]:
    points = truth.actors[0].keypoints[frame] or []
    return {
        "sample": sample,
        "points": [float(c) for x, y, _ in points for c in (x, y)],
        "body_yaw_deg": truth.actors[0].body_yaw_deg[frame],
    }


def face(truth: Truth, sample: int, frame: int) -> dict[str, Any]:
    actor = truth.actors[0]
    angles = {"yaw_deg": actor.head_yaw_deg[frame], "pitch_deg": actor.head_pitch_deg[frame]}
    return {"sample": sample, **corners(actor.face_box[frame] or ()), **angles, "expression": actor.expression[frame]}


def anchors(truth: Truth) -> list[dict[str, Any]]:
    """The frame that is nearest to each view."""
    yaws = [(time_s, yaw) for time_s, yaw in zip(truth.times_s, truth.actors[0].body_yaw_deg, strict=True) if yaw]
    return [
        {"view": view, "time_s": min((golden.off_view(yaw, canonical), time_s) for time_s, yaw in yaws)[1]}
        for view, canonical in golden.CANONICAL_DEG.items()
    ]


def values(figures: Figures) -> dict[str, float | None]:
    return {label: figure.value for label, figure in figures.items()}


def test_true_rows_give_perfect_figures() -> None:
    some = seen("turn_standing_1", "talk_pitch_1", "expressions_1", "behind_occluder_1", "dissolve_other_1",
                "cut_other_actor_1", "two_people_1", "nobody_1")  # fmt: skip
    every = bodies.figures(some) | faces.figures(some) | moments.figures(some) | golden.figures(some)
    for label, figure in every.items():
        assert figure.n > 0 or "up" in label or "down" in label or "left" in label or "right: right" in label, label
        if figure.value is None:
            continue
        best = 0.0 if "error" in label or "off its view" in label or "said to have" in label else 1.0
        assert figure.value == pytest.approx(best, abs=3.0 if "off its view" in label else 1e-3), label


def test_a_body_that_is_turned_too_far_is_off_by_as_much() -> None:
    (clip,) = seen("turn_standing_1")
    for each in clip.rows["pose"]["poses"]:
        each["body_yaw_deg"] = wrapped_deg(each["body_yaw_deg"] + 30)
    told = values(bodies.figures([clip]))
    assert told["body yaw error (median / p90)"] == pytest.approx(30, abs=0.1)
    right = told["body view right, 10° off an edge"]
    assert right is not None
    assert 0.5 < right < 0.9, "those within 30 degrees before an edge are called the next view"


def test_a_body_near_an_edge_may_be_called_either_view() -> None:
    (clip,) = seen("turn_standing_1")
    for each in clip.rows["pose"]["poses"]:
        each["body_yaw_deg"] = wrapped_deg(each["body_yaw_deg"] + 9)
    views = [
        (body_view(p["body_yaw_deg"]), body_view(wrapped_deg(p["body_yaw_deg"] - 9)))
        for p in clip.rows["pose"]["poses"]
    ]
    assert any(told != true for told, true in views)
    assert values(bodies.figures([clip]))["body view right, 10° off an edge"] == 1.0


def test_faces_are_judged_by_both_angles() -> None:
    (clip,) = seen("talk_pitch_1")
    for each in clip.rows["faces"]["faces"]:
        each["pitch_deg"] = -each["pitch_deg"]
    told = values(faces.figures([clip]))
    assert told["face yaw error, yaw within 60° (median / p90)"] == 0
    assert told["face view right: up"] == told["face view right: down"] == 0.0


def test_what_is_not_found_counts() -> None:
    (clip,) = seen("turn_standing_1")
    count = len(clip.times_s)
    clip.rows["motion"]["subject"][: count // 2] = [None] * (count // 2)
    del clip.rows["pose"]["poses"][: count // 2]
    told = values(bodies.figures([clip]))
    assert told["subject's box IoU (mean / p10)"] == pytest.approx(1 - (count // 2) / count, abs=1e-3)
    assert told["body yaw known"] == pytest.approx(1 - (count // 2) / count, abs=1e-3)


def test_cuts_that_are_made_up_and_cuts_that_are_missed_cost() -> None:
    two = seen("cut_other_actor_1", "talk_yaw_1")
    two[1].rows["motion"]["cuts"].append({"first_s": 1.0, "last_s": 1.125})
    assert values(moments.figures(two))["cuts F1"] == pytest.approx(2 / 3, abs=1e-3)
    two[0].rows["motion"]["cuts"].clear()
    assert values(moments.figures(two))["cuts F1"] == 0.0


def test_people_are_not_counted_while_one_dissolves_into_another() -> None:
    (clip,) = seen("dissolve_other_1")
    truth = clip.filmed.truth
    assert truth is not None
    within = range(truth.cuts[0].first_frame, truth.cuts[0].last_frame + 1)
    people = clip.rows["motion"]["people"]
    during = [sample for sample, time_s in enumerate(clip.times_s) if frame_at(truth, time_s) in within]
    assert 2 in {people[sample] for sample in during}
    for sample in during:
        people[sample] = 1
    assert values(moments.figures([clip]))["people counted right"] == 1.0


def test_an_occlusion_is_made_up_only_where_the_subject_is_in_view() -> None:
    label = "clips without occlusion said to have one"
    for name, made_up in (("talk_yaw_1", 1.0), ("walk_out_1", 0.0)):
        (clip,) = seen(name)
        assert values(moments.figures([clip]))[label] == 0.0
        end = clip.times_s[-1]
        clip.rows["motion"]["occlusions"].append({"start_s": end - 0.5, "end_s": end})
        assert values(moments.figures([clip]))[label] == made_up, name


def test_a_clip_that_is_cut_off_at_the_feet_is_not_golden() -> None:
    golden_ones = {
        name for name, clip in CLIPS.items() if clip.truth and clip.truth.actors and golden.is_golden(clip.truth)
    }
    assert {"turn_standing_1", "turn_walking_1", "turn_walking_2"} <= golden_ones
    assert not {"turn_standing_2", "half_turn_1", "half_turn_2", "from_behind_1", "talk_yaw_1"} & golden_ones


def test_verdicts_are_right_by_state_rule_and_repeated_clip() -> None:
    every = seen(*CLIPS)
    told = verdicts.figures(every, DEFAULT)
    assert {label: (figure.value, figure.n) for label, figure in told.items()} == {
        "verdict right": (1.0, 48),
        "rule right, of those not to be accepted": (1.0, 30),
        "accepted of those never to be accepted": (0.0, 10),
        "turning clips kept": (1.0, 6),
    }


@pytest.mark.parametrize(
    ("name", "changed", "label", "value"),
    [
        ("cut_other_actor_1", {"state": "accepted", "by": ""}, "accepted of those never to be accepted", 0.1),
        ("turn_walking_1", {"state": "rejected", "by": "motion.cut"}, "turning clips kept", round(5 / 6, 4)),
        ("two_people_1", {"by": "intake.duration"}, "rule right, of those not to be accepted", round(29 / 30, 4)),
        ("near_duplicate_1", {"repeats": "talk_yaw_2"}, "verdict right", round(47 / 48, 4)),
    ],
)
def test_a_wrong_verdict_shows(name: str, changed: dict[str, str], label: str, value: float) -> None:
    every = [
        replace(each, fates={DEFAULT: replace(each.fates[DEFAULT], **changed)}) if each.filmed.name == name else each
        for each in seen(*CLIPS)
    ]
    assert verdicts.figures(every, DEFAULT)[label].value == value
