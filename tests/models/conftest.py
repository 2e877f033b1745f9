"""Real weights and real pictures; a test that needs what cannot be had is skipped and says so."""

import csv
from pathlib import Path

import cv2
import numpy as np
import pytest

from actor18m.arrays import Frame


def read_rgb(path: Path) -> Frame:
    image = cv2.imread(str(path))
    assert image is not None, path
    return np.ascontiguousarray(image[:, :, ::-1], dtype=np.uint8)


@pytest.fixture(scope="session")
def face_views(footage: Path) -> dict[str, list[tuple[str, Frame]]]:
    """Pictures of ten people as (person, uint8[H, W, 3]), by where the nose points: front, image_left, ..."""
    views: dict[str, list[tuple[str, Frame]]] = {}
    with (footage / "labels" / "face_view.tsv").open() as lines:
        for row in csv.DictReader(lines, delimiter="\t"):
            picture = read_rgb(footage / row["file"])
            views.setdefault(row["nose_points_to"], []).append((row["file"].split("/")[1], picture))
    return views


@pytest.fixture(scope="session")
def body_views(footage: Path) -> list[Frame]:
    """A body seen in eight steps of 45 degrees; it turns to its own left."""
    return [read_rgb(footage / "bodyviews" / f"oct_{i:04d}.png") for i in range(8)]
