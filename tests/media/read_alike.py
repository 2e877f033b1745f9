"""Reads films with another reader and with PyAV, and prints how they differ: `python -m tests.media.read_alike READER
FPS CUT URI…`, a line of JSON for each film. A process of its own, so that its loader finds FFmpeg.
"""

import json
import logging
import sys
from typing import cast, get_args

import numpy as np

from actor18m.media import video
from actor18m.media.opening import Cut
from actor18m.media.readers import Reader, ready


class _Reasons(logging.Handler):
    """Why a film was left to PyAV."""

    def __init__(self) -> None:
        super().__init__()
        self.told: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.told.append(record.getMessage())


def main(reader: Reader, fps: float | None, cut: Cut | None, uris: list[str]) -> None:
    ready(reader)
    reasons = _Reasons()
    video.log.addHandler(reasons)
    video.log.setLevel(logging.INFO)
    for uri in uris:
        reasons.told.clear()
        wanted = list(video.frames(uri, cut, fps=fps))
        given = list(video.frames(uri, cut, fps=fps, reader=reader))
        apart = [
            int(np.abs(a.astype(np.int16) - b).max()) if a.shape == b.shape else 255
            for (_, a), (_, b) in zip(wanted, given, strict=False)
        ]
        print(
            json.dumps(
                {
                    "uri": uri,
                    "frames": len(given),
                    "same_times": [time for time, _ in given] == [time for time, _ in wanted],
                    "apart": max(apart),
                    "left_to_pyav": reasons.told,
                }
            )
        )


if __name__ == "__main__":
    name, fps, cut, *uris = sys.argv[1:]
    if name not in get_args(Reader):
        sys.exit(f"no reader {name}")
    main(cast(Reader, name), json.loads(fps), json.loads(cut) and tuple(json.loads(cut)), uris)
