import cv2
import numpy as np

from actor18m.models.lucas_kanade import LucasKanade
from actor18m.models.roles import Frame


def texture(height: int, width: int, seed: int) -> Frame:
    noise = np.random.default_rng(seed).integers(0, 256, (height // 8, width // 8, 3), dtype=np.uint8)
    return np.asarray(cv2.resize(noise, (width, height), interpolation=cv2.INTER_CUBIC), dtype=np.uint8)


def test_points_go_where_the_picture_goes() -> None:
    scene = texture(400, 800, 1)
    tracker = LucasKanade.load()
    points = tracker.seed(scene, (100, 100, 600, 300), 50)
    assert 20 < len(points) <= 50
    assert ((points >= (95, 95)) & (points <= (605, 305))).all()
    there, seen = tracker.follow(scene, np.roll(scene, (6, 15), axis=(0, 1)), points)
    assert seen.mean() > 0.9
    assert np.abs(there[seen] - points[seen] - (15, 6)).max() < 1.5


def test_points_that_something_covers_are_lost() -> None:
    scene = texture(400, 800, 1)
    covered = scene.copy()
    covered[:, 300:500] = texture(400, 200, 2)
    tracker = LucasKanade.load()
    points = tracker.seed(scene, (0, 0, 800, 400), 200)
    _, seen = tracker.follow(scene, covered, points)
    under = (points[:, 0] > 310) & (points[:, 0] < 490)
    assert seen[under].mean() < 0.2
    assert seen[(points[:, 0] < 270) | (points[:, 0] > 530)].mean() > 0.95


def test_a_plain_picture_has_no_points() -> None:
    grey = np.full((90, 160, 3), 127, dtype=np.uint8)
    tracker = LucasKanade.load()
    points = tracker.seed(grey, (0, 0, 160, 90), 10)
    assert len(points) == 0
    assert [len(each) for each in tracker.follow(grey, grey, points)] == [0, 0]
