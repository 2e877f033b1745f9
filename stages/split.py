"""Where a long video may be cut: shot boundaries with their strength, and the frame that is shown at each second.

The first and only stage of sources. It decides nothing: which boundaries count and how long a clip may be is asked of
its rows later (actor18m/catalog/cuts.py), so that another bound decodes no video again.
"""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from pyarrow import binary, float32, float64, int32, list_, string, struct
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from actor18m.keys import clip_key
from actor18m.media.changes import Small, small, steps
from actor18m.media.content import content_sha256
from actor18m.media.opening import Limits
from actor18m.media.video import Video, Window, check_header, open_video
from actor18m.stage import Clip, Failure, Parameters, Row, Schema, Stage, schema
from stages.told import one_by_one, rounded


def _schema(name: str) -> Schema:
    """What cuts are made by, and first what every first stage writes. Sources have no signature: their clips do."""
    boundary = struct([("frame", int32()), ("time_s", float64()), ("score", float32())])
    return schema(
        name,
        clip=string(),
        signature=binary(),
        duration_s=float32(),
        frame_count=int32(),
        seconds=list_(int32()),
        boundaries=list_(boundary),
    )


class SplitParameters(Parameters):
    """Bounds for what a file claims, before anything of it is read."""

    max_pixels: PositiveInt = Limits.max_pixels
    max_duration_s: PositiveFloat = 24 * 3600


class ShotsParameters(SplitParameters):
    least_score: NonNegativeFloat = 0.01
    """Weaker boundaries are not even written down."""


class Shots(Stage):
    """Decodes a video once and scores the step between each two pictures."""

    version = 1
    writes = _schema("shots")
    parameters = ShotsParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        assert isinstance(self.parameters, ShotsParameters)
        of = self.parameters
        return one_by_one(clips, lambda clip: _row(clip, of, of.least_score))


class Windows(Stage):
    """Knows when each picture is shown, and looks at none."""

    version = 1
    writes = _schema("windows")
    parameters = SplitParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        assert isinstance(self.parameters, SplitParameters)
        of = self.parameters
        return one_by_one(clips, lambda clip: _row(clip, of, None))


def _row(clip: Clip, parameters: SplitParameters, least_score: float | None) -> Row:
    limits = Limits(parameters.max_pixels, parameters.max_duration_s)
    check_header(clip.uri, limits, clip.cut)
    sha256, _ = content_sha256(clip.uri)
    with open_video(clip.uri, limits, clip.cut) as video:
        found = [] if least_score is None else list(_boundaries(video, least_score))
        named = {"clip": clip_key(sha256, clip.cut, clip.crop), "signature": None}
        return Row(clip.key, {**named, **_times(video.window), "boundaries": found})


def _times(window: Window) -> dict[str, Any]:
    """Frames count from the source's first, as those of its cut do."""
    return {
        "duration_s": rounded(window.duration_s),
        "frame_count": len(window.pts),
        "seconds": window.shown_at(np.arange(0, window.duration_s, 1.0).tolist()),
    }


def _boundaries(video: Video, least_score: float) -> Iterator[dict[str, float]]:
    """Those of at least this score. A picture that cannot be decoded is met by the clip that it lies in."""
    indices: list[int] = []

    def pictures() -> Iterator[Small]:
        for index, frame in video.every():
            indices.append(index)
            yield small(frame)

    times = video.window.times_s
    for number, score in enumerate(steps(pictures()), start=1):
        if score >= least_score:
            frame = indices[number]
            yield {"frame": frame, "time_s": rounded(float(times[frame])), "score": rounded(score)}
