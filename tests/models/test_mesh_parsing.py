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
def seen(pulled: Callable[..., None]) -> Seen:
    pulled("centerface", "mediapipe-face")
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
    for pair in ("eye", "brow"):
        right, left = (at[f"{side}_{pair}"][0] for side in ("right", "left"))
        assert right < at["nose"][0] < left, "the subject's own left is the image's right"
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


def test_red_counts_for_more_than_blue_in_what_is_skin(seen: Seen) -> None:
    """By a little: 27 levels less of red are another colour, and 27 less of blue are not yet."""
    _, face, mesh = seen
    for without, is_skin in (((27, 0, 0), False), ((0, 0, 27), True)):
        flat = np.full((540, 960, 3), (200, 150, 140), np.uint8)
        parsing = parsed(flat, face, mesh)
        x0, y0 = parsing.region[:2]
        x, y = map(round, middle(parsing, "nose"))
        flat[y0 : y0 + y, x0 : x0 + x] -= np.array(without, np.uint8)
        after = parsed(flat, face, mesh).parts[:y, :x]
        skin = (parsing.parts == FACE_PARTS.index("skin"))[:y, :x]
        assert skin.sum() > 100
        assert (after[skin] == FACE_PARTS.index("skin")).all() == is_skin
        assert (after[skin] > 0).any() == is_skin


def test_parts_move_with_the_face_and_each_face_has_its_own(seen: Seen) -> None:
    """Beside a face that is brought to the right, and hardly down, by less than it is broad."""
    frame, face, mesh = seen
    across, down = 140, 10
    there = np.roll(frame, (down, across), axis=(0, 1))
    (x0, y0, x1, y1), by = face.box, np.array([across, down], np.float32)
    other = Face((x0 + across, y0 + down, x1 + across, y1 + down), face.score, face.points + by)
    moved = Mesh(mesh.points + np.append(by, 0).astype(np.float32), mesh.five_points + by, mesh.blendshapes, 0, 0, 0)
    here, beside, bare, bare_beside = MeshParsing().parse(
        [frame, there] * 2, [face, other] * 2, [mesh, moved, None, None]
    )
    assert np.subtract(beside.region, here.region).tolist() == [across, down] * 2
    assert np.subtract(bare_beside.region, bare.region).tolist() == [across, down] * 2
    for one, two in ((here, beside), (bare, bare_beside)):
        assert np.array_equal(one.parts, two.parts)
        assert np.array_equal(one.hull, two.hull)
    alone = parsed(there, other, moved)
    assert np.array_equal(alone.parts, beside.parts)


def test_where_the_frame_ends_below_and_at_the_right_nothing_is_parsed(seen: Seen) -> None:
    """As much of it is kept to the right of the face's middle as below it, which is not so many rows and columns."""
    frame, face, mesh = seen
    x, y = (int(value) for value in mesh.points[:, :2].mean(axis=0))
    for kept in (frame[: y + 20], frame[:, : x + 20]):
        parsing = parsed(np.ascontiguousarray(kept), face, mesh)
        rows, columns = np.nonzero(parsing.parts)
        at = rows.max() + parsing.region[1], columns.max() + parsing.region[0]
        assert (at[0] < kept.shape[0], at[1] < kept.shape[1]) == (True, True)
        assert max(at[0] - kept.shape[0], at[1] - kept.shape[1]) == -1, "up to its edge"


def test_a_face_that_the_frame_cuts_off_is_seen_in_part(seen: Seen) -> None:
    frame, face, mesh = seen
    middle_x = int(mesh.points[:, 0].mean())
    half = parsed(np.ascontiguousarray(frame[:, :middle_x]), face, mesh)
    assert shown(half) == pytest.approx(0.5, abs=0.1)


def test_without_a_mesh_only_skin_is_told(seen: Seen) -> None:
    frame, face, _ = seen
    parsing = parsed(frame, face, None)
    assert set(np.unique(parsing.parts)) == {0, FACE_PARTS.index("skin")}
    rows, columns = np.nonzero(parsing.hull)
    x0, y0, x1, y1 = face.box
    assert y1 - y0 > 1.1 * (x1 - x0), "a face is higher than broad"
    assert (np.ptp(columns), np.ptp(rows)) == pytest.approx((x1 - x0, y1 - y0), abs=3)
    assert 0.6 < shown(parsing) < 1
