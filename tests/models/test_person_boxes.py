"""Person boxes on real pictures: EfficientDet's beside those of a small real YOLOX, and beside a person's pixels."""

from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.inputs import canonical_uri
from actor18m.media.boxes import overlap
from actor18m.media.video import frames_at
from actor18m.models.efficientdet import EfficientDet
from actor18m.models.onnx_network import OnnxNetwork, OnnxParameters
from tests.models.conftest import read_rgb

SIDE, SURE, SAME = 416, 0.5, 0.5
ONE_PERSON = (
    "turn01_ubc_floral", "turn03_ubc_91BjuE6irxS", "part02_reddress", "part04_juggle", "single02_latentsync_woman",
    "single04_pexels_man", "single06_running", "single08_lp_s18", "single10_lp_s32", "single22_sky_man_sofa",
    "occ07_shh_finger", "turn05_iper_8fps",
)  # fmt: skip


class Yolox:
    """PersonDetector: YOLOX nano, of COCO, as its authors decode it."""

    def __init__(self, weights: Path) -> None:
        self._network = OnnxNetwork(weights / "yolox_nano.onnx", OnnxParameters(device="cpu"))
        cells = [(x, y, step) for step in (8, 16, 32) for y in range(SIDE // step) for x in range(SIDE // step)]
        self._cells = np.array(cells, np.float32)

    def people(self, frames: Sequence[Frame]) -> list[list[Box]]:
        return [self._people(frame) for frame in frames]

    def _people(self, frame: Frame) -> list[Box]:
        scale = SIDE / max(frame.shape[:2])
        small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_LINEAR)
        square = np.full((SIDE, SIDE, 3), 114, np.float32)
        square[: small.shape[0], : small.shape[1]] = small
        (told,) = self._network(np.ascontiguousarray(square[..., ::-1].transpose(2, 0, 1)[None]))
        middles = (told[0, :, :2] + self._cells[:, :2]) * self._cells[:, 2:]
        halves, scores = np.exp(told[0, :, 2:4]) * self._cells[:, 2:] / 2, told[0, :, 4] * told[0, :, 5]
        kept: list[Box] = []
        for at in np.argsort(-scores):
            box: Box = tuple((np.concatenate([middles[at] - halves[at], middles[at] + halves[at]]) / scale).tolist())
            if scores[at] >= SURE and all(overlap(box, other) < SAME for other in kept):
                kept.append(box)
        return kept


def _box_of(mask: Frame) -> Box:
    rows, columns = (np.flatnonzero(mask.max(axis=2).any(axis=axis)) for axis in (1, 0))
    return float(columns[0]), float(rows[0]), float(columns[-1] + 1), float(rows[-1] + 1)


@pytest.fixture
def told(weights: Path, pulled: Callable[..., None]) -> dict[str, Callable[[Sequence[Frame]], list[list[Box]]]]:
    pulled("efficientdet")
    detector = EfficientDet.load()
    return {
        "EfficientDet": lambda frames: [
            [person.box for person in people if person.score >= SURE] for people in detector.people(frames)
        ],
        "YOLOX": Yolox(weights).people,
    }


def test_a_body_from_eight_sides(
    told: dict[str, Callable[[Sequence[Frame]], list[list[Box]]]], body_views: list[Frame], footage: Path
) -> None:
    true = [_box_of(read_rgb(footage / "bodyviews" / f"oct_{step:04d}_seg.png")) for step in range(8)]
    for name, people in told.items():
        found = people(body_views)
        shared = [overlap(boxes[0], box) for boxes, box in zip(found, true, strict=True)]
        print(f"{name}: overlap with the person's pixels {np.median(shared):.2f} (median), at least {min(shared):.2f}")
        assert [len(boxes) for boxes in found] == [1] * 8
        assert min(shared) > 0.8


def test_one_person_in_each_film(told: dict[str, Callable[[Sequence[Frame]], list[list[Box]]]], footage: Path) -> None:
    pictures = [
        next(frames_at(canonical_uri(next((footage / "videos").glob(f"{name}.*"))), [1.0])) for name in ONE_PERSON
    ]
    found = {name: people(pictures) for name, people in told.items()}
    alone = {name: sum(len(boxes) == 1 for boxes in each) for name, each in found.items()}
    ours, theirs = found.values()
    shared = [overlap(one[0], other[0]) for one, other in zip(ours, theirs, strict=True) if one and other]
    others = {film: (len(a), len(b)) for film, a, b in zip(ONE_PERSON, ours, theirs, strict=True) if len(a) != len(b)}
    print(f"one person in {alone} of {len(pictures)}, otherwise in {others}")
    print(f"overlap of the two {np.median(shared):.2f} (median), at least {min(shared):.2f}")
    assert alone["EfficientDet"] >= 10
    assert alone["YOLOX"] == 12
    assert np.median(shared) > 0.85
