"""The real models on the samples; what motion would say of the subject is taken from the truth."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.media.views import angle_between, face_view
from actor18m.models.backends import describe, load
from actor18m.models.roles import FACE_PARTS
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import ActorTruth, Truth
from actor18m.stage import Clip, Failure, Row
from stages.faces import Faces, FacesParameters
from stages.looks.face import FaceReader

BACKENDS = {
    "faces": "centerface",
    "mesh": "mediapipe-face",
    "parsing": "mesh-parsing",
    "expression": "blendshape-expression",
}
NAMES = ("talk_yaw_1", "talk_pitch_1", "two_people_1", "from_behind_1")


def clip(name: str, actor: int = 0) -> Clip:
    truth = Truth.read(SHIPPED / f"{name}.json")
    boxes = [truth.actors[actor].body_box[frame] for frame in truth.mask_frames]
    sides = ("x0", "y0", "x1", "y1", "score")
    subject = [box and dict(zip(sides, (*map(float, box), 1.0), strict=True)) for box in boxes]
    times = [truth.times_s[frame] for frame in truth.mask_frames]
    upstream = {"motion": {"frame_times": times, "subject": subject}}
    return Clip(f"{name}-{actor}", canonical_uri(SHIPPED / f"{name}.mp4"), upstream=upstream)


def true(name: str, sample: int, actor: int = 0) -> tuple[ActorTruth, int]:
    truth = Truth.read(SHIPPED / f"{name}.json")
    return truth.actors[actor], truth.mask_frames[sample]


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Faces:
    pulled("centerface", "mediapipe-face")
    return Faces(**{role: load(name) for role, name in BACKENDS.items()})


@pytest.fixture(scope="module")
def rows(stage: Faces) -> Mapping[str, Mapping[str, Any]]:
    found = {}
    for outcome in stage.measure([*(clip(name) for name in NAMES), clip("two_people_1", 1)]):
        assert isinstance(outcome, Row), outcome
        found[outcome.key] = outcome.values
    assert Faces.writes.table([Row(key, row) for key, row in found.items()], dict.fromkeys(found, "")).num_rows == 5
    return found


def test_a_head_that_turns_is_told_by_its_mesh_and_farther_out_by_its_points(
    rows: Mapping[str, Mapping[str, Any]],
) -> None:
    errors: dict[bool, list[float]] = {True: [], False: []}
    for face in rows["talk_yaw_1-0"]["faces"]:
        actor, frame = true("talk_yaw_1", face["sample"])
        yaw = actor.head_yaw_deg[frame]
        assert yaw is not None
        errors[face["has_mesh"]].append(angle_between(face["yaw_deg"], yaw))
        assert (face["pitch_deg"] is None) == (not face["has_mesh"])
        if abs(yaw) > 25:
            assert face_view(face["yaw_deg"], face["pitch_deg"] or 0) == face_view(yaw, 0), "always the right side"
    assert len(errors[True]) >= 15
    assert len(errors[False]) >= 10
    assert np.median(errors[True]) < 4
    assert np.median(errors[False]) < 8
    assert max(errors[True] + errors[False]) < 25


def test_a_head_that_is_turned_past_a_profile_is_told_by_the_bodys_points(
    stage: Faces, pulled: Callable[..., None]
) -> None:
    """Five points alone stay at a profile."""
    pulled("mediapipe-pose")
    by_points, by_pose = (
        row.values["faces"]
        for players in (stage.backends, {**stage.backends, "heads": load("mediapipe-pose")})
        for row in Faces(**players).measure([clip("turn_walking_1")])
        if isinstance(row, Row)
    )
    assert isinstance(by_points, list)
    assert isinstance(by_pose, list)
    errors: list[list[float]] = []
    for before, now in zip(by_points, by_pose, strict=True):
        actor, frame = true("turn_walking_1", before["sample"])
        yaw = actor.head_yaw_deg[frame]
        assert yaw is not None
        if before["has_mesh"]:
            assert before == now
        elif abs(yaw) >= 95:
            errors.append([angle_between(face["yaw_deg"], yaw) for face in (before, now)])
    assert len(errors) >= 5
    before_deg, now_deg = np.median(errors, axis=0)
    assert before_deg > 15
    assert now_deg < 12


def test_a_head_that_nods_is_told_without_a_leaning_up_or_down(rows: Mapping[str, Mapping[str, Any]]) -> None:
    off = []
    for face in rows["talk_pitch_1-0"]["faces"]:
        actor, frame = true("talk_pitch_1", face["sample"])
        pitch = actor.head_pitch_deg[frame]
        assert pitch is not None
        if face["has_mesh"]:
            off.append(face["pitch_deg"] - pitch)
            if abs(pitch) > 30:
                assert face_view(face["yaw_deg"], face["pitch_deg"]) == ("up" if pitch > 0 else "down")
    assert len(off) >= 25
    assert abs(np.median(off)) < 6
    assert np.median(np.abs(off)) < 7


def test_each_of_two_people_has_their_own_face(rows: Mapping[str, Mapping[str, Any]]) -> None:
    for actor in (0, 1):
        faces = rows[f"two_people_1-{actor}"]["faces"]
        assert len(faces) >= 20
        for face in faces:
            other, frame = true("two_people_1", face["sample"], actor)
            box = other.face_box[frame]
            assert box is not None
            assert box[0] < (face["x0"] + face["x1"]) / 2 < box[2]
            assert box[1] < (face["y0"] + face["y1"]) / 2 < box[3]


def test_of_two_faces_in_a_box_the_one_in_its_middle_is_the_persons(stage: Faces) -> None:
    _, frame = next(frames(canonical_uri(SHIPPED / "two_people_1.mp4")))
    reader, faces = (
        FaceReader(stage.backends, FacesParameters(detect_px=640)),
        [true("two_people_1", 0, actor) for actor in (0, 1)],
    )
    boxes = [actor.face_box[at] for actor, at in faces]
    for middle, x0, x1 in ((0, 40.0, 650.0), (1, 300.0, 905.0)):
        (found,), box = reader.find([frame], [(x0, 0.0, x1, 540.0)]), boxes[middle]
        assert found is not None
        assert box is not None
        assert box[0] < (found.box[0] + found.box[2]) / 2 < box[2]


def test_from_behind_there_is_no_face(rows: Mapping[str, Mapping[str, Any]]) -> None:
    assert rows["from_behind_1-0"]["faces"] == []


def test_parts_are_told_in_one_vocabulary_and_what_cannot_be_told_is_null(
    rows: Mapping[str, Mapping[str, Any]],
) -> None:
    row = rows["talk_pitch_1-0"]
    assert row["parsing_method"] == "geometric"
    assert [part["sample"] for part in row["parsing"]] == [face["sample"] for face in row["faces"]]
    for part in row["parsing"]:
        assert set(part) == {"sample", *FACE_PARTS[1:]}
        assert {name for name in FACE_PARTS[1:] if part[name] is None} == {
            "glasses", "left_ear", "right_ear", "earring", "neck", "necklace", "cloth", "hair", "hat",
        }  # fmt: skip
        assert 0.3 < part["skin"] < 1
        assert all(0 < part[name] < 0.2 for name in ("nose", "upper_lip", "lower_lip", "left_eye", "right_eye"))


def test_where_the_subject_is_not_seen_nothing_is_looked_for(stage: Faces) -> None:
    whole = clip("two_people_1")
    subject = [None if sample < 20 else box for sample, box in enumerate(whole.upstream["motion"]["subject"])]
    (row,) = stage.measure([Clip("late", whole.uri, upstream={"motion": {"subject": subject}})])
    assert isinstance(row, Row)
    faces = row.values["faces"]
    assert isinstance(faces, list)
    assert [face["sample"] for face in faces] == list(range(20, len(subject)))


def test_fewer_samples_are_the_same_ones(stage: Faces, rows: Mapping[str, Mapping[str, Any]]) -> None:
    fewer = Faces(FacesParameters(every=9), **stage.backends)
    (row,) = fewer.measure([clip("talk_yaw_1")])
    assert isinstance(row, Row)
    assert row.values["faces"] == [face for face in rows["talk_yaw_1-0"]["faces"] if face["sample"] % 9 == 0]


def test_a_file_that_went_bad_is_one_failure(stage: Faces, tmp_path: Path) -> None:
    (tmp_path / "gone_bad.mp4").write_bytes(b"")
    bad = Clip("bad", canonical_uri(tmp_path / "gone_bad.mp4"), upstream={"motion": {"subject": []}})
    failure, row = stage.measure([bad, clip("from_behind_1")])
    assert isinstance(failure, Failure)
    assert (failure.kind, isinstance(row, Row)) == ("empty_file", True)


def test_every_number_that_is_measured_with_makes_the_fingerprint() -> None:
    backends = {role: describe(name) for role, name in BACKENDS.items()}
    usual = Faces.fingerprint(FacesParameters(), backends)
    others = (FacesParameters(every=2), FacesParameters(max_yaw_apart_deg=20), FacesParameters(detect_px=320))
    assert len({usual, *(Faces.fingerprint(other, backends) for other in others)}) == 4
