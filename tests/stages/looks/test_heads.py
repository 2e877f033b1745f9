"""When a model of head poses counts, and when a face's own points do."""

from collections.abc import Sequence

import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.models.roles import Face, Head, Mesh
from stages.looks.heads import farther_yaw_deg, heads_without_mesh

FACE = Face((10.0, 10.0, 40.0, 50.0), 0.9, np.zeros((5, 2), np.float32))
MESH = Mesh(np.zeros((1, 3), np.float32), FACE.points, {}, 0.0, 0.0, 0.0)
BOX: Box = (0.0, 0.0, 80.0, 90.0)
FRAME = np.zeros((90, 80, 3), np.uint8)


@pytest.mark.parametrize(
    ("by_points", "by_model", "told"),
    [
        (86, 115, 115),
        (-75, -140, -140),
        (86, 84, 86),  # about a profile the points are better
        (60, 115, 60),
        (86, -115, 86),
        (86, -179, 86),
        (86, None, 86),
    ],
)
def test_both_must_say_that_a_head_is_turned_far(by_points: float, by_model: float | None, told: float) -> None:
    assert farther_yaw_deg(by_points, None if by_model is None else Head(by_model)) == told


class Asked:
    def __init__(self) -> None:
        self.seen: list[tuple[Box, ...]] = []

    def heads(self, frames: Sequence[Frame], people: Sequence[Box], faces: Sequence[Face]) -> list[Head | None]:
        assert len(frames) == len(people) == len(faces)
        self.seen.append(tuple(people))
        return [Head(box[0]) for box in people]


def test_only_faces_without_a_mesh_are_asked_about() -> None:
    model = Asked()
    boxes: list[Box] = [(float(number), 0.0, 80.0, 90.0) for number in range(4)]
    meshes = [MESH, None, MESH, None]
    heads = heads_without_mesh(model, [FRAME] * 4, boxes, [FACE] * 4, meshes)
    assert heads == [None, Head(1.0), None, Head(3.0)]
    assert model.seen == [(boxes[1], boxes[3])]
    assert heads_without_mesh(model, [FRAME], [BOX], [FACE], [MESH]) == [None]
    assert heads_without_mesh(None, [FRAME], [BOX], [FACE], [None]) == [None]
    assert len(model.seen) == 1, "of nothing, nobody is asked"
