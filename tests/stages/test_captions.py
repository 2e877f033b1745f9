"""Captions of samples by rows that say what is true: then every statement is, and what nobody measured is not said."""

from collections.abc import Mapping
from typing import Any

import pytest

from accuracy import captions as judged
from accuracy.read import Seen
from accuracy.sets import SHIPPED, samples, shipped_folder
from actor18m.stage import Clip, Row
from stages.caption import ELEMENTS, NOT_TOLD, NOT_VISIBLE
from stages.captions import Captions, CaptionsParameters
from tests.stages.told_by_truth import measured_by_truth

CLIPS = {clip.name: clip for clip in samples(SHIPPED, shipped_folder()).clips}


def captioned(clip: Clip, **parameters: Any) -> Mapping[str, Any]:
    (row,) = Captions(CaptionsParameters(**parameters)).measure([clip])
    assert isinstance(row, Row), row
    assert Captions.writes.table([row], {row.key: ""}).num_rows == 1
    return row.values


def seen(name: str) -> Seen:
    clip, _ = measured_by_truth(name)
    return Seen(CLIPS[name], {}, {"motion": clip.upstream["motion"], "captions": captioned(clip)})


def test_by_true_rows_every_statement_is_true() -> None:
    figures = judged.figures(
        [seen(name) for name in ("expressions_1", "turn_standing_1", "turn_walking_2", "talk_yaw_1")]
    )
    for label, figure in figures.items():
        assert figure.n > 0, label
        if "told, of moments" not in label:
            assert figure.value == 1.0, label


def test_by_rows_that_lie_statements_are_false() -> None:
    clip, _ = measured_by_truth("turn_standing_1")
    for pose in clip.upstream["pose"]["poses"]:
        pose["body_yaw_deg"] = 0.0
        pose["points"] = [value if number % 2 == 0 else value + 400 for number, value in enumerate(pose["points"])]
    for face in clip.upstream["faces"]["faces"]:
        face["expression"] = "happiness"
    lying = Seen(CLIPS["turn_standing_1"], {}, {"motion": clip.upstream["motion"], "captions": captioned(clip)})
    figures = judged.figures([lying])
    for label in ("view of a moment right", "expression of a moment right", "shot size right", "movement right"):
        assert (figures[label].value or 0.0) < 0.7, label


def test_who_turns_is_captioned_with_what_the_moments_show() -> None:
    clip, _ = measured_by_truth("turn_standing_1")
    told = captioned(clip)
    assert told["shot_type"] == "full shot"
    assert told["caption"].startswith("Full shot of one person, the body seen from the front, the side and behind, ")
    assert "mostly dark red on the upper body" in told["clothing"]
    assert "turns all the way round and stays in place" in told["action"]
    assert [moment["time_s"] for moment in told["moments"]] == sorted(moment["time_s"] for moment in told["moments"])
    assert {moment["view"] for moment in told["moments"]} - {NOT_TOLD} == {"front", "side", "back"}
    by_view = {moment["view"]: moment for moment in told["moments"]}
    assert by_view["back"]["expression"] == NOT_VISIBLE
    assert told["written_by"] == "template"


def test_where_the_face_looks_is_told_beside_from_where_the_body_is_seen() -> None:
    clip, _ = measured_by_truth("talk_yaw_1")
    told = captioned(clip)
    assert "the body seen from the front, the face turned to " in told["caption"]
    assert {moment["view"] for moment in told["moments"]} == {"front"}
    looks = {moment["face_view"] for moment in told["moments"]}
    assert {"left", "right"} & looks, "the head turns, the body stays"
    for face in clip.upstream["faces"]["faces"]:
        face["yaw_deg"], face["pitch_deg"] = 22.0, 0.0
    told = captioned(clip)
    assert {moment["face_view"] for moment in told["moments"]} == {NOT_TOLD}, "another measurement may say front"
    assert "face" not in told["caption"]


def test_from_where_a_body_is_seen_is_not_told_of_a_moment_near_the_edge() -> None:
    clip, _ = measured_by_truth("talk_yaw_1")
    for pose in clip.upstream["pose"]["poses"]:
        pose["body_yaw_deg"] = 41.0
    told = captioned(clip)
    assert {moment["view"] for moment in told["moments"]} == {NOT_TOLD}, "the next measurement may say side"
    assert "the body seen from the front" in told["caption"]


def test_an_expression_that_passes_in_speaking_is_not_told() -> None:
    clip, _ = measured_by_truth("talk_yaw_1")
    for number, face in enumerate(clip.upstream["faces"]["faces"]):
        face["expression"], face["yaw_deg"] = ("fear" if number % 8 < 2 else "neutral"), 0.0
    told = captioned(clip, expressions=("neutral", "fear"))
    assert told["expression"] == "at times neutral"
    assert {moment["expression"] for moment in told["moments"]} <= {"neutral", NOT_TOLD}


def test_an_expression_of_a_face_that_nods_is_not_told() -> None:
    clip, _ = measured_by_truth("expressions_1")
    for face in clip.upstream["faces"]["faces"]:
        face["pitch_deg"] = -20.0
    assert captioned(clip)["expression"] == NOT_TOLD


def test_what_nothing_measures_is_not_told_and_is_in_no_caption() -> None:
    told = captioned(measured_by_truth("expressions_1")[0])
    assert told["hairstyle"] == told["accessory"] == NOT_TOLD
    assert told["clothing"] == NOT_TOLD, "of a close-up, in which the hips are not to be seen"
    assert all(told[element] for element in ELEMENTS)
    for word in ("hair", "wear", "clothes", "indoor", "outdoor", "man", "woman", NOT_TOLD, NOT_VISIBLE):
        assert word not in told["caption"].lower(), word


def test_an_expression_of_which_its_reader_is_not_sure_is_not_told() -> None:
    clip, _ = measured_by_truth("expressions_1")
    for face in clip.upstream["faces"]["faces"]:
        face["expression_score"] = 0.4
    told = captioned(clip)
    assert told["expression"] == NOT_TOLD
    assert {moment["expression"] for moment in told["moments"]} == {NOT_TOLD}


def test_expressions_that_are_not_known_throughout_make_no_sequence() -> None:
    clip, _ = measured_by_truth("expressions_1")
    faces = clip.upstream["faces"]["faces"]
    for number, face in enumerate(faces):
        face["expression"] = "happiness" if number < len(faces) / 2 else "sadness"
    assert captioned(clip)["expression"] == "happiness, then sadness"
    for face in faces[5:-5]:
        face["expression"] = "anger"
    told = captioned(clip)
    assert told["expression"] == NOT_TOLD or told["expression"].startswith("at times ")
    assert {moment["expression"] for moment in told["moments"]} <= {"happiness", "sadness", NOT_TOLD}
    assert captioned(clip, expressions=("anger",))["expression"] in ("anger", "at times anger")


def test_what_a_moment_shows_the_text_names() -> None:
    clip, _ = measured_by_truth("turn_standing_1")
    faces = clip.upstream["faces"]["faces"]
    at = [round(moment["time_s"] * 8) for moment in captioned(clip)["moments"]]
    for face in faces:
        is_first = face["sample"] == faces[0]["sample"] or face["sample"] not in at
        face["yaw_deg"], face["pitch_deg"] = (0.0 if is_first else -40.0), 0.0
    told = captioned(clip, min_share=0.9)
    assert "right" in {moment["face_view"] for moment in told["moments"]}
    assert "to their own right" in told["caption"], "seen for little time, and a moment shows it"


def test_of_one_frame_no_movement_is_told() -> None:
    clip, _ = measured_by_truth("talk_yaw_1")
    rows = clip.upstream
    one: dict[str, dict[str, Any]] = {
        "faces": {"faces": rows["faces"]["faces"][:1], "parsing": rows["faces"]["parsing"][:1]},
        "bodies": {"bodies": rows["bodies"]["bodies"][:1], "masks": rows["bodies"]["masks"][:1]},
        "pose": {"poses": rows["pose"]["poses"][:1]},
    }
    told = captioned(Clip(clip.key, clip.uri, upstream={**rows, **one}))
    assert told["action"] == NOT_TOLD
    assert {moment["action"] for moment in told["moments"]} == {NOT_TOLD}
    assert "stays" not in told["caption"]


@pytest.mark.parametrize(
    ("name", "words"),
    [("turn_standing_1", "blue, beige and"), ("half_turn_1", "brown among other colours")],
)
def test_the_background_has_the_colours_that_one_sees(name: str, words: str) -> None:
    """Blue cupboards above a wooden floor, and a wall of brown stones: muted as they are, they are no grey."""
    assert captioned(measured_by_truth(name)[0])["background"].startswith(words)


def test_what_a_parser_sees_on_a_face_is_told() -> None:
    clip, _ = measured_by_truth("talk_yaw_1")
    assert captioned(clip)["accessory"] == NOT_TOLD
    for parts in clip.upstream["faces"]["parsing"]:
        parts["glasses"] = 0.0
    assert captioned(clip)["accessory"] == NOT_VISIBLE, "a parser that can tell them sees none"
    for parts in clip.upstream["faces"]["parsing"]:
        parts["glasses"] = 0.05
    told = captioned(clip)
    assert told["accessory"] == "glasses"
    assert "They wear glasses." in told["caption"]


def test_a_clip_without_anybody_has_a_caption_that_says_nothing_of_a_person() -> None:
    clip, _ = measured_by_truth("talk_yaw_1")
    nobody: dict[str, dict[str, Any]] = {
        "faces": {"faces": [], "parsing": []},
        "bodies": {"bodies": [], "masks": []},
        "pose": {"poses": []},
    }
    motion = {**clip.upstream["motion"], "subject_share": 0.0}
    told = captioned(Clip(clip.key, clip.uri, upstream={**clip.upstream, **nobody, "motion": motion}))
    assert (told["people"], told["caption"]) == (0, "A video.")
    assert len(told["moments"]) == 1


def other(first_s: float, last_s: float, **told: Any) -> dict[str, Any]:
    seen = {"first_s": first_s, "last_s": last_s, "samples": 8, "score": 0.8, "size_share": 0.7, "inside_share": 0.1}
    return seen | told


@pytest.mark.parametrize(
    ("others", "count", "words"),
    [
        ([], 1, "of one person"),
        ([other(0, 2)], 2, "of two people"),
        ([other(0, 1), other(2, 3)], 2, "of two people"),
        ([other(0, 2), other(1, 3), other(1, 2)], 4, "of several people"),
        ([other(0, 2, samples=2), other(0, 2, score=0.4)], 1, "of one person"),
        ([other(0, 2, inside_share=0.95), other(0, 2, size_share=0.05)], 1, "of one person"),
    ],
)
def test_how_many_people_are_seen_at_once_is_said(others: list[dict[str, Any]], count: int, words: str) -> None:
    clip, _ = measured_by_truth("talk_yaw_1")
    motion = {**clip.upstream["motion"], "others": others}
    told = captioned(Clip(clip.key, clip.uri, upstream={**clip.upstream, "motion": motion}))
    assert told["people"] == count
    assert words in told["caption"]
