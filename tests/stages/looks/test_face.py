"""One face in one picture: photographs of ten people who look to four sides."""

import csv
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import cv2
import numpy as np
import pytest

from actor18m.arrays import Floats, Frame
from actor18m.media.views import face_view
from actor18m.models.backends import load
from actor18m.models.roles import Face, Mesh
from stages.looks.face import FaceParameters, FaceReader, believed, rough_roll_deg

SEEN_AS = {"front": "front", "up": "up", "image_right": "left", "image_left": "right"}


@pytest.fixture(scope="module")
def reader(pulled: Callable[..., None]) -> FaceReader:
    pulled("centerface", "mediapipe-face")
    backends = {
        "faces": load("centerface"),
        "mesh": load("mediapipe-face"),
        "parsing": load("mesh-parsing"),
        "expression": load("blendshape-expression"),
    }
    return FaceReader(backends, FaceParameters())


def test_real_faces_are_seen_from_where_people_say(reader: FaceReader, footage: Path) -> None:
    told: Counter[tuple[str, str | None]] = Counter()
    level = []
    with (footage / "labels" / "face_view.tsv").open() as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            picture = _read_rgb(footage / row["file"])
            (face,) = reader.find([picture], [(0, 0, picture.shape[1], picture.shape[0])])
            expected = SEEN_AS[row["nose_points_to"]]
            if face is None:
                told[expected, None] += 1
                continue
            ((measured, _),) = reader.read([picture], [face], [(0, 0, picture.shape[1], picture.shape[0])])
            told[expected, face_view(measured["yaw_deg"], measured["pitch_deg"] or 0)] += 1
            if expected == "front":
                level.append(measured["pitch_deg"])
    right = sum(count for (expected, found), count in told.items() if expected == found)
    assert right >= 0.95 * sum(told.values()), told
    assert abs(np.median(level)) < 5


def test_a_profile_that_leans_is_told_by_the_line_from_eyes_to_mouth() -> None:
    profile: Floats = np.array([(60, 40), (61, 40), (70, 60), (60, 80), (61, 80)], dtype=np.float32)
    leaning = profile @ np.array([(np.cos(0.5), np.sin(0.5)), (-np.sin(0.5), np.cos(0.5))], dtype=np.float32)
    assert rough_roll_deg(Face((0, 0, 1, 1), 1.0, profile)) == pytest.approx(0)
    assert rough_roll_deg(Face((0, 0, 1, 1), 1.0, leaning)) == pytest.approx(np.degrees(0.5), abs=0.1), "to the right"


def test_a_mesh_is_believed_that_lies_on_the_face_and_looks_where_it_does() -> None:
    points: Floats = np.array([(40, 40), (60, 40), (50, 52), (42, 62), (58, 62)], dtype=np.float32)
    face = Face((30, 20, 70, 80), 1.0, points)

    def is_believed(off_px: float, yaw_deg: float) -> bool:
        mesh = Mesh(np.zeros((1, 3), np.float32), points + np.float32(off_px), {}, yaw_deg, 0.0, 0.0)
        return believed(mesh, face, FaceParameters()) is mesh

    assert [is_believed(0, 5), is_believed(12, 5), is_believed(0, 40)] == [True, False, False]


def test_a_box_outside_of_the_picture_has_no_face(reader: FaceReader) -> None:
    assert reader.find([np.zeros((90, 160, 3), np.uint8)], [(400, 10, 500, 80)]) == [None]


def _read_rgb(path: Path) -> Frame:
    image = cv2.imread(str(path))
    assert image is not None, path
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)
