"""Clips that change to another person halfway, and clips that do not: made of pairs of clips of one person each.

Every clip gives a square window of up to 4 s around its fittest face. Of two people, 2 s of each are spliced by a hard
cut and, the other way round, by a dissolve. As controls each clip is spliced with itself: as it goes on, and with its
second half first, which is a cut and no change of person.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, islice
from pathlib import Path

import cv2
import numpy as np

from accuracy.encode import write
from accuracy.identities import FIT, TWINS
from accuracy.read import Seen, Told
from accuracy.sets import Filmed, Set
from actor18m.arrays import Frame
from actor18m.media.video import frames

NAME = "splices"
FPS, HALF = 12, 24
"""Frames a second, and frames of a half."""
SIZE_PX = 480
FADE = 6
"""Frames in which both are seen."""
FACE_AT = 0.35
"""How far down a face stands in its square."""
CUT, FADED, ON, BACK = "swap by a cut", "swap by a dissolve", "same person, going on", "same person, jumping back"
SWAPS, CONTROLS = (CUT, FADED), (ON, BACK)


def splices(seen: Sequence[Seen], folder: Path) -> Set:
    """Made once."""
    folder.mkdir(parents=True, exist_ok=True)
    people = [_Person(each, face) for each in seen if (face := _fittest(each)) is not None]
    made = [_made(folder, kind, one, one) for one in people for kind in CONTROLS]
    for one, other in combinations(people, 2):
        made += [_made(folder, CUT, one, other), _made(folder, FADED, other, one)]
    return Set(NAME, made)


def _made(folder: Path, kind: str, one: "_Person", other: "_Person") -> Filmed:
    path = folder / f"{kind.replace(', ', ' ').replace(' ', '-')}--{one.name}--{other.name}.mp4"
    if not path.exists():
        write(path, _shots(kind, one, other), FPS)
    return Filmed(path.name, path, kind, "accepted" if kind == ON else "rejected")


def _shots(kind: str, one: "_Person", other: "_Person") -> Sequence[Frame]:
    half = len(one.shots) // 2
    match kind:
        case "swap by a cut":
            return [*one.middle, *other.middle]
        case "swap by a dissolve":
            return faded(one.middle, other.middle)
        case "same person, going on":
            return one.shots
    return [*one.shots[half:], *one.shots[:half]]


def faded(one: Sequence[Frame], other: Sequence[Frame]) -> list[Frame]:
    """The last frames of one melt into the first ones of the other."""
    melting = []
    for step, (a, b) in enumerate(zip(one[-FADE:], other[:FADE], strict=True), start=1):
        share = step / (FADE + 1)
        melting.append(np.round(a * (1 - share) + b * share).astype(np.uint8))
    return [*one[:-FADE], *melting, *other[FADE:]]


@dataclass(frozen=True)
class _Person:
    seen: Seen
    face: Told

    @property
    def name(self) -> str:
        return self.seen.filmed.path.stem

    @cached_property
    def shots(self) -> list[Frame]:
        """uint8[SIZE_PX, SIZE_PX, 3] each."""
        count = int(self.seen.rows["intake"]["duration_s"] * FPS)
        at = max(0, min(round(self.face["time_s"] * FPS) - HALF, count - 2 * HALF))
        some = islice(frames(self.seen.filmed.uri, fps=FPS), at, at + 2 * HALF)
        return [_squared(frame, self.face) for _, frame in some]

    @cached_property
    def middle(self) -> list[Frame]:
        """A half around the face."""
        shots = self.shots
        at = max(0, (len(shots) - HALF) // 2)
        return shots[at : at + HALF]


def _fittest(seen: Seen) -> Told | None:
    """Where the face is by which a person is known; of a person who was filmed twice one clip will do."""
    if seen.filmed.state != "accepted" or "identity" not in seen.rows or seen.filmed.name in TWINS:
        return None
    row = seen.rows["identity"]
    faces = [face for face in row["faces"] if face["is_fittest"] and face["fitness"] >= FIT]
    return {**faces[0], "time_s": row["frame_times"][faces[0]["frame"]]} if faces else None


def _squared(frame: Frame, face: Told) -> Frame:
    """As much of the frame as a square with the face in it can show."""
    height, width = frame.shape[:2]
    side = min(height, width)
    left = min(max(0, round((face["x0"] + face["x1"]) / 2 - side / 2)), width - side)
    top = min(max(0, round((face["y0"] + face["y1"]) / 2 - side * FACE_AT)), height - side)
    cut = frame[top : top + side, left : left + side]
    how = cv2.INTER_AREA if side > SIZE_PX else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(cut, (SIZE_PX, SIZE_PX), interpolation=how), dtype=np.uint8)
