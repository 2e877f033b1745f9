from collections.abc import Callable, Mapping

import pytest

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames_at
from actor18m.models.blendshape_expression import BlendshapeExpression
from actor18m.models.centerface import CenterFace
from actor18m.models.mediapipe_face import MediaPipeFace
from actor18m.models.roles import EXPRESSIONS, Face, Mesh
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Truth

Seen = tuple[Frame, Face, Mesh]


@pytest.fixture(scope="module")
def seen(pulled: Callable[..., None]) -> Mapping[str, Seen]:
    """A face for each expression of a sample, halfway through it."""
    pulled("centerface", "mediapipe-face")
    truth = Truth.read(SHIPPED / "expressions_2.json")
    shown = truth.actors[0].expression
    at = {name: [i for i, each in enumerate(shown) if each == name] for name in EXPRESSIONS if name != "neutral"}
    middles = sorted((frames[len(frames) // 2], name) for name, frames in at.items())
    pictures = frames_at(canonical_uri(SHIPPED / "expressions_2.mp4"), [truth.times_s[i] for i, _ in middles])
    detector, mesh, found = CenterFace.load(), MediaPipeFace.load(), {}
    for (_, name), frame in zip(middles, pictures, strict=True):
        face = detector.detect([frame])[0][0]
        points = mesh.mesh([frame], [face.box])[0]
        assert points is not None
        found[name] = frame, face, points
    return found


def surest(likely: Mapping[str, float]) -> str:
    return max(likely, key=lambda name: likely[name])


def test_a_face_that_expresses_something_is_read(seen: Mapping[str, Seen]) -> None:
    reader = BlendshapeExpression.load()
    frames, faces, meshes = zip(*seen.values(), strict=True)
    read = dict(zip(seen, reader.read(frames, faces, meshes), strict=True))
    assert {name: surest(likely) for name, likely in read.items()} == {name: name for name in EXPRESSIONS[:7]}
    assert all(sum(likely.values()) == pytest.approx(1) for likely in read.values())


def test_a_face_that_does_nothing_is_neutral(seen: Mapping[str, Seen]) -> None:
    frame, face, mesh = seen["happiness"]
    still = Mesh(mesh.points, mesh.five_points, dict.fromkeys(mesh.blendshapes, 0.0), 0.0, 0.0, 0.0)
    assert BlendshapeExpression.load().read([frame], [face], [still])[0]["neutral"] == 1


@pytest.mark.parametrize(("lowered", "told"), [(0.6, "neutral"), (0.7, "anger")])
def test_brows_that_lie_low_or_move_in_talking_are_no_anger(
    lowered: float, told: str, seen: Mapping[str, Seen]
) -> None:
    """Real people who talk lower theirs by 0.62 at most."""
    frame, face, mesh = seen["happiness"]
    actions = dict.fromkeys(mesh.blendshapes, 0.0) | {"browDownLeft": lowered, "browDownRight": lowered}
    brows = Mesh(mesh.points, mesh.five_points, actions, 0.0, 0.0, 0.0)
    assert surest(BlendshapeExpression.load().read([frame], [face], [brows])[0]) == told


@pytest.mark.parametrize("side", ["Left", "Right"])
def test_a_smile_on_either_side_alone_is_contempt(side: str, seen: Mapping[str, Seen]) -> None:
    frame, face, mesh = seen["happiness"]
    actions = dict.fromkeys(mesh.blendshapes, 0.0) | {f"mouthSmile{side}": 0.5}
    smile = Mesh(mesh.points, mesh.five_points, actions, 0.0, 0.0, 0.0)
    assert surest(BlendshapeExpression.load().read([frame], [face], [smile])[0]) == "contempt"


def test_without_a_mesh_nothing_is_told(seen: Mapping[str, Seen]) -> None:
    frame, face, _ = seen["anger"]
    assert BlendshapeExpression.load().read([frame], [face], [None])[0] == {}
