import numpy as np
import numpy.typing as npt
import pytest

from actor18m.media.geometry import (
    body_yaw_deg,
    cut_out,
    head_angles_deg,
    nodded,
    put_back,
    square_around,
    wrapped_deg,
)


def turned(yaw: float, pitch: float, roll: float) -> npt.NDArray[np.float64]:
    """How a head that faces the camera is turned: x to the image's right, y up, z to the camera."""
    a, b, c = np.radians([yaw, -pitch, -roll])
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    about_z = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z)


def test_turning_to_the_own_left_points_the_nose_to_the_image_right_and_is_positive() -> None:
    assert (turned(40, 0, 0) @ [0, 0, 1])[0] > 0
    assert (turned(0, 30, 0) @ [0, 0, 1])[1] > 0, "looking up"
    assert (turned(0, 0, 20) @ [0, 1, 0])[0] > 0, "leaning to the own left shoulder"


@pytest.mark.parametrize("angles", [(0, 0, 0), (40, 0, 0), (-75, 20, 0), (10, -35, 25), (150, 5, -10)])
def test_head_angles_are_those_it_was_turned_by(angles: tuple[float, float, float]) -> None:
    assert head_angles_deg(turned(*angles)) == pytest.approx(angles, abs=1e-6)


def test_a_nod_is_about_the_ears_however_the_head_is_turned() -> None:
    assert head_angles_deg(nodded(10)) == pytest.approx((0, 10, 0))
    assert head_angles_deg(turned(50, -20, 0) @ nodded(10)) == pytest.approx((50, -10, 0))
    on_its_side = turned(0, 0, 90) @ nodded(10)
    assert head_angles_deg(on_its_side)[:2] == pytest.approx((10, 0)), "lying on the left ear, up is the image's right"


@pytest.mark.parametrize(
    ("to_left", "yaw"), [((1, 0, 0), 0), ((0, 0, 1), 90), ((-1, 0, 0), 180), ((0, 0, -1), -90), ((1, 0.5, 1), 45)]
)
def test_body_yaw_grows_as_the_left_shoulder_goes_back(to_left: tuple[float, float, float], yaw: float) -> None:
    assert body_yaw_deg(np.array([to_left])) == pytest.approx(yaw)


def test_shoulders_and_hips_count_alike_across_the_seam_behind() -> None:
    wide_shoulders, hips = [-4.0, 0.0, 4 * np.tan(np.radians(10))], [-0.1, 0.0, -0.1 * np.tan(np.radians(10))]
    assert abs(body_yaw_deg(np.array([wide_shoulders, hips]))) == pytest.approx(180)


@pytest.mark.parametrize(("angle", "same"), [(180, 180), (-180, 180), (190, -170), (540, 180), (-1, -1)])
def test_angles_wrap_to_the_half_open_circle(angle: float, same: float) -> None:
    assert wrapped_deg(angle) == same


def test_what_is_cut_out_beyond_the_edge_is_black_and_goes_back_to_its_place() -> None:
    frame = np.arange(4 * 5 * 3, dtype=np.uint8).reshape(4, 5, 3) + 1
    region = -2, 1, 3, 6
    part = cut_out(frame, region)
    assert part.shape == (5, 5, 3)
    assert not part[:, :2].any()
    assert not part[3:].any()
    back = put_back(part[:, :, 0] % 2 == 1, region, 4, 5)
    assert np.array_equal(back[1:, :3], frame[1:, :3, 0] % 2 == 1)
    assert not back[0].any()
    assert not back[:, 3:].any()


def test_a_square_keeps_the_centre_and_the_longer_side() -> None:
    assert square_around((10, 10, 20, 30), 2.0) == (-5, 0, 35, 40)
