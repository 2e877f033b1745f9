"""Intake: what a file is, by its own bytes. The first stage: its clips' keys are still ids of inputs."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from pyarrow import binary, bool_, float32, int32, int64, string
from pydantic import PositiveFloat, PositiveInt

from actor18m.arrays import Frame
from actor18m.keys import clip_key
from actor18m.media.content import content_sha256
from actor18m.media.opening import Limits
from actor18m.media.orientation import orientation
from actor18m.media.signature import sample_times, signature
from actor18m.media.video import Video, Window, check_header, open_video
from actor18m.stage import Clip, Failure, Parameters, Row, Stage, schema
from stages.told import one_by_one, rounded

_STEADY = 0.1
"""Intervals between frames that differ by a tenth from the usual one make a variable rate; clocks of 1 ms do not."""


class IntakeParameters(Parameters):
    """Bounds for what a file claims, before anything of it is decoded."""

    max_pixels: PositiveInt = Limits.max_pixels
    max_duration_s: PositiveFloat = Limits.max_duration_s


class Intake(Stage):
    """Opens a file, names its clip by content, and measures what can be had without looking at the pictures."""

    version = 2
    writes = schema(
        "intake",
        clip=string(),
        content_sha256=string(),
        bytes=int64(),
        container=string(),
        codec=string(),
        width=int32(),
        height=int32(),
        short_side=int32(),
        rotation=int32(),
        fps=float32(),
        is_variable_rate=bool_(),
        frame_count=int32(),
        duration_s=float32(),
        has_audio=bool_(),
        signature=binary(),
    )
    parameters = IntakeParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        limits = Limits(self.parameters.max_pixels, self.parameters.max_duration_s)

        def measured(clip: Clip) -> Row:
            check_header(clip.uri, limits, clip.cut)  # hashing reads the file to its end, however long that takes
            sha256, size = content_sha256(clip.uri)
            with open_video(clip.uri, limits, clip.cut) as video:
                named = {"clip": clip_key(sha256, clip.cut, clip.crop), "content_sha256": sha256, "bytes": size}
                return Row(clip.key, {**named, **_measured(video, clip)})

        return one_by_one(clips, measured)


def _measured(video: Video, clip: Clip) -> dict[str, Any]:
    """Width and height are those of what is shown, upright and cropped; `rotation` is what a player turns the stored
    picture by, clockwise. Times are those of the frames, not those that the file claims: rounded to 0.1 ms, and
    frames a second to 0.001.
    """
    window = video.window
    looks: list[tuple[int, int, int]] = []

    def pictures() -> Iterator[Frame]:
        """One at a time: eight large ones would take gigabytes."""
        for _, frame in video.read(window.shown_at(sample_times(window.duration_s))):
            picture = video.picture(frame, clip.crop)
            looks.append((*picture.shape[:2], orientation(frame).clockwise_deg))
            yield picture

    told = signature(pictures())
    height, width, rotation = looks[0]
    return {
        "container": video.container_name,
        "codec": video.codec_name,
        "width": width,
        "height": height,
        "short_side": min(width, height),
        "rotation": rotation,
        "fps": round(len(window.pts) / window.duration_s, 3),
        "is_variable_rate": _is_variable(window),
        "frame_count": len(window.pts),
        "duration_s": rounded(window.duration_s),
        "has_audio": video.has_audio,
        "signature": told,
    }


def _is_variable(window: Window) -> bool:
    intervals = np.diff(window.times_s)
    if len(intervals) == 0:
        return False
    usual = float(np.median(intervals))
    return bool(np.abs(intervals - usual).max() > max(_STEADY * usual, 0.0011))
