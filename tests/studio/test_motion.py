"""Poses and their truth, without drawing: anny's body is enough."""

import numpy as np
import pytest

pytest.importorskip("anny", reason="the studio needs the extra 'actors'")

from actor18m.samples.truth import KEYPOINTS
from studio.actor import Actor, draw_actor
from studio.anatomy import face_pitch_deg, parts
from studio.body import Shape, mesh
from studio.camera import Camera
from studio.motion import EXPRESSIONS, SOLE_M, STRIDE_M, Moment, Performance, express, perform
from studio.witness import body_yaw, head_angles

FRONT = Camera(position=(0.0, -4.0, 1.5), target=(0.0, 0.0, 1.5), fov_deg=30.0)


@pytest.fixture(scope="module")
def actor() -> Actor:
    return draw_actor(5)


def on_screen(performance: Performance, name: str) -> list[float]:
    """x and y in pixels and the distance in metres."""
    at: list[float] = FRONT.project(performance.keypoints, 960, 540)[KEYPOINTS.index(name)].tolist()
    return at


def test_an_actor_who_turns_to_her_own_left_has_growing_yaw_and_points_to_the_image_s_right(actor: Actor) -> None:
    ahead, left = perform(actor, Moment()), perform(actor, Moment(heading_deg=40))
    # Facing the camera, her left shoulder is on the image's right.
    assert on_screen(ahead, "left_shoulder")[0] > on_screen(ahead, "right_shoulder")[0] + 20
    assert abs(body_yaw(FRONT, ahead)) < 1
    assert body_yaw(FRONT, left) == pytest.approx(40, abs=1)
    nose = on_screen(left, "nose")[0] - on_screen(left, "left_shoulder")[0]
    assert nose > on_screen(ahead, "nose")[0] - on_screen(ahead, "left_shoulder")[0] + 10
    # Her right shoulder came forward, towards the camera.
    assert on_screen(left, "right_shoulder")[2] < on_screen(left, "left_shoulder")[2] - 0.1


def test_a_head_turned_to_its_own_left_points_to_the_image_s_right(actor: Actor) -> None:
    turned = perform(actor, Moment(head_yaw_deg=50))
    yaw, pitch, roll = head_angles(FRONT, turned)
    assert yaw == pytest.approx(50, abs=2)
    assert pitch == pytest.approx(face_pitch_deg(actor.shape), abs=3)
    assert abs(roll) < 3
    assert abs(body_yaw(FRONT, turned)) < 1
    assert on_screen(turned, "nose")[0] > on_screen(perform(actor, Moment()), "nose")[0] + 10


def test_a_head_that_looks_up_has_positive_pitch_and_a_higher_nose(actor: Actor) -> None:
    up, ahead = perform(actor, Moment(head_pitch_deg=25)), perform(actor, Moment())
    assert head_angles(FRONT, up)[1] - head_angles(FRONT, ahead)[1] == pytest.approx(25, abs=2)
    nose_above_ears = [on_screen(p, "left_ear")[1] - on_screen(p, "nose")[1] for p in (ahead, up)]
    assert nose_above_ears[1] > nose_above_ears[0] + 5


def test_a_head_leaning_to_its_own_left_has_positive_roll(actor: Actor) -> None:
    leaning = perform(actor, Moment(head_roll_deg=20))
    assert head_angles(FRONT, leaning)[2] == pytest.approx(20, abs=2)
    assert on_screen(leaning, "left_eye")[1] > on_screen(leaning, "right_eye")[1] + 2


def test_yaw_is_measured_from_where_the_camera_stands(actor: Actor) -> None:
    aside = Camera(position=(4.0, 0.0, 1.5), target=(0.0, 0.0, 1.5), fov_deg=30.0)
    ahead = perform(actor, Moment())
    # The camera stands on her left: to face it she would have to turn left, so she looks to her right of it.
    assert body_yaw(aside, ahead) == pytest.approx(-90, abs=1)
    assert head_angles(aside, ahead)[0] == pytest.approx(-90, abs=2)


def test_feet_stay_on_the_floor_through_a_stride(actor: Actor) -> None:
    feet = np.unique(mesh().corner_vertex[parts()["feet"]])
    for share in np.linspace(0, 1, 9):
        moment = Moment(walked_m=share * STRIDE_M, stepping=1.0, heading_deg=37.0)
        assert perform(actor, moment).posed.positions[feet, 2].min() == pytest.approx(SOLE_M, abs=1e-4)


def test_walking_moves_the_legs_in_turn(actor: Actor) -> None:
    first, second = (perform(actor, Moment(walked_m=w, stepping=1.0)).keypoints for w in (0.0, STRIDE_M / 2))
    left, right = KEYPOINTS.index("left_ankle"), KEYPOINTS.index("right_ankle")
    assert first[left, 1] < first[right, 1] - 0.3  # the left foot is in front: towards -y
    assert second[right, 1] < second[left, 1] - 0.3


@pytest.mark.parametrize("name", [e for e in EXPRESSIONS if e != "neutral"])
def test_each_expression_moves_the_face_and_nothing_but_the_face(name: str, actor: Actor) -> None:
    moved = perform(actor, Moment(face=express(name))).posed.positions - perform(actor, Moment()).posed.positions
    distance = np.linalg.norm(moved, axis=1)
    assert 0.002 < distance.max() < 0.05
    below_neck = mesh().template[:, 2] < 0.6
    assert distance[below_neck].max() < 1e-5


def test_the_same_seed_is_the_same_person_and_another_seed_is_not(actor: Actor) -> None:
    again, other = draw_actor(5), draw_actor(6)
    assert np.array_equal(again.shape.vertices, actor.shape.vertices)
    assert np.array_equal(again.outfit.top_fabric, actor.outfit.top_fabric)
    assert again.look.hair_style == actor.look.hair_style
    assert np.abs(other.shape.vertices - actor.shape.vertices).max() > 0.01


def test_left_and_right_of_a_face_are_drawn_in_pairs(actor: Actor) -> None:
    mirrored = actor.shape.vertices * np.array([-1, 1, 1], np.float32)
    from scipy.spatial import cKDTree

    head = mesh().template[:, 2] > 0.78
    distance, _ = cKDTree(mirrored[head]).query(actor.shape.vertices[head])
    assert np.quantile(distance, 0.99) < 0.004


@pytest.mark.parametrize("up_deg", [0.0, 7.0, -4.0])
def test_a_face_that_looks_up_by_its_shape_is_told_as_one_that_does(up_deg: float) -> None:
    average = mesh().template
    cosine, sine = np.cos(np.radians(up_deg)), np.sin(np.radians(up_deg))
    x, y, z = average.T
    turned = np.stack([x, cosine * y + sine * z, cosine * z - sine * y], axis=1).astype(np.float32)
    # Size does not matter.
    assert face_pitch_deg(Shape(1.2 * turned, average[:1], average[None])) == pytest.approx(up_deg, abs=0.01)
