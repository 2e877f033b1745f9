"""DWPose and RTMW: the points that rtmlib finds in the same boxes of the same pictures."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.media.facing import head_yaw_by_points
from actor18m.models.backends import load
from actor18m.models.onnx_network import OnnxNetwork
from actor18m.models.roles import Face
from actor18m.models.whole_body import DWPose, WholeBodyParameters
from actor18m.stage import Row
from stages.pose import Pose
from tests.models.cluster.onnx_files import OnnxFile
from tests.stages.told_by_truth import with_boxes

WIDTH, HEIGHT, POINTS = 288, 384, 133
BOXES: list[Box] = [
    (120.0, 60.5, 400.0, 520.0),
    (-30.0, 100.0, 700.0, 300.0),
    (5.0, 5.0, 90.0, 160.0),
    (40.2, 9.0, 80.0, 99.0),
]
"""Upright, wide and beyond the frame, beside an edge, small."""


def _network(place: Path) -> Path:
    """Peaks in 576 columns and 768 rows, which all colours and places of the crop move."""
    file = OnnxFile(["batch", 3, HEIGHT, WIDTH])
    seen = file.conv("image", (3, POINTS), 32, stride=32)
    columns = file.node("ReduceMean", [seen], axes=[2], keepdims=0)
    rows = file.node("ReduceMean", [seen], axes=[3], keepdims=0)
    across = file.node("MatMul", [columns, file.random(WIDTH // 32, 2 * WIDTH, scale=0.1)])
    down = file.node("MatMul", [rows, file.random(HEIGHT // 32, 2 * HEIGHT, scale=0.1)])
    return file.save(place, {across: ["batch", POINTS, 2 * WIDTH], down: ["batch", POINTS, 2 * HEIGHT]})


def _packed(place: Path) -> None:
    folder = place / "rtmw" / "onnx_sdk"
    folder.mkdir(parents=True)
    file = folder / "rtmw-dw-x-l_simcc-cocktail14_270e-384x288_20231122.zip"
    with zipfile.ZipFile(file, "w") as files:
        files.write(_network(place / "made.onnx"), "20231122/rtmw/end2end.onnx")
        files.writestr("20231122/rtmw/deploy.json", "{}")


@pytest.fixture(params=["dwpose", "rtmw"])
def loaded(
    request: pytest.FixtureRequest, needs: Callable[[str], Any], small: Callable[..., None], tmp_path: Path
) -> Callable[..., Any]:
    """DWPose's weights are known to the lock, so a network of our own is given to its class."""
    needs("onnx")
    needs("onnxruntime")
    if request.param == "rtmw":
        small("rtmw", _packed)

    def made(**told: Any) -> Any:
        parameters = WholeBodyParameters(device="cpu", **told)
        if request.param == "rtmw":
            return load("rtmw", parameters)
        return DWPose(OnnxNetwork(_network(tmp_path / "dw-ll_ucoco_384.onnx"), parameters), parameters)

    return made


def test_points_are_those_of_rtmlib(
    loaded: Callable[..., Any], needs: Callable[[str], Any], pictures: list[Frame], tmp_path: Path
) -> None:
    rtmlib = needs("rtmlib")
    asked = rtmlib.RTMPose(
        str(_network(tmp_path / "asked.onnx")), model_input_size=(WIDTH, HEIGHT), backend="onnxruntime", device="cpu"
    )
    backend = loaded(seen_from=0.4)
    told = backend.pose(pictures, BOXES)
    for frame, box, pose in zip(pictures, BOXES, told, strict=True):
        (points,), (scores,) = asked(frame, [box])
        assert pose is not None
        assert (pose.points.shape, pose.points.dtype) == ((17, 2), np.float32)
        assert np.allclose(pose.points, points[:17], atol=1e-3)
        assert np.allclose(pose.visibility, (scores[:17] / 0.8).clip(0, 1), atol=1e-3)
        assert pose.face_visibility == pytest.approx((scores[23:91] / 0.8).clip(0, 1).mean(), abs=1e-3)
        assert pose.points_3d is None
        faces = [
            Face((0.0, 0.0, 80.0, 100.0), 0.9, np.tile(points[0] + off, (5, 1)).astype(np.float32)) for off in (16, 20)
        ]
        head, of_another = backend.heads([frame] * 2, [box] * 2, faces)
        assert head is not None
        assert head.yaw_deg == pytest.approx(head_yaw_by_points(points[:17]), abs=0.1)
        assert of_another is None, "the nose is another one"
        for other, where in ((frame[..., ::-1], box), (frame[:, ::-1], box), (frame, (box[1], box[0], box[3], box[2]))):
            (swapped,), _ = asked(np.ascontiguousarray(other), [where])
            assert not np.allclose(pose.points, swapped[:17], atol=1), "colours, sides and axes are told apart"
    backend._looked._most = 3  # as on a GPU
    for among, alone in zip(backend.pose(pictures, BOXES), told, strict=True):
        assert np.allclose(among.points, alone.points, atol=1e-3)
        assert np.allclose(among.visibility, alone.visibility, atol=1e-4)
    assert backend.pose([], []) == []
    backend.close()


def test_where_no_point_is_sure_nobody_is(loaded: Callable[..., Any], pictures: list[Frame]) -> None:
    assert loaded(seen_from=1000.0).pose(pictures, BOXES) == [None] * len(pictures)


class _Nobody:
    def detect(self, frames: list[Frame]) -> list[list[Any]]:
        return [[] for _ in frames]


def test_poses_of_a_clip(loaded: Callable[..., Any]) -> None:
    clip, _ = with_boxes("low_resolution_1", 1, 5)
    (outcome,) = Pose(pose=loaded(), faces=_Nobody()).measure([clip])
    assert isinstance(outcome, Row), outcome
    poses: Any = outcome.values["poses"]
    assert [pose["sample"] for pose in poses] == [1, 2, 3, 4]
    assert all(len(pose["points"]) == 34 for pose in poses)
    assert all(0 <= seen <= 1 for pose in poses for seen in pose["visibility"])
