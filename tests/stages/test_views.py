"""Rows as the stages before would write them: nothing else is read."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from actor18m.media.views import VIEWS, view_shown
from actor18m.stage import Clip, Row
from stages.select import Select, SelectParameters
from stages.views import Turn, Views, ViewsParameters
from tests.stages.clear_rows import TURN, body, clip, face, pose

QUARTERS = (Turn(deg=90, prompt="to the left"), Turn(deg=-90, prompt="to the right"))


def selected(given: Clip, **parameters: Any) -> Clip:
    """With what select asks for."""
    (row,) = Select(SelectParameters(**parameters)).measure([given])
    assert isinstance(row, Row)
    return replace(given, upstream={**given.upstream, "select": row.values})


def turning(seconds: int = 6) -> Clip:
    """Somebody turns round every two seconds."""
    samples = range(seconds * 8)
    yaws = [TURN[sample % 16] for sample in samples]
    return selected(
        clip([], [body(at) for at in samples], [pose(at, yaw) for at, yaw in zip(samples, yaws, strict=True)])
    )


def talking(angles: Sequence[tuple[float, float]], samples: int = 8, **parameters: Any) -> Clip:
    """A face that looks there, for so many samples each."""
    faces = [face(sample, *angles[sample // samples]) for sample in range(samples * len(angles))]
    return selected(clip(faces, [body(each["sample"]) for each in faces]), **parameters)


def wanted(given: Clip, **parameters: Any) -> dict[str, Mapping[str, Any]]:
    """By region and view."""
    stage = Views(ViewsParameters(**parameters))
    (row,) = stage.measure([given])
    assert isinstance(row, Row)
    stage.check(row)
    assert Views.writes.table([row], {row.key: ""}).num_rows == 1
    found = row.values["wanted"]
    assert isinstance(found, list)
    return {f"{each['region']} {each['view']}": each for each in found}


def source(given: Clip, region: str) -> Mapping[str, Any]:
    references = given.upstream["select"]["references"]
    return next(each for each in references if each["region"] == region and each["is_clearest"])


def test_six_views_are_wanted_but_for_the_one_that_the_source_shows() -> None:
    given = turning()
    shown = view_shown(source(given, "body")["viewpoint"], source(given, "body")["yaw_deg"])
    assert shown == "front"
    assert list(wanted(given)) == [f"body {view}" for view in VIEWS if view != shown]


def test_no_face_is_wanted_from_behind() -> None:
    assert list(wanted(talking([(0, 0)]))) == ["face left", "face right", "face top_down", "face bottom_up"]


def test_a_clip_without_references_wants_nothing() -> None:
    assert wanted(selected(clip())) == {}


def test_a_real_frame_of_the_view_is_found_that_was_not_given_before() -> None:
    given = turning()
    found = wanted(given)
    for view, yaw in (("left", 90), ("right", -90), ("back", 180)):
        frame = found[f"body {view}"]
        assert abs((frame["yaw_deg"] - yaw + 180) % 360 - 180) <= 22.5
        assert view_shown(frame["viewpoint"], frame["yaw_deg"]) == view
        assert frame["apart_s"] == pytest.approx(abs(frame["time_s"] - source(given, "body")["time_s"]), abs=1e-3)
        assert frame["apart_s"] >= 0.5
        assert frame["mask"] == b"mask of %d" % frame["sample"]
        assert frame["lacks"] is None


def test_what_lies_beside_a_chosen_picture_is_a_copy_of_it() -> None:
    """Somebody turns their head for half a second, once or twice, and one picture of it is a reference already."""
    once = talking([(0, 0), (0, 0), (40, 0), (0, 0)], samples=4, max_faces=2)
    twice = talking([(0, 0), (0, 0), (40, 0), (0, 0), (0, 0), (40, 0)], samples=4, max_faces=2)
    for given in (once, twice):
        assert len([each for each in given.upstream["select"]["references"] if each["yaw_deg"] == 40]) == 1
    assert wanted(once)["face left"]["lacks"] == (
        "what shows this view clearly is chosen already, or hardly differs from what is"
    )
    assert wanted(twice)["face left"]["lacks"] is None
    assert wanted(once, min_apart_s=0.125)["face left"]["lacks"] is None


def test_a_face_that_nods_is_one_seen_from_above() -> None:
    found = wanted(talking([(0, 0), (40, 0), (0, -25), (-40, 0), (0, 25), (0, 0)]))
    looks = {view: (each["yaw_deg"], each["pitch_deg"]) for view, each in found.items()}
    assert looks == {
        "face left": (40, 0),
        "face right": (-40, 0),
        "face top_down": (0, -25),
        "face bottom_up": (0, 25),
    }


def test_why_there_is_no_real_frame_is_told() -> None:
    found = wanted(turning())
    assert found["body top_down"]["sample"] is None
    assert found["body top_down"]["lacks"] == "from which height a body is seen is not measured"
    assert wanted(talking([(0, 0)]))["face left"]["lacks"] == "no picture of the clip shows this view clearly"
    assert wanted(turning(), min_apart_s=60)["body left"]["lacks"] == (
        "what shows this view clearly is chosen already, or hardly differs from what is"
    )
    assert wanted(turning(), min_quality=1)["body left"]["lacks"] == "what shows this view is not clear enough"
    assert wanted(turning(), real_frames=False)["body left"]["sample"] is None


def test_a_back_is_two_turns_or_one_prompt() -> None:
    given = turning()
    assert wanted(given, turns=QUARTERS)["body back"]["steps"] == ["to the left", "to the left"]
    assert wanted(given, turns=QUARTERS)["body right"]["steps"] == ["to the right"]
    assert wanted(given, turns=QUARTERS)["body top_down"]["steps"] == [], "no way is known"
    found = wanted(given, turns=QUARTERS, prompts={"back": "<sks> back view", "top_down": "from above"})
    assert found["body back"]["steps"] == ["<sks> back view"]
    assert found["body top_down"]["steps"] == ["from above"]


def test_turns_begin_where_the_source_is_seen_from() -> None:
    given = talking([(-60, 0)])
    assert view_shown(source(given, "face")["viewpoint"], source(given, "face")["yaw_deg"]) == "right"
    found = wanted(given, turns=(*QUARTERS, Turn(deg=45, prompt="a little to the left")))
    assert found["face front"]["steps"] == ["a little to the left"]
    assert found["face left"]["steps"] == ["to the left", "a little to the left"]


def test_another_prompt_changes_only_the_requests_that_it_concerns() -> None:
    given = turning()
    before, after = wanted(given), wanted(given, prompts={"back": "from behind"})
    assert [view for view in before if before[view] != after[view]] == ["body back"]
