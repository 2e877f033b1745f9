"""Jump cuts in one framing, as interviews and vlogs have them: clips of one person out of which something was taken.

Of every real clip of one person, accepted or not, a piece is taken out at several places, and what is left is encoded
as a whole; clips that are cut already are left out. As controls the same clip is encoded with nothing missing, also as
badly as the web does, in other rates, and with a window that shakes. By their names the clips are halved: bounds were
chosen on one half, and what is reported stands on the other one.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import pyarrow as pa

from accuracy.encode import write
from accuracy.figures import Figures, share
from accuracy.sets import Filmed, Set
from actor18m.arrays import Frame
from actor18m.config.pipeline import Pipeline
from actor18m.inputs import canonical_uri
from actor18m.media.breaks import LONGER_SIDE, Break, BreakFinder
from actor18m.media.video import frames, open_video
from actor18m.policy.rules import Rules, judge
from stages.motion import Motion
from stages.told import rounded_fields

NAME = "jumps"
REPORTED, CHOSEN_ON = "reported", "chosen on"
RULE = "jump_cut"
OF_ONE_PERSON = ("single", "turn_", "occlusion_")
"""How the catalog's cases begin in which one person is seen in one go."""
JUMP, AS_IT_IS = "jump over", "as it is"
MISSING_S = (0.3, 0.5, 0.8, 1.2, 2.0, 3.0)
"""So much is taken out, once each."""
BESIDE_S = 0.5
"""At least so much is left before and after."""
LONGEST_S = 10.0
SIZE_PX = 480
"""Of the longer side."""
GOOD, BAD = 20, 33
"""x264's rate factors."""
SHAKE_PX = 6


@dataclass(frozen=True)
class Made:
    """A clip that was made of another one, and where it jumps; None where it does not."""

    kind: str
    of: str
    path: Path
    jump_s: float | None

    @property
    def is_reported(self) -> bool:
        """Not of the half on which bounds were chosen."""
        return hashlib.sha256(self.of.encode()).digest()[-1] % 2 == 1


def figures(real: Set, folder: Path, pipeline: Pipeline) -> Figures:
    folder.mkdir(parents=True, exist_ok=True)
    rule = {RULE: pipeline.rules("motion")[RULE]}
    told: dict[str, list[tuple[Made, bool]]] = {REPORTED: [], CHOSEN_ON: []}
    for filmed in real.clips:
        if filmed.case.startswith(OF_ONE_PERSON):
            for made in made_of(filmed, folder):
                told[REPORTED if made.is_reported else CHOSEN_ON].append((made, is_called(made, rule)))
    kinds = dict.fromkeys(made.kind for half in told.values() for made, _ in half)
    return {
        label(kind, of): share(called for made, called in half if made.kind == kind)
        for of, half in told.items()
        for kind in kinds
    }


def label(kind: str, of: str) -> str:
    return f"{'jump cuts found' if kind == JUMP else f'called cut, {kind}'}: {of}"


def is_called(made: Made, rule: Rules) -> bool:
    """Of a clip that jumps, whether it is for this jump that it is called cut."""
    found = breaks_of(canonical_uri(made.path))
    if made.jump_s is not None:
        found = [each for each in found if abs(each.at_s - made.jump_s) < 1e-3]
    row = {"key": made.path.name, "breaks": [rounded_fields(vars(each)) for each in found]}
    table = pa.Table.from_pylist([row], pa.schema([("key", pa.string()), Motion.writes.columns.field("breaks")]))
    return not judge(table, rule)["passed"][0].as_py()


def breaks_of(uri: str) -> list[Break]:
    """As motion finds them."""
    finder = BreakFinder()
    for _ in frames(uri, fps=Motion.parameters.fps, watch=(finder.add, LONGER_SIDE)):
        pass
    return finder.found()


def made_of(filmed: Filmed, folder: Path) -> Iterator[Made]:
    """Made once."""
    with open_video(filmed.uri) as video:
        times = video.window.times_s
    fps = (len(times) - 1) / max(float(times[-1]), 1e-6)
    count = min(len(times), int(LONGEST_S * fps))
    shots: list[Frame] = []

    def film() -> list[Frame]:
        if not shots:
            shots.extend(_sized(frame) for _, frame in islice(frames(filmed.uri), count))
        return shots

    def made(kind: str, rate: float, crf: int, jump_s: float | None, shown: Sequence[int], shift: int = 0) -> Made:
        path = folder / f"{kind.replace(', ', ' ').replace(' ', '-')}--{filmed.path.stem}.mp4"
        if not path.exists():
            write(path, [_shaken(film()[i], shift, n) for n, i in enumerate(shown)], rate, crf)
        return Made(kind if jump_s is None else JUMP, filmed.name, path, jump_s)

    whole = range(count)
    beside = max(3, round(BESIDE_S * fps))
    for missing_s in MISSING_S:
        missing = round(missing_s * fps)
        room = count - missing - 2 * beside
        if room > 0:
            seed = hashlib.sha256(f"{filmed.name} {missing_s}".encode()).digest()
            at = beside + int.from_bytes(seed[:4]) % room
            yield made(f"{JUMP} {missing_s:g} s", fps, GOOD, at / fps, [*whole[:at], *whole[at + missing :]])
    yield made(AS_IT_IS, fps, GOOD, None, whole)
    yield made("badly encoded", fps, BAD, None, whole)
    yield made("each picture twice", fps, GOOD, None, [i // 2 * 2 for i in whole])
    yield made("every sixth picture left out", fps, GOOD, None, [i for i in whole if i % 6 != 5])
    yield made("a window that shakes", fps, GOOD, None, whole, SHAKE_PX)


def _sized(frame: Frame) -> Frame:
    """Sides are even: codecs want it."""
    height, width = frame.shape[:2]
    scale = SIZE_PX / max(height, width)
    size = round(width * scale) // 2 * 2, round(height * scale) // 2 * 2
    return np.asarray(cv2.resize(frame, size, interpolation=cv2.INTER_AREA), dtype=np.uint8)


def _shaken(frame: Frame, most: int, number: int) -> Frame:
    """The same for each number; it stays for a few frames, then it jumps."""
    if most == 0:
        return frame
    x, y = np.random.default_rng(number // 7).integers(0, 2 * most + 1, 2)
    height, width = frame.shape[:2]
    return np.ascontiguousarray(frame[y : y + height - 2 * most, x : x + width - 2 * most])
