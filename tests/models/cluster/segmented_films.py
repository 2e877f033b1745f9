"""Films for backends that follow a person's mask: what they are given, what they read of it, and what they keep."""

from collections.abc import Iterator, Sequence
from typing import Any

import pytest

from actor18m.arrays import Bools, Box, Frame
from actor18m.media.video import frames
from actor18m.models.roles import Person, PersonSegmenter
from actor18m.samples.shipped import SHIPPED
from actor18m.stage import Row
from stages.bodies import Bodies
from tests.stages.told_by_truth import with_boxes


def first_three_seconds(name: str) -> list[Frame]:
    """Of a sample: longer than such a model looks back."""
    return [frame for _, frame in frames(str(SHIPPED / f"{name}.mp4"), fps=8)][:24]


def sessions_of(backend: Any, monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """Those of the library that the backend begins from now on."""
    sessions: list[Any] = []
    init = backend._processor.init_video_session

    def kept(**told: Any) -> Any:
        sessions.append(init(**told))
        return sessions[-1]

    monkeypatch.setattr(backend._processor, "init_video_session", kept)
    return sessions


def masks_one_by_one(backend: PersonSegmenter, film: Sequence[Frame], box: Box) -> list[Bools | None]:
    """The masks of a film with a box in its first frame; fails where a frame is read before it is needed."""
    read: list[int] = []

    def shown() -> Iterator[tuple[Frame, Box | None]]:
        for at, frame in enumerate(film):
            read.append(at)
            yield frame, box if at == 0 else None

    masks = []
    for at, mask in enumerate(backend.masks(shown())):
        assert read[-1] == at, "no frame is read before it is needed"
        masks.append(mask)
    return masks


class Nobody:
    """Finds no people: the boxes of a clip are all there is to go by."""

    def people(self, frames: Sequence[Frame]) -> list[list[Person]]:
        return [[] for _ in frames]


def bodies_by(backend: PersonSegmenter) -> list[dict[str, Any]]:
    """What the stage tells of a clip with a box from its second sample on; each body lies within the frame."""
    clip, truth = with_boxes("low_resolution_1", 1, 6)
    (outcome,) = Bodies(bodies=backend, people=Nobody()).measure([clip])
    assert isinstance(outcome, Row), outcome
    found = outcome.values["bodies"]
    assert isinstance(found, list)
    assert all(0 <= each["x0"] < each["x1"] <= truth.width and each["y1"] <= truth.height for each in found)
    return found
