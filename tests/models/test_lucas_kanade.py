import cv2
import numpy as np

from actor18m.arrays import Frame
from actor18m.models.lucas_kanade import LucasKanade


def texture(height: int, width: int, seed: int) -> Frame:
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def test_points_go_where_the_picture_goes() -> None:
    scene = texture(400, 800, 1)
    tracker = LucasKanade.load()
    (points,) = tracker.seed([scene], [(100, 100, 600, 300)], 50)
    assert 20 < len(points) <= 50
    assert ((points >= (95, 95)) & (points <= (605, 305))).all()
    window = [np.roll(scene, (6 * step, 15 * step), axis=(0, 1)) for step in range(4)]
    there, seen = tracker.track(window, points)
    assert there.shape == (4, len(points), 2)
    assert np.array_equal(there[0], points)
    assert seen[0].all()
    for step in range(1, 4):
        assert seen[step].mean() > 0.9
        moved = there[step] - points - (15 * step, 6 * step)
        assert np.abs(moved[seen[step]]).max() < 1.5


def test_corners_are_looked_for_in_the_brightness_that_an_eye_sees() -> None:
    """A pattern in red is two and a half times as bright as the same in blue."""
    pattern, scene = texture(200, 200, 1)[..., 0], np.zeros((200, 400, 3), np.uint8)
    pattern[:, :20] = pattern[:, -20:] = 0
    scene[:, :200, 0] = scene[:, 200:, 2] = pattern
    tracker = LucasKanade.load()
    (points,) = tracker.seed([scene], [(0, 0, 400, 200)], 40)
    assert (points[:, 0] < 200).mean() > 0.8, "most are in the red half"
    (points,) = tracker.seed([scene[..., ::-1].copy()], [(0, 0, 400, 200)], 40)
    assert (points[:, 0] > 200).mean() > 0.8


def test_a_box_is_of_columns_and_rows_and_each_frame_has_its_own() -> None:
    """In a picture that is broader than high, boxes that would hold nothing of it with x for y."""
    scenes = [texture(240, 640, seed) for seed in (1, 2)]
    boxes = [(400.0, 20.0, 600.0, 220.0), (300.0, 100.0, 620.0, 140.0)]
    tracker = LucasKanade.load()
    together = tracker.seed(scenes, boxes, 30)
    for scene, box, points in zip(scenes, boxes, together, strict=True):
        assert len(points) > 10
        assert ((points >= box[:2]) & (points <= box[2:])).all()
        assert np.array_equal(tracker.seed([scene], [box], 30)[0], points)


def test_points_that_something_covers_are_lost() -> None:
    scene = texture(400, 800, 1)
    covered = scene.copy()
    covered[:, 300:500] = texture(400, 200, 2)
    tracker = LucasKanade.load()
    (points,) = tracker.seed([scene], [(0, 0, 800, 400)], 200)
    seen = tracker.track([scene, covered], points)[1][1]
    under = (points[:, 0] > 310) & (points[:, 0] < 490)
    assert seen[under].mean() < 0.2
    assert seen[(points[:, 0] < 270) | (points[:, 0] > 530)].mean() > 0.95


def test_a_plain_picture_has_no_points() -> None:
    grey = np.full((90, 160, 3), 127, dtype=np.uint8)
    tracker = LucasKanade.load()
    (points,) = tracker.seed([grey], [(0, 0, 160, 90)], 10)
    assert len(points) == 0
    there, seen = tracker.track([grey, grey], points)
    assert (there.shape, seen.shape) == ((2, 0, 2), (2, 0))


def test_a_point_that_was_lost_once_stays_lost() -> None:
    """Whatever is followed from there on may be something else. Here the light goes, and stays away."""
    scene = texture(400, 800, 1)
    dark = scene // 4
    tracker = LucasKanade.load()
    (points,) = tracker.seed([scene], [(0, 0, 800, 400)], 200)
    lost = ~tracker.track([scene, dark], points)[1][1]
    assert lost.mean() > 0.9
    assert tracker.track([dark, dark], points)[1][1][lost].mean() > 0.9, "in the dark they could be followed"
    assert not tracker.track([scene, dark, dark], points)[1][2][lost].any()
