from collections.abc import Callable

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.models.centerface import CenterFace
from actor18m.models.mediapipe_face import MediaPipeFace
from actor18m.models.mini_xception import MiniXception
from actor18m.models.roles import EXPRESSIONS, Face
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth


@pytest.fixture(scope="module")
def reader(pulled: Callable[[str], None]) -> MiniXception:
    for model in ("centerface", "mediapipe-face", "mini-xception"):
        pulled(model)
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
