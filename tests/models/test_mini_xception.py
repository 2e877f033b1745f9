from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.models.backends import load
from actor18m.models.centerface import CenterFace
from actor18m.models.mediapipe_face import MediaPipeFace
from actor18m.models.mini_xception import MiniXception
from actor18m.models.roles import EXPRESSIONS, Face, Mesh
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth
from actor18m.stage import Row
from stages.faces import Faces
from tests.stages.test_faces import clip, true


@pytest.fixture(scope="module")
def reader(pulled: Callable[..., None]) -> MiniXception:
    pulled("centerface", "mediapipe-face", "mini-xception")
    return MiniXception.load()


@pytest.fixture(scope="module")
def angry() -> tuple[Frame, Face]:
    """A frame in which the first sample of expressions is angry, and the face in it."""
    shown = Truth.read(SHIPPED / "expressions_1.json").actors[0].expression
    first, last = shown.index("anger"), len(shown) - 1 - shown[::-1].index("anger")
    cut = (first + last) // 2, (first + last) // 2 + 1
    _, frame = next(frames(canonical_uri(SHIPPED / "expressions_1.mp4"), cut=cut))
    return frame, CenterFace.load().detect([frame])[0][0]


def test_it_tells_seven_of_the_eight_expressions() -> None:
    assert set(EXPRESSIONS) - set(MiniXception.tells) == {"contempt"}


def test_anger_is_read_and_shares_add_up(reader: MiniXception, angry: tuple[Frame, Face]) -> None:
    frame, face = angry
    meshes = MediaPipeFace.load().mesh([frame], [face.box])
    (likely,) = reader.read([frame], [face], meshes)
    assert max(likely, key=lambda name: likely[name]) == "anger"
    assert sum(likely.values()) == pytest.approx(1)
    assert [likely] == reader.read([frame], [face], MediaPipeFace.load().mesh([frame], [face.box]))


def test_a_head_on_its_side_is_read_as_if_it_were_upright(reader: MiniXception, angry: tuple[Frame, Face]) -> None:
    frame, face = angry
    mesh = MediaPipeFace.load()
    (x0, y0, x1, y1), height = face.box, frame.shape[0]
    lying = np.ascontiguousarray(np.rot90(frame, k=-1))
    turned = Face((height - y1, x0, height - y0, x1), face.score, face.points)
    upright, on_its_side = mesh.mesh([frame, lying], [face.box, turned.box])
    assert upright is not None
    assert on_its_side is not None
    expected, found = reader.read([frame, lying], [face, turned], [upright, on_its_side])
    assert max(found, key=lambda name: found[name]) == "anger"
    assert max(abs(expected[name] - found[name]) for name in expected) < 0.2


def test_a_face_is_read_where_it_is_with_a_mesh_and_without(reader: MiniXception, angry: tuple[Frame, Face]) -> None:
    """The picture is moved, more to the right than down, and nothing else of it changes."""
    frame, face = angry
    (mesh,) = MediaPipeFace.load().mesh([frame], [face.box])
    assert mesh is not None
    (x0, y0, x1, y1), by = face.box, np.array([96, 16], np.float32)
    there = Face((x0 + 96, y0 + 16, x1 + 96, y1 + 16), face.score, face.points + by)
    moved = Mesh(mesh.points + np.append(by, 0), mesh.five_points + by, mesh.blendshapes, 0.0, 0.0, 0.0)
    beside = np.roll(frame, (16, 96), axis=(0, 1))
    told = reader.read([frame, beside] * 2, [face, there] * 2, [mesh, moved, None, None])
    for one, other in (told[:2], told[2:]):
        assert max(abs(one[name] - other[name]) for name in one) < 0.02


def test_anger_in_a_clip_is_told_by_its_stage(reader: MiniXception) -> None:
    """Of the samples in which it is shown; of the others it is not told where the person is."""
    for_others = {"faces": "centerface", "mesh": "mediapipe-face", "parsing": "mesh-parsing"}
    stage = Faces(expression=reader, **{role: load(name) for role, name in for_others.items()})
    whole = clip("expressions_1")
    motion: dict[str, Any] = {**whole.upstream["motion"]}
    shown = [actor.expression[at] for actor, at in (true("expressions_1", n) for n in range(len(motion["subject"])))]
    motion["subject"] = [box if name == "anger" else None for box, name in zip(motion["subject"], shown, strict=True)]
    (row,) = stage.measure([replace(whole, upstream={"motion": motion})])
    assert isinstance(row, Row)
    assert Faces.writes.table([row], {row.key: ""}).num_rows == 1
    told: Any = row.values["faces"]
    assert len(told) == shown.count("anger") > 3
    assert sum(face["expression"] == "anger" for face in told) > len(told) / 2
    assert all(1 / 7 < face["expression_score"] <= 1 for face in told)
