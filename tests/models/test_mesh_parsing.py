"""On a frame of a sample whose face is seen whole, from the front, without a beard."""

from collections.abc import Callable

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.models.centerface import CenterFace
from actor18m.models.mediapipe_face import MediaPipeFace
from actor18m.models.mesh_parsing import MeshParsing
from actor18m.models.roles import FACE_PARTS, Face, Mesh, Parsing
from actor18m.samples.shipped import SHIPPED

Seen = tuple[Frame, Face, Mesh]


@pytest.fixture(scope="module")
def seen(pulled: Callable[[str], None]) -> Seen:
    pulled("centerface")
    pulled("mediapipe-face")
    _, frame = next(frames(canonical_uri(SHIPPED / "one_second_1.mp4")))
    face = CenterFace.load().detect([frame])[0][0]
    mesh = MediaPipeFace.load().mesh([frame], [face.box])[0]
    assert mesh is not None
    return frame, face, mesh


def parsed(frame: Frame, face: Face, mesh: Mesh | None) -> Parsing:
    (parsing,) = MeshParsing().parse([frame], [face], [mesh])
    return parsing


def middle(parsing: Parsing, part: str) -> tuple[float, float]:
    rows, columns = np.nonzero(parsing.parts == FACE_PARTS.index(part))
    assert len(rows) > 10, part
    return float(columns.mean()), float(rows.mean())


def shown(parsing: Parsing) -> float:
    return float((parsing.parts[parsing.hull] > 0).mean())


def test_parts_lie_where_a_face_has_them(seen: Seen) -> None:
    parsing = parsed(*seen)
    at = {part: middle(parsing, part) for part in MeshParsing.tells[1:] if part != "mouth"}
    for side in ("left", "right"):
        assert at[f"{side}_brow"][1] < at[f"{side}_eye"][1] < at["nose"][1] < at["upper_lip"][1] < at["lower_lip"][1]
    assert at["right_eye"][0] < at["nose"][0] < at["left_eye"][0], "the subject's own left is the image's right"
    assert shown(parsing) > 0.9
    assert not parsing.parts[~parsing.hull].any()


def test_what_hides_the_face_in_another_colour_is_not_parsed_as_face(seen: Seen) -> None:
    frame, face, mesh = seen
    parsing = parsed(frame, face, mesh)
    rows, columns = np.nonzero(parsing.hull)
    forehead = int(np.percentile(rows, 30))
    hidden = frame.copy()
    x0, y0 = parsing.region[:2]
    hidden[y0 : y0 + forehead, x0 + columns.min() : x0 + columns.max()] = (40, 70, 160)
    after = parsed(hidden, face, mesh)
    assert shown(parsing) - shown(after) == pytest.approx(0.3 * 0.85, abs=0.1), "brows are known by their place alone"


def test_a_face_that_the_frame_cuts_off_is_seen_in_part(seen: Seen) -> None:
    frame, face, mesh = seen
    middle_x = int(mesh.points[:, 0].mean())
    half = parsed(np.ascontiguousarray(frame[:, :middle_x]), face, mesh)
    assert shown(half) == pytest.approx(0.5, abs=0.1)


def test_without_a_mesh_only_skin_is_told(seen: Seen) -> None:
    frame, face, _ = seen
    parsing = parsed(frame, face, None)
    assert set(np.unique(parsing.parts)) == {0, FACE_PARTS.index("skin")}
    assert 0.6 < shown(parsing) < 1
