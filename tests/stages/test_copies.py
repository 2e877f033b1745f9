"""How near references are to the frames of their clips: by rows of perfect stages, and pictures that show one place or
another."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Bools, Frame
from actor18m.media.views import angle_between
from actor18m.stage import Clip, Image, Row
from stages.brought import PictureParameters, brought
from stages.copies import Copies, CopiesParameters
from tests.stages.told_by_truth import measured_by_truth

EVERY_S = 1 / 8


def measured(
    clip: Clip,
    region: str = "body",
    figures: Sequence[Mapping[str, Any]] = (),
    sample: int | None = None,
    files: Mapping[str, bytes] | None = None,
    source: Mapping[str, bytes] | None = None,
    expression: str | None = None,
    of: CopiesParameters | None = None,
) -> Mapping[str, Any]:
    """Of an image that shows this, or was cut out of this sample."""
    seen = {"seen_figures": figures, "seen_expression": expression}
    image = Image(
        f"{clip.key}-{region}-any-01", clip, {"sample": sample}, {"annotate": seen}, files or {}, source or {}
    )
    (row,) = Copies(of).measure([image])
    assert isinstance(row, Row)
    assert Copies.writes.table([row], {row.key: ""}).num_rows == 1
    return row.values


def pose_at(clip: Clip, sample: int, **other: Any) -> dict[str, Any]:
    """As annotate tells of it."""
    pose = next(each for each in clip.upstream["pose"]["poses"] if each["sample"] == sample)
    angles = {"yaw_deg": pose["body_yaw_deg"], "pitch_deg": None, "roll_deg": None}
    return {**angles, "points": pose["points"], "visibility": pose["visibility"], **other}


def test_a_picture_of_a_frame_is_nearest_to_that_frame() -> None:
    clip, _ = measured_by_truth("turn_walking_1")
    for sample in (3, 20, 37):
        found = measured(clip, sample=sample)
        assert (found["view_apart_deg"], found["pose_apart"], found["time_apart_s"]) == (0, 0, 0)
        assert found["nearest_time_s"] == pytest.approx(sample * EVERY_S, abs=0.02)
        assert any(span["start_s"] <= sample * EVERY_S + 0.02 and sample * EVERY_S - 0.02 <= span["end_s"]
                   for span in found["copied_spans"])  # fmt: skip
        assert found["background"] == "same"
        assert found["copy_share"] == found["person_copy_share"] > 0


def test_of_who_turns_round_a_view_copies_the_frames_that_show_it() -> None:
    clip, truth = measured_by_truth("turn_standing_1")
    yaws = [truth.actors[0].body_yaw_deg[frame] for frame in truth.mask_frames]
    for sample in (0, 17, 24, 31):
        alike = [yaw is not None and angle_between(yaw, yaws[sample] or 0) <= 15 for yaw in yaws]
        found = measured(clip, figures=[pose_at(clip, sample)])
        assert found["same_view_share"] == pytest.approx(sum(alike) / len(alike), abs=1e-4)
        assert 0 < found["person_copy_share"] <= found["same_view_share"] < 0.5
        assert not found["copy_solves"]


def test_of_who_stands_still_every_picture_copies_the_clip() -> None:
    clip, _ = measured_by_truth("expressions_1")
    found = measured(clip, sample=10)
    assert found["person_copy_share"] == found["copy_share"] > 0.9
    assert found["copy_solves"]
    assert len(found["copied_spans"]) <= 3


def test_another_pose_seen_from_the_same_side_is_no_copy() -> None:
    clip, _ = measured_by_truth("turn_standing_1")
    points = np.array(pose_at(clip, 0)["points"]).reshape(-1, 2)
    points[7:11] -= 0, 0.3 * float(np.ptp(points[:, 1]))  # elbows and wrists
    found = measured(clip, figures=[pose_at(clip, 0, points=points.ravel().tolist())])
    assert found["same_view_share"] > 0.1
    assert found["pose_apart"] > 0.3
    assert (found["person_copy_share"], found["copied_spans"]) == (0, [])


def test_a_view_that_the_clip_has_not_is_no_copy_though_few_points_can_be_compared() -> None:
    clip, _ = measured_by_truth("expressions_1")
    pose = pose_at(clip, 10, yaw_deg=170.0)
    found = measured(clip, figures=[{**pose, "visibility": [0.0] * 14 + [1.0] * 3}])
    assert (found["person_copy_share"], found["pose_apart"]) == (0, None)
    assert found["compared_share"] > 0.9


def test_a_sheet_copies_what_any_of_its_panels_copies() -> None:
    clip, _ = measured_by_truth("turn_standing_1")
    panels = [pose_at(clip, sample) for sample in (0, 12, 24)]
    alone = [measured(clip, figures=[panel]) for panel in panels]
    whole = measured(clip, "sheet", panels)
    assert whole["person_copy_share"] == pytest.approx(sum(each["person_copy_share"] for each in alone), abs=1e-3)
    assert whole["view_apart_deg"] == 0


def test_a_picture_in_which_nobody_is_seen_is_not_told_of() -> None:
    clip, _ = measured_by_truth("expressions_1")
    found = measured(clip)
    assert (found["copy_share"], found["copy_solves"], found["compared_share"], found["copied_spans"]) == (None,) * 4
    assert found["person_copy_solves"] is None


def face(sample: int, yaw_deg: float, expression: str = "neutral") -> dict[str, Any]:
    """Its nose moves to the side as it turns."""
    points = [-10.0, 0.0, 10.0, 0.0, yaw_deg / 6, 10.0, -7.0, 20.0, 7.0, 20.0]
    angles = {"yaw_deg": yaw_deg, "pitch_deg": 0.0, "roll_deg": 0.0}
    return {"sample": sample, **angles, "points": points, "expression": expression}


def test_of_a_face_the_expression_is_told_apart() -> None:
    faces = [face(sample, 0.0, "neutral" if sample < 6 else "happiness") for sample in range(8)]
    rows: dict[str, dict[str, Any]] = {
        "motion": {"frame_times": [s / 8 for s in range(10)]},
        "faces": {"faces": faces},
        "pose": {"poses": []},
    }
    clip = Clip("clip", "", upstream=rows)
    figure = {**face(0, 3.0), "visibility": None}
    found = measured(clip, "face", [figure], expression="happiness")
    assert (found["person_copy_share"], found["expression_copy_share"]) == (0.8, 0.2), "of all ten samples"
    assert found["copied_spans"] == [{"start_s": 0, "end_s": 0.875}]
    turned = measured(clip, "face", [{**face(0, 40.0), "visibility": None}])
    assert (turned["person_copy_share"], turned["expression_copy_share"]) == (0, None)


def test_faces_that_were_looked_for_in_every_second_sample_count_twice() -> None:
    rows: dict[str, dict[str, Any]] = {
        "motion": {"frame_times": [sample / 8 for sample in range(9)]},
        "faces": {"faces": [face(sample, 60.0 if sample == 4 else 0.0) for sample in (0, 2, 4, 6, 8)]},
        "pose": {"poses": []},
    }
    clip = Clip("clip", "", upstream=rows)
    found = measured(clip, "face", sample=0, of=CopiesParameters(faces_every=2))
    assert found["person_copy_share"] == pytest.approx(0.8)
    assert [(span["start_s"], span["end_s"]) for span in found["copied_spans"]] == [(0, 0.25), (0.75, 1)]


WALL, GRASS, GREY = (200, 180, 150), (60, 150, 70), (208, 208, 208)


def picture(ground: tuple[int, int, int], stripes: tuple[int, int, int], person_at: int) -> Mapping[str, bytes]:
    """Somebody in blue before a striped ground."""
    pixels: Frame = np.full((200, 160, 3), ground, np.uint8)
    pixels[:, ::16] = pixels[:, 1::16] = pixels[:, 2::16] = stripes
    mask: Bools = np.zeros((200, 160), np.bool_)
    mask[60:, person_at : person_at + 60] = True
    pixels[mask] = 40, 60, 180
    return brought(pixels, mask, PictureParameters())[1]


def test_the_background_is_told_by_its_colours() -> None:
    clip, _ = measured_by_truth("expressions_1")
    pose, source = pose_at(clip, 10), picture(WALL, GRASS, 20)

    def of(files: Mapping[str, bytes]) -> Mapping[str, Any]:
        return measured(clip, figures=[pose], files=files, source=source)

    same, other, none = (of(picture(*each)) for each in ((WALL, GRASS, 80), (GRASS, WALL, 20), (GREY, GREY, 20)))
    assert [each["background"] for each in (same, other, none)] == ["same", "other", "none"]
    assert same["background_likeness"] > 0.9 > 0.5 > other["background_likeness"]
    assert same["copy_share"] == same["person_copy_share"] > 0.9
    assert (other["copy_share"], none["copy_share"]) == (0, 0)
    assert other["person_copy_share"] == none["person_copy_share"] == same["person_copy_share"]
    assert (other["copy_solves"], other["person_copy_solves"]) == (False, True), "the person can be pasted all the same"
    unknown = of({"webp": source["webp"]})
    assert (unknown["background"], unknown["copy_share"]) == (None, None), "no mask says what is around the person"
    assert unknown["person_copy_share"] > 0.9
    assert (unknown["copy_solves"], unknown["person_copy_solves"]) == (None, True)


def test_a_plain_wall_of_the_clip_is_the_clip_s_own() -> None:
    clip, _ = measured_by_truth("expressions_1")
    plain = picture(GREY, GREY, 20)
    found = measured(clip, figures=[pose_at(clip, 10)], files=plain, source=plain)
    assert found["background"] == "same"


def test_a_made_picture_is_from_no_time_of_the_clip() -> None:
    clip, _ = measured_by_truth("expressions_1")
    assert measured(clip, figures=[pose_at(clip, 10)])["time_apart_s"] is None
