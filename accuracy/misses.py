"""Each clip whose verdict is wrong, with a strip of its frames to look at."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import cv2
import numpy as np

from accuracy.build import DEFAULT
from accuracy.read import Seen
from accuracy.verdicts import is_right
from actor18m.arrays import Frame
from actor18m.media.source import MediaError
from actor18m.media.video import open_video

FRAMES, HEIGHT_PX = 5, 240


@dataclass(frozen=True)
class Miss:
    clip: str
    case: str
    expected: str
    came: str
    """The rule that fired, the value there and its bound."""
    picture: str | None
    """None of what cannot be decoded."""


def misses(seen: Sequence[Seen], folder: Path) -> list[Miss]:
    """By the default policy; the pictures lie in the folder, and those of an earlier run are gone."""
    folder.mkdir(parents=True, exist_ok=True)
    for old in folder.glob("*.jpg"):
        old.unlink()
    numbers = count(1)
    return [
        _miss(each, folder / f"{next(numbers):03d}-{each.filmed.path.stem}.jpg")
        for each in seen
        if each.filmed.state is not None and not is_right(each, DEFAULT, seen)
    ]


def _miss(seen: Seen, path: Path) -> Miss:
    filmed, fate = seen.filmed, seen.fates[DEFAULT]
    expected = f"{filmed.state}" + (f" ({' or '.join(filmed.rules)})" if filmed.rules else "")
    why = " ".join(part for part in (fate.by, fate.value, fate.bound and f"not {fate.bound}") if part)
    came = f"{fate.state}: {why}" if why else fate.state
    return Miss(filmed.name, filmed.case, expected, came, _strip(filmed.uri, path))


def _strip(uri: str, path: Path) -> str | None:
    try:
        with open_video(uri) as video:
            duration_s = video.window.duration_s
            wanted = video.window.shown_at([duration_s * (number + 0.5) / FRAMES for number in range(FRAMES)])
            shots = [_small(video.picture(frame, None)) for _, frame in video.read(wanted)]
    except MediaError:
        return None
    path.write_bytes(cv2.imencode(".jpg", cv2.cvtColor(np.hstack(shots), cv2.COLOR_RGB2BGR))[1].tobytes())
    return str(path)


def _small(frame: Frame) -> Frame:
    height, width = frame.shape[:2]
    size = max(1, round(width * HEIGHT_PX / height)), HEIGHT_PX
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)
