"""The real models on the samples, judged by the policies that ship."""

from collections.abc import Callable, Mapping, Sequence
from itertools import combinations
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import pytest

from actor18m.arrays import Box, Floats, Frame
from actor18m.config.pipeline import load_pipeline
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.models.backends import describe, load
from actor18m.models.roles import Face
from actor18m.policy.rules import judge
from actor18m.samples.shipped import SHIPPED, find_clips
from actor18m.samples.truth import Truth
from actor18m.stage import TEMPLATE, Clip, Failure, Row
from stages.identity import Identity, IdentityParameters, rough_pitch_deg, rough_yaw_deg, sharpness_of

PIPELINES = Path(__file__).parents[2] / "pipelines"
CLIPS = [Clip(sample.name, canonical_uri(sample.video)) for sample in find_clips()]


@pytest.fixture(scope="module")
def stage(pulled: Callable[..., None]) -> Identity:
    pulled("centerface", "dlib-face", "efficientnet")
    return made()


def made() -> Identity:
    return Identity(faces=load("centerface"), identity=load("dlib-face"), depiction=load("efficientnet"))


@pytest.fixture(scope="module")
def rows(stage: Identity) -> Mapping[str, Row]:
    found = {}
    for outcome in stage.measure(CLIPS):
        assert isinstance(outcome, Row), outcome
        found[outcome.key] = outcome
    return found


def rejected(rows: Mapping[str, Row], pipeline: str) -> dict[str, str]:
    table = Identity.writes.table(list(rows.values()), dict.fromkeys(rows, ""))
    verdicts = judge(table, load_pipeline(PIPELINES / f"{pipeline}.yaml").rules("identity")).to_pylist()
    return {verdict["key"]: f"identity.{verdict['rule']}" for verdict in verdicts if not verdict["passed"]}


def test_the_policy_keeps_every_good_sample_and_rejects_those_that_identity_is_to_reject(
    rows: Mapping[str, Row],
) -> None:
    found = rejected(rows, "embedded")
    for sample in find_clips():
        expected = Truth.read(sample.truth).expected
        if expected.state == "accepted":
            assert sample.name not in found
        if found.get(sample.name, "identity.fit_faces") != "identity.fit_faces":
            assert found[sample.name] in expected.rules
        if any(rule in expected.rules for rule in ("identity.fit_faces", "identity.one_face")):
            assert found.get(sample.name) in expected.rules, sample.name


def test_the_papers_literal_rule_accepts_two_people(rows: Mapping[str, Row]) -> None:
    found = rejected(rows, "paper")
    assert {"two_people_1", "two_people_2", "second_enters_1"}.isdisjoint(found)
    assert {"from_behind_1", "nobody_1", "walk_out_1"} <= set(found)


def test_faces_of_a_turning_head_are_fit_while_it_faces_the_camera(rows: Mapping[str, Row]) -> None:
    row, truth = rows["talk_yaw_1"].values, Truth.read(SHIPPED / "talk_yaw_1.json")
    times, faces = _lists(row)
    assert times == [0, 1, 2, 3, 4]
    yaws = truth.actors[0].head_yaw_deg
    for face in faces:
        yaw = yaws[int(np.searchsorted(truth.times_s, times[face["frame"]] + 1e-6, side="right")) - 1]
        assert yaw is not None
        assert (face["fitness"] > 0.5) == (abs(yaw) < 30), face
        if abs(yaw) < 60:
            assert face["yaw_deg"] == pytest.approx(yaw, abs=16)
    assert [face["is_fittest"] for face in faces] == [True, False, False, False, False]
    assert faces[0]["similarity_to_first"] == faces[0]["similarity_to_fittest"] == 1
    assert row["mean_similarity_to_first"] == pytest.approx(
        np.mean([f["similarity_to_first"] for f in faces[1:]]), abs=1e-4
    )


class Vectors:
    """Embeds each face as the next of these."""

    metric = "cosine"

    def __init__(self, vectors: Sequence[Sequence[float]]) -> None:
        self._vectors = iter(vectors)

    def embed(self, frames: Sequence[Frame], faces: Sequence[Face]) -> list[Floats]:
        return [np.array(next(self._vectors), dtype=np.float32) for _ in faces]


class Filmed:
    """Finds nothing drawn."""

    def drawn(self, frames: Sequence[Frame], boxes: Sequence[Box]) -> list[float]:
        return [0.0 for _ in boxes]


class Sharpening:
    """One face a frame, of which the second is the surest: as a hand before it makes a face seem fit."""

    def __init__(self) -> None:
        self._scores = iter([0.9, 1.0, 0.9, 0.9])

    def detect(self, frames: Sequence[Frame]) -> list[list[Face]]:
        points: Floats = np.array([(230, 140), (270, 140), (250, 163), (236, 182), (264, 182)], dtype=np.float32)
        return [[Face((200.0, 100.0, 300.0, 220.0), next(self._scores), points)] for _ in frames]


def test_the_medoid_is_most_like_the_others_also_where_another_face_is_the_fittest(tmp_path: Path) -> None:
    alike, covered = [1.0, 0.0], [0.5, 0.85]
    stage = Identity(faces=Sharpening(), identity=Vectors([alike, covered, [1.0, 0.1], alike]), depiction=Filmed())
    clip = next(clip for clip in CLIPS if clip.key == "talk_yaw_1")
    (row,) = stage.measure([Clip(clip.key, clip.uri, cut=(0, 80))])
    assert isinstance(row, Row)
    _, faces = _lists(row.values)
    assert [face["is_fittest"] for face in faces] == [False, True, False, False]
    (medoid,) = (face for face in faces if face["is_medoid"])
    assert not medoid["is_fittest"]
    assert medoid["similarity_to_medoid"] == 1
    assert np.mean([face["similarity_to_fittest"] for face in faces if not face["is_fittest"]]) < 0.65
    assert np.mean([face["similarity_to_medoid"] for face in faces if not face["is_medoid"]]) > 0.8


def test_all_faces_of_a_frame_are_told_and_the_surest_is_compared(rows: Mapping[str, Row]) -> None:
    _, faces = _lists(rows["two_people_1"].values)
    assert rows["two_people_1"].values["max_faces"] == 2
    assert {face["rank"] for face in faces} == {0, 1}
    assert all((face["similarity_to_first"] is None) == (face["rank"] > 0) for face in faces)
    assert sum(face["is_medoid"] for face in faces) == 1
    assert sum(face["is_fittest"] for face in faces) == 1


def test_of_the_surest_face_of_each_frame_it_is_told_how_likely_it_was_drawn(rows: Mapping[str, Row]) -> None:
    for name, row in rows.items():
        for face in _lists(row.values)[1]:
            assert (face["drawn"] is None) == (face["rank"] > 0), name


def test_no_sample_is_called_drawn(rows: Mapping[str, Row]) -> None:
    for name, row in rows.items():
        assert drawn_share(row) <= 0.02, name


@pytest.mark.parametrize("name", ["talk_yaw_1", "expressions_2"])
def test_a_drawn_twin_of_a_sample_is_rejected(name: str, stage: Identity, tmp_path: Path) -> None:
    sample = SHIPPED / f"{name}.mp4"
    pictures = [as_cartoon(picture) for _, picture in frames(canonical_uri(sample), fps=4)]
    height, width = pictures[0].shape[:2]
    with av.open(tmp_path / "twin.mp4", "w") as container:
        video = container.add_stream("libx264", rate=4, options={"crf": "23"})
        assert isinstance(video, av.VideoStream)
        video.width, video.height, video.pix_fmt = width, height, "yuv420p"
        for picture in pictures:
            container.mux(video.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(video.encode())
    (row,) = stage.measure([Clip("twin", canonical_uri(tmp_path / "twin.mp4"))])
    assert isinstance(row, Row), row
    assert rejected({"twin": row}, "embedded") == {"twin": "identity.drawn"}
    assert rejected({"twin": row}, "paper") == {}, "the paper asks nothing of the kind"
    assert drawn_share(row) >= 0.04


def drawn_share(row: Row) -> float:
    """What the rule asks for, whatever the face's fitness."""
    told = [face["drawn"] for face in _lists(row.values)[1] if face["rank"] == 0]
    return float(np.median(told)) if told else 0.0


def as_cartoon(picture: Frame) -> Frame:
    """Flat tones, stronger colours and lines of ink."""
    flat = picture
    for _ in range(4):
        flat = cv2.bilateralFilter(flat, 9, 30, 9).astype(np.uint8)
    colours = cv2.cvtColor(flat, cv2.COLOR_RGB2HSV).astype(int)
    colours[..., 1] = (colours[..., 1] * 1.3).clip(0, 255)
    colours[..., 2] = colours[..., 2] // 36 * 36 + 18
    flat = cv2.medianBlur(cv2.cvtColor(colours.astype(np.uint8), cv2.COLOR_HSV2RGB), 5).astype(np.uint8)
    grey = cv2.medianBlur(cv2.cvtColor(picture, cv2.COLOR_RGB2GRAY), 5)
    ink = cv2.adaptiveThreshold(grey, 255, cv2.ADAPTIVE_THRESH_MEAN_C, cv2.THRESH_BINARY_INV, 9, 5) > 0
    drawn: Frame = np.where(ink[..., None], (flat * 0.15).astype(np.uint8), flat)
    return drawn


def test_a_template_is_left_where_faces_are_enough_to_know_a_person(rows: Mapping[str, Row]) -> None:
    for name, row in rows.items():
        fitness = [face["fitness"] for face in _lists(row.values)[1] if face["rank"] == 0]
        known = sum(each for each in fitness if each >= 0.3) >= 0.6
        assert (TEMPLATE in row.restricted) is known, (name, fitness)
    assert TEMPLATE in rows["talk_yaw_1"].restricted, "one face, seen from the front"
    assert TEMPLATE not in rows["turn_walking_1"].restricted, "one that is just fit"


def test_faces_that_are_not_fit_do_not_move_a_template(rows: Mapping[str, Row]) -> None:
    row = rows["talk_yaw_1"]
    faces, template = (np.frombuffer(row.restricted[name], "<f4") for name in ("embeddings", TEMPLATE))
    np.testing.assert_allclose(template, faces.reshape(-1, 128)[0], atol=1e-6)


def test_no_two_people_of_the_samples_are_as_close_as_clips_of_one_person(rows: Mapping[str, Row]) -> None:
    within = load_pipeline(PIPELINES / "embedded.yaml").identities
    assert within is not None
    good = [sample for sample in find_clips() if Truth.read(sample.truth).expected.state == "accepted"]
    templates = {sample.name: rows[sample.name].restricted.get(TEMPLATE) for sample in good}
    known = {name: np.frombuffer(each, "<f4") for name, each in templates.items() if each is not None}
    assert (len(known), len(good)) == (14, 18)
    for (one, a), (other, b) in combinations(known.items(), 2):
        assert np.linalg.norm(a - b) > within.within, (one, other)


def test_the_edge_of_the_frame_makes_no_face_sharp() -> None:
    soft = np.tile(np.linspace(60, 200, 200, dtype=np.uint8)[:, None, None], (1, 200, 3))
    points: Floats = np.zeros((5, 2), np.float32)
    inside, beyond = Face((50, 50, 150, 150), 0.9, points), Face((-50, 50, 50, 150), 0.9, points)
    assert sharpness_of(soft, beyond) == pytest.approx(sharpness_of(soft, inside), abs=0.5)
    assert sharpness_of(soft, Face((-90, 0, -10, 80), 0.9, points)) == 0


def test_nobody_is_a_row_without_faces(rows: Mapping[str, Row]) -> None:
    row = rows["nobody_1"].values
    assert row == {"frame_times": [0, 1, 2], "faces": [], "max_faces": 0, "mean_similarity_to_first": None}


def test_a_result_does_not_depend_on_its_neighbours(stage: Identity, rows: Mapping[str, Row]) -> None:
    few = [clip for clip in CLIPS if clip.key in ("two_people_1", "half_turn_1")]
    for outcome in (*stage.measure(few[::-1]), *made().measure(few[:1])):
        assert outcome == rows[outcome.key]


def test_a_file_that_went_bad_is_one_failure(stage: Identity, tmp_path: Path) -> None:
    (tmp_path / "gone_bad.mp4").write_bytes(b"")
    bad = Clip("bad", canonical_uri(tmp_path / "gone_bad.mp4"))
    failure, row = stage.measure([bad, next(clip for clip in CLIPS if clip.key == "nobody_1")])
    assert isinstance(failure, Failure)
    assert (failure.kind, isinstance(row, Row)) == ("empty_file", True)


def test_parameters_and_weights_make_the_fingerprint() -> None:
    names = {"faces": "centerface", "identity": "dlib-face", "depiction": "efficientnet"}
    backends = {role: describe(name) for role, name in names.items()}
    usual = Identity.fingerprint(IdentityParameters(), backends)
    assert Identity.fingerprint(IdentityParameters(fps=2), backends) != usual
    assert Identity.fingerprint(IdentityParameters(), {**backends, "faces": ("centerface", "other")}) != usual


@pytest.mark.parametrize(
    ("nose_x", "eyes_apart", "yaw"),
    [(50, 40, 0), (72, 40, 45), (28, 40, -45), (50, 8, 70), (49, 8, -70), (95, 4, 85), (60, -2, 90), (40, -2, -90)],
)
def test_yaw_is_told_by_the_nose_and_by_eyes_that_are_too_close(nose_x: float, eyes_apart: float, yaw: float) -> None:
    eyes = [(50 - eyes_apart / 2, 40), (50 + eyes_apart / 2, 40)]
    points: Floats = np.array([*eyes, (nose_x, 60), (40, 82), (60, 82)], dtype=np.float32)
    assert rough_yaw_deg(points) == pytest.approx(yaw, abs=8)


def _lists(row: Mapping[str, Any]) -> tuple[Sequence[float], Sequence[Mapping[str, Any]]]:
    return row["frame_times"], row["faces"]


@pytest.mark.parametrize(("nose_y", "pitch"), [(64, 0), (68, -37), (60, 37), (40, 90)])
def test_pitch_is_told_by_how_far_down_the_nose_is(nose_y: float, pitch: float) -> None:
    points: Floats = np.array([(30, 40), (70, 40), (50, nose_y), (36, 82), (64, 82)], dtype=np.float32)
    assert rough_pitch_deg(points) == pytest.approx(pitch, abs=5)


def test_heads_that_look_far_up_or_down_are_less_fit(rows: Mapping[str, Row]) -> None:
    row, truth = rows["talk_pitch_1"].values, Truth.read(SHIPPED / "talk_pitch_1.json")
    times, faces = _lists(row)
    for face in faces:
        pitch = truth.actors[0].head_pitch_deg[round(times[face["frame"]] * truth.fps)]
        assert pitch is not None
        assert face["pitch_deg"] == pytest.approx(pitch, abs=15)
        assert (face["fitness"] > 0.5) == (abs(pitch) < 30)
    compared = [face["similarities"] for face in faces]
    assert [None if each is None else len(each) for each in compared] == [0, None, 1, None]
