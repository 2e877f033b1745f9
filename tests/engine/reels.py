"""Long films for tests of splitting: each word is a picture of half a second, and a shot begins with the word `cut` or,
less surely, with `fade`.
"""

import time
from collections.abc import Iterable, Sequence
from hashlib import sha256

from actor18m.inputs import local_path
from actor18m.keys import clip_key
from actor18m.stage import Clip, Failure, Parameters, Row, Stage
from stages.split import Shots, Windows
from tests.engine.films import film, text_of
from tests.engine.steady import PIPELINE, counted

SCORES = {"cut": 0.9, "fade": 0.2}

REELS = (
    PIPELINE
    + """\
split:
  mode: shots
  shots: {stage: "tests.engine.reels:Reel", run: {clips_per_call: 1}, min_s: 1, max_s: 8, min_score: 0.5}
  windows: {stage: "tests.engine.reels:Clock", min_s: 1, length_s: 3}
"""
)


def reel(text: str) -> bytes:
    return film(text, len(text.split()))


class ReelParameters(Parameters):
    pause_s: float = 0
    finer: bool = False
    """Sees fades as well as cuts."""


class Reel(Stage):
    version = 1
    writes = Shots.writes
    parameters = ReelParameters()

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        scores = dict.fromkeys(SCORES, 0.9) if self.parameters.finer else SCORES
        for clip in clips:
            counted("shots", clip.key)
            time.sleep(self.parameters.pause_s)
            yield _outcome(clip, scores)


class Clock(Stage):
    version = 1
    writes = Windows.writes

    def measure(self, clips: Sequence[Clip]) -> Iterable[Row | Failure]:
        for clip in clips:
            counted("windows", clip.key)
            yield _outcome(clip, {})


def _outcome(clip: Clip, scores: dict[str, float]) -> Row | Failure:
    path = local_path(clip.uri)
    if path is None or not path.is_file():
        return Failure(clip.key, "missing_file", f"{clip.uri} is not there")
    content = path.read_bytes()
    words = text_of(content).split()[slice(*(clip.cut or (None,)))]
    if "torn" in words:
        return Failure(clip.key, "damaged", f"{clip.uri} is torn")
    boundaries = [
        {"frame": at, "time_s": at / 2, "score": scores[word]} for at, word in enumerate(words) if word in scores
    ]
    values = {
        "clip": clip_key(sha256(content).hexdigest(), clip.cut, None),
        "signature": None,
        "duration_s": len(words) / 2,
        "frame_count": len(words),
        "seconds": list(range(0, len(words), 2)),
        "boundaries": boundaries,
    }
    return Row(clip.key, values)
