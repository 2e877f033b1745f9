"""A ball with a map on it, that is turned: where everything must come to lie is known."""

import numpy as np
import pytest

from actor18m.arrays import Bools, Floats, Frame
from stages.looks.turned import between_deg, turned

SIDE, RADIUS = 240, 70.0
AHEAD = (0.0, 0.0, 0.0)
DEPTH = 1.3
"""What a mesh tells too little of: the ball's points have so much less."""


def surface() -> Floats:
    """float32[N, 3]: points of the half that faces the camera, a little more than that of a face's mesh."""
    angles = np.radians(np.linspace(-75, 75, 21))
    up, right = np.meshgrid(angles, angles)
    x, y = np.sin(right) * np.cos(up), np.sin(up)
    z = -np.cos(right) * np.cos(up)
    points = np.stack([x, y, z / DEPTH], axis=-1).reshape(-1, 3) * RADIUS
    return np.asarray(points + np.array([SIDE / 2, SIDE / 2, 0]), np.float32)


def ball(yaw_deg: float = 0.0, pitch_deg: float = 0.0) -> tuple[Frame, Bools]:
    """Each place in the colour of where on the ball it is, in front of grey; the ball turned by so much."""
    y, x = (np.mgrid[:SIDE, :SIDE] - SIDE / 2) / RADIUS
    inside = x**2 + y**2 < 1
    z = -np.sqrt(np.clip(1 - x**2 - y**2, 0, None))
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    # back to where it was: x to the right, y down, z away; who turns to their own left turns to the image's right
    x, z = x * np.cos(yaw) + z * np.sin(yaw), -x * np.sin(yaw) + z * np.cos(yaw)
    y, z = y * np.cos(pitch) - z * np.sin(pitch), y * np.sin(pitch) + z * np.cos(pitch)
    colours = np.stack([x, y, z], axis=-1) * 100 + 128
    return np.where(inside[..., None], colours, 128).astype(np.uint8), inside


@pytest.mark.parametrize(("yaw", "pitch"), [(20, 0), (-20, 0), (0, 20), (0, -20), (10, 10)])
def test_each_place_comes_to_lie_where_it_must(yaw: float, pitch: float) -> None:
    picture, mask = ball()
    found = turned(picture, mask, surface(), AHEAD, (yaw, pitch, 0.0))
    true, _ = ball(yaw, pitch)
    middle = np.s_[SIDE // 2 - 40 : SIDE // 2 + 40, SIDE // 2 - 40 : SIDE // 2 + 40]
    apart = np.abs(found.picture[middle].astype(int) - true[middle])
    unturned = np.abs(picture[middle].astype(int) - true[middle])
    # a pivot that lies before the ball's middle shifts it by a few pixels
    assert apart.mean() < 0.35 * unturned.mean()


def test_a_turn_there_and_none_leaves_the_face_as_it_is() -> None:
    picture, mask = ball()
    found = turned(picture, mask, surface(), (5.0, 3.0, 1.0), (5.0, 3.0, 1.0))
    assert np.abs(found.picture.astype(int) - picture).mean() < 1
    assert (found.mask == mask).mean() > 0.995
    assert found.unseen_share < 0.02


def test_more_is_unseen_the_farther_it_turns() -> None:
    picture, mask = ball()
    shares = [turned(picture, mask, surface(), AHEAD, (yaw, 0.0, 0.0)).unseen_share for yaw in (0, 15, 30, 45)]
    assert shares == sorted(shares)
    assert shares[0] < 0.02
    assert shares[-1] > 0.05


def test_far_from_the_face_nothing_moves() -> None:
    picture, mask = ball()
    found = turned(picture, mask, surface(), AHEAD, (30.0, 0.0, 0.0))
    assert (found.picture[:10] == picture[:10]).all()
    assert (found.picture[:, -10:] == picture[:, -10:]).all()


def test_the_same_picture_is_turned_to_the_same_bytes() -> None:
    picture, mask = ball()
    once, again = (turned(picture, mask, surface(), AHEAD, (25.0, -5.0, 0.0)) for _ in range(2))
    assert (once.picture == again.picture).all()
    assert once.unseen_share == again.unseen_share


def test_how_far_two_looks_are_apart() -> None:
    assert between_deg(AHEAD, (30.0, 0.0, 0.0)) == pytest.approx(30)
    assert between_deg((10.0, 20.0, 0.0), (10.0, -15.0, 0.0)) == pytest.approx(35)
    assert between_deg((10.0, 20.0, 5.0), (10.0, 20.0, 5.0)) == pytest.approx(0, abs=1e-4)
