"""What an embedded backend says of a frame does not depend on the frames that are handed over with it."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields, is_dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from actor18m.arrays import Box, Frame
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames_at
from actor18m.models.backends import load
from actor18m.models.roles import Face, Mesh
from actor18m.samples.shipped import SHIPPED

Seen = tuple[Frame, Box, Face, Mesh | None]
Asked = Callable[[Any, Sequence[Seen]], Sequence[Any]]

ASK: dict[str, Asked] = {
    "centerface": lambda backend, seen: backend.detect([frame for frame, *_ in seen]),
    "dlib-face": lambda backend, seen: backend.embed([frame for frame, *_ in seen], [face for *_, face, _ in seen]),
    "mediapipe-face": lambda backend, seen: backend.mesh([f for f, *_ in seen], [face.box for *_, face, _ in seen]),
    "mesh-parsing": lambda backend, seen: backend.parse(*_faces(seen)),
    "blendshape-expression": lambda backend, seen: backend.read(*_faces(seen)),
    "mini-xception": lambda backend, seen: backend.read(*_faces(seen)),
    "mediapipe-pose": lambda backend, seen: backend.pose([f for f, *_ in seen], [box for _, box, *_ in seen]),
    "efficientdet": lambda backend, seen: backend.people([frame for frame, *_ in seen]),
    "efficientnet": lambda backend, seen: backend.encode([frame for frame, *_ in seen]),
    "efficientnet drawn": lambda backend, seen: backend.drawn(
        [f for f, *_ in seen], [face.box for *_, face, _ in seen]
    ),
    "lucas-kanade": lambda backend, seen: backend.seed([f for f, *_ in seen], [box for _, box, *_ in seen], 20),
    "selfie-segmenter": lambda backend, seen: list(backend.masks((frame, box) for frame, box, *_ in seen)),
    "mediapipe-pose masks": lambda backend, seen: list(backend.masks((frame, box) for frame, box, *_ in seen)),
}
"""How a backend is asked; of one that plays two roles, once for each."""


@pytest.fixture(scope="module")
def seen(pulled: Callable[..., None]) -> list[Seen]:
    """Frames of two sizes: of one person and of two, near and small."""
    pulled("centerface", "mediapipe-face")
    pictures = [
        frame
        for name, times in (("two_people_1", (0.0, 1.0)), ("low_resolution_1", (0.5,)), ("talk_yaw_1", (0.0, 1.5)))
        for frame in frames_at(canonical_uri(SHIPPED / f"{name}.mp4"), times)
    ]
    faces = [found[0] for found in load("centerface").detect(pictures)]
    meshes = load("mediapipe-face").mesh(pictures, [face.box for face in faces])
    boxes = [_about(frame, face) for frame, face in zip(pictures, faces, strict=True)]
    return list(zip(pictures, boxes, faces, meshes, strict=True))


@pytest.mark.parametrize("name", ASK)
def test_results_are_the_same_in_any_grouping(
    name: str, seen: list[Seen], pulled: Callable[..., None], request: pytest.FixtureRequest
) -> None:
    backend, ask = name.partition(" ")[0], ASK[name]
    if backend not in ("mesh-parsing", "blendshape-expression", "lucas-kanade"):
        pulled(backend)
    loaded = load(backend)
    together = ask(loaded, seen)
    assert len(together) == len(seen)
    order = [3, 0, 4, 2, 1]
    groupings = {
        "one by one": [ask(loaded, [each])[0] for each in seen],
        "in twos": [result for start in (0, 2, 4) for result in ask(loaded, seen[start : start + 2])],
        "once more": ask(loaded, seen),
    }
    otherwise = ask(loaded, [seen[at] for at in order])
    groupings["in another order"] = [otherwise[order.index(at)] for at in range(len(seen))]
    for grouping, results in groupings.items():
        assert list(map(_plain, results)) == list(map(_plain, together)), grouping
    assert list(ask(loaded, [])) == []
    assert any(_plain(one) != _plain(other) for one, other in pairwise(together)), "frames differ, so results do"


def _faces(seen: Sequence[Seen]) -> tuple[list[Frame], list[Face], list[Mesh | None]]:
    return [frame for frame, *_ in seen], [face for *_, face, _ in seen], [mesh for *_, mesh in seen]


def _about(frame: Frame, face: Face) -> Box:
    """Where the body of a face is, roughly."""
    x0, y0, x1, y1 = face.box
    wide, high = x1 - x0, y1 - y0
    return (
        max(0.0, x0 - wide),
        max(0.0, y0 - high / 2),
        min(frame.shape[1], x1 + wide),
        min(frame.shape[0], y1 + 6 * high),
    )


def _plain(value: Any) -> Any:
    """Bit for bit, and comparable."""
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: _plain(getattr(value, each.name)) for each in fields(value)}
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, list | tuple | Iterator):
        return [_plain(each) for each in value]
    return value
