"""Where a long video may be cut: shot boundaries with their strength, and the frame that is shown at each second.

The first and only stage of sources. It decides nothing: which boundaries count and how long a clip may be is asked of
its rows later (actor18m/catalog/cuts.py), so that another bound decodes no video again.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby
from typing import Any, ClassVar

import numpy as np
from pyarrow import binary, float32, float64, int32, list_, string, struct
from pydantic import NonNegativeFloat, PositiveFloat, PositiveInt

from actor18m.arrays import Frame
from actor18m.keys import clip_key
from actor18m.media.changes import Small, small, steps
from actor18m.media.content import content_sha256
from actor18m.media.opening import Limits
from actor18m.media.video import Video, Window, check_header, open_video, shrunk
from actor18m.models.roles import ShotDetector
from actor18m.stage import Clip, Failure, Parameters, Row, Schema, Stage, schema
from stages.told import one_by_one, rounded

_Boundary = tuple[int, float]
"""The first frame of what follows, and how sure it is."""


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
        return one_by_one(clips, lambda clip: _row(clip, of, lambda video: _steps(video, of.least_score)))


class DetectedShotsParameters(SplitParameters):
    """A transition is a run of frames that are in one with at least `min_within`."""

    least_score: PositiveFloat = 0.1
    """Transitions that are less sure are not even written down."""
    min_within: PositiveFloat = 0.2
    """TransNetV2 so tells the first and the last frame of 20 dissolves and 9 fades to black right within two frames."""


class DetectedShots(Stage):
    """Decodes a video once and asks a network where a shot ends. What shows neither the old shot nor the new one, as in
    a dissolve or a fade, lies between two boundaries, and is too short to be a clip."""

    version = 1
    roles: ClassVar = {"shots": ShotDetector}
    writes = _schema("detected_shots")
    parameters = DetectedShotsParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        assert isinstance(self.parameters, DetectedShotsParameters)
        of, detector = self.parameters, self.backends["shots"]
        return one_by_one(clips, lambda clip: _row(clip, of, lambda video: _transitions(video, detector, of)))


class Windows(Stage):
    """Knows when each picture is shown, and looks at none."""

    version = 1
    writes = _schema("windows")
    parameters = SplitParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        assert isinstance(self.parameters, SplitParameters)
        of = self.parameters
        return one_by_one(clips, lambda clip: _row(clip, of, lambda video: ()))


def _row(clip: Clip, parameters: SplitParameters, boundaries: Callable[[Video], Iterable[_Boundary]]) -> Row:
    limits = Limits(parameters.max_pixels, parameters.max_duration_s)
    check_header(clip.uri, limits, clip.cut)
    sha256, _ = content_sha256(clip.uri)
    with open_video(clip.uri, limits, clip.cut) as video:
        found = [_told(video, frame, score) for frame, score in boundaries(video)]
        named = {"clip": clip_key(sha256, clip.cut, clip.crop), "signature": None}
        return Row(clip.key, {**named, **_times(video.window), "boundaries": found})


def _times(window: Window) -> dict[str, Any]:
    """Frames count from the source's first, as those of its cut do."""
    return {
        "duration_s": rounded(window.duration_s),
        "frame_count": len(window.pts),
        "seconds": window.shown_at(np.arange(0, window.duration_s, 1.0).tolist()),
    }


def _told(video: Video, frame: int, score: float) -> dict[str, float]:
    return {"frame": frame, "time_s": rounded(float(video.window.times_s[frame])), "score": rounded(score)}


def _steps(video: Video, least_score: float) -> Iterator[_Boundary]:
    """Those of at least this score. A picture that cannot be decoded is met by the clip that it lies in."""
    indices: list[int] = []

    def pictures() -> Iterator[Small]:
        for index, frame in video.every():
            indices.append(index)
            yield small(frame)

    for number, score in enumerate(steps(pictures()), start=1):
        if score >= least_score:
            yield indices[number], score


def _transitions(video: Video, detector: ShotDetector, parameters: DetectedShotsParameters) -> Iterator[_Boundary]:
    """After the last frame of a shot; where it is a run of them, before and after the run."""
    indices: list[int] = []

    def pictures() -> Iterator[Frame]:
        for index, frame in video.every():
            indices.append(index)
            yield shrunk(frame, *detector.size)

    def is_mixed(scored: tuple[int, tuple[float, float]]) -> bool:
        _, (end, within) = scored
        return end >= parameters.least_score or within >= parameters.min_within

    for is_one, run in groupby(enumerate(detector.scores(pictures())), is_mixed):
        frames = list(run) if is_one else []
        score = max((end for _, (end, _) in frames), default=0.0)
        if score >= parameters.least_score:
            first, after = frames[0][0], frames[-1][0] + 1
            between = [first, after] if after - first > 1 else [after]
            yield from ((indices[number], score) for number in between if 0 < number < len(indices))
