"""Samples as the stages after motion are given them, with the boxes of people that a perfect tracker would find."""

from typing import Any

from actor18m.inputs import canonical_uri
from actor18m.media.video import frames
from actor18m.samples.shipped import SHIPPED
from actor18m.samples.truth import Box, Truth
from actor18m.stage import Clip


def with_boxes(name: str, first: int = 0, last: int | None = None) -> tuple[Clip, Truth]:
    """The clip, and its truth. People are shown at samples `first` to `last` only."""
    truth = Truth.read(SHIPPED / f"{name}.json")
    uri = canonical_uri(SHIPPED / f"{name}.mp4")
    times = [time for time, _ in frames(uri, fps=8)]
    at = [truth.mask_frames[min(sample, len(truth.mask_frames) - 1)] for sample in range(len(times))]
    shown = [
        [_struct(actor.body_box[frame]) if first <= sample < (last or len(at)) else None for actor in truth.actors]
        for sample, frame in enumerate(at)
    ]
    motion = {
        "frame_times": times,
        "subject": [people[0] if people else None for people in shown],
        "people": [sum(box is not None for box in people) for people in shown],
    }
    return Clip(name, uri, upstream={"motion": motion}), truth


def _struct(box: Box | None) -> dict[str, Any] | None:
    return None if box is None else dict(zip(("x0", "y0", "x1", "y1"), map(float, box), strict=True)) | {"score": 0.9}
