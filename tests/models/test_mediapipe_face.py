from collections.abc import Callable

import numpy as np
import pytest

from actor18m.arrays import Frame
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.models.centerface import CenterFace
from actor18m.models.mediapipe_face import MediaPipeFace
from actor18m.models.roles import Mesh
from actor18m.samples.shipped import SHIPPED

Views = dict[str, list[tuple[str, Frame]]]


@pytest.fixture(scope="module")
def meshes(pulled: Callable[..., None], face_views: Views) -> dict[str, list[Mesh | None]]:
    """Of every picture in which the detector sees a face."""
    pulled("centerface", "mediapipe-face")
    detector, model = CenterFace.load(), MediaPipeFace.load()
    return {
        view: [
            model.mesh([picture], [faces[0].box])[0]
            for _, picture in pictures
            if (faces := detector.detect([picture])[0])
        ]
        for view, pictures in face_views.items()
    }


def seen(meshes: dict[str, list[Mesh | None]], view: str) -> list[Mesh]:
    return [mesh for mesh in meshes[view] if mesh]


def test_every_frontal_face_has_a_mesh_and_angles_near_zero(meshes: dict[str, list[Mesh | None]]) -> None:
    assert len(seen(meshes, "front")) == len(meshes["front"])
    assert np.median([abs(m.yaw_deg) for m in seen(meshes, "front")]) < 5
    assert max(abs(m.roll_deg) for m in seen(meshes, "front")) < 12


def test_yaw_is_positive_when_the_nose_points_to_the_image_right(meshes: dict[str, list[Mesh | None]]) -> None:
    rights, lefts = seen(meshes, "image_right"), seen(meshes, "image_left")
    assert len(rights) >= 15
    assert len(lefts) >= 4, "profiles are often missed, but not always"
    assert min(m.yaw_deg for m in rights) > 15
    assert max(m.yaw_deg for m in lefts) < -15


def test_pitch_is_positive_when_they_look_up(meshes: dict[str, list[Mesh | None]]) -> None:
    assert min(m.pitch_deg for m in seen(meshes, "up")) > 10
    assert np.median([m.pitch_deg for m in seen(meshes, "up")]) > 25


def test_roll_is_positive_when_the_head_leans_to_its_own_left_shoulder(
    pulled: Callable[..., None], face_views: Views
) -> None:
    pulled("mediapipe-face")
    _, picture = face_views["front"][0]
    large = np.ascontiguousarray(picture.repeat(4, axis=0).repeat(4, axis=1))
    side = min(large.shape[:2])
    square = np.ascontiguousarray(large[:side, :side])
    model, middle = MediaPipeFace.load(), (0.3 * side, 0.3 * side, 0.7 * side, 0.7 * side)  # all of it is looked at
    upright, on_its_side = model.mesh([square, np.ascontiguousarray(np.rot90(square, k=-1))], [middle, middle])
    assert upright is not None
    assert on_its_side is not None, "np.rot90(k=-1) lays the top of the head to the image's right"
    assert on_its_side.roll_deg - upright.roll_deg == pytest.approx(90, abs=10)


def test_points_lie_on_the_face_and_blendshapes_are_shares(pulled: Callable[..., None], face_views: Views) -> None:
    pulled("centerface", "mediapipe-face")
    detector, model = CenterFace.load(), MediaPipeFace.load()
    _, picture = face_views["front"][0]
    face = detector.detect([picture])[0][0]
    mesh = model.mesh([picture], [face.box])[0]
    assert mesh is not None
    x0, y0, x1, _ = face.box
    width = x1 - x0
    assert mesh.points.shape == (478, 3)
    assert np.linalg.norm(mesh.points[1, :2] - face.points[2]) < 0.2 * width, "the tip of the nose"
    assert ((mesh.points[:, :2] > (x0 - 0.3 * width, y0 - 0.3 * width)).all(axis=1)).mean() > 0.95
    assert all(0 <= share <= 1 for share in mesh.blendshapes.values())
    assert "jawOpen" in mesh.blendshapes


def test_its_five_points_are_a_detectors_in_the_same_order(pulled: Callable[..., None]) -> None:
    """The subject's right before their left."""
    pulled("centerface", "mediapipe-face")
    _, frame = next(frames(canonical_uri(SHIPPED / "one_second_1.mp4")))
    face = CenterFace.load().detect([frame])[0][0]
    (mesh,) = MediaPipeFace.load().mesh([frame], [face.box])
    assert mesh is not None
    width = face.box[2] - face.box[0]
    assert np.linalg.norm(mesh.five_points - face.points, axis=1).max() < 0.15 * width
    assert face.points[1, 0] - face.points[0, 0] > 0.3 * width


def test_no_mesh_where_there_is_no_face(pulled: Callable[..., None]) -> None:
    pulled("mediapipe-face")
    assert MediaPipeFace.load().mesh([np.full((120, 160, 3), 90, dtype=np.uint8)], [(40, 20, 100, 90)])[0] is None
