"""Does the embedder tell one person from two? By faces that are fit to be compared, of one clip and of different ones.

The rows say where such faces are; they are embedded again by the pipeline's backends, since no embedding is among the
rows. Only how alike pairs are is kept.
"""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

from accuracy.at import frame_at
from accuracy.figures import Separation, separation
from accuracy.read import Seen, Told
from actor18m import keys
from actor18m.arrays import Box, Floats
from actor18m.config.pipeline import Pipeline
from actor18m.media.boxes import overlap
from actor18m.media.similarity import similarity
from actor18m.media.video import frames
from stages.told import box_of

FIT = 0.3
"""As in the policy: less fit faces are not compared."""
FACES_OF_A_CLIP = 4
ONE_FACE = 0.3
TWINS = {"single17_asl_man_yes.mkv": "single15_asl_man_again.mkv"}
"""Of the footage: the same person, filmed twice."""


@dataclass(frozen=True, eq=False)
class Known:
    """An embedded face, and whose it is."""

    person: str
    clip: str
    vector: Floats


@dataclass(frozen=True)
class Pairs:
    """How alike faces are."""

    of_one_clip: list[float]
    of_one_person: list[float]
    """In different clips."""
    of_two: list[float]

    def __add__(self, other: "Pairs") -> "Pairs":
        """Those of two sets; across them nobody is compared."""
        return Pairs(
            self.of_one_clip + other.of_one_clip,
            self.of_one_person + other.of_one_person,
            self.of_two + other.of_two,
        )


def threshold(pipeline: Pipeline) -> float:
    """What the profile calls one person."""
    bound: float = pipeline.rules("identity")["mean_similarity"].bounds["at_least"]
    return bound


def told(pairs: Pairs, bound: float) -> Separation:
    return separation(pairs.of_one_clip + pairs.of_one_person, pairs.of_two, bound)


def pairs_of(seen: Sequence[Seen], pipeline: Pipeline, kept: Path) -> Pairs:
    """`kept` is the file that has them when nothing has changed since."""
    wanted = [each for each in seen if fit_faces(each)]
    backends = pipeline.step("identity").roles
    asked = keys.digest(
        "pairs",
        [[each.filmed.name, fit_faces(each)] for each in wanted],
        {role: list(backend.described()) for role, backend in backends.items()},
    )
    if kept.is_file() and (found := json.loads(kept.read_text()))["asked"] == asked:
        return Pairs(**found["pairs"])
    loaded = {role: backend.loaded() for role, backend in backends.items()}
    pairs = compared([face for each in wanted for face in _embedded(each, loaded)], loaded["identity"].metric)
    kept.write_text(json.dumps({"asked": asked, "pairs": asdict(pairs)}) + "\n")
    return pairs


def compared(faces: Sequence[Known], metric: Any) -> Pairs:
    pairs = Pairs([], [], [])
    for one, other in combinations(faces, 2):
        same = pairs.of_one_clip if one.clip == other.clip else pairs.of_one_person
        alike = similarity(metric, one.vector, other.vector)
        (same if one.person == other.person else pairs.of_two).append(round(alike, 4))
    return pairs


def fit_faces(seen: Seen) -> list[Told]:
    """Spread over the clip. Of footage only clips that are known to show one person."""
    if "identity" not in seen.rows or (seen.filmed.truth is None and seen.filmed.state != "accepted"):
        return []
    fit = [face for face in seen.rows["identity"]["faces"] if face["rank"] == 0 and face["fitness"] >= FIT]
    step = max(1, -(-len(fit) // FACES_OF_A_CLIP))
    return fit[::step]


def _embedded(seen: Seen, backends: dict[str, Any]) -> Iterator[Known]:
    row, wanted = seen.rows["identity"], {face["frame"]: face for face in fit_faces(seen)}
    times = row["frame_times"]
    fps = 1 / (times[1] - times[0]) if len(times) > 1 else 1.0
    for number, (time_s, frame) in enumerate(frames(seen.filmed.uri, fps=fps)):
        if number not in wanted:
            continue
        box = box_of(wanted[number])
        face = max(backends["faces"].detect([frame])[0], key=lambda each: overlap(each.box, box))
        person = _person(seen, time_s, box)
        if person is not None:
            yield Known(person, seen.filmed.name, backends["identity"].embed([frame], [face])[0])


def _person(seen: Seen, time_s: float, box: Box) -> str | None:
    """Whose face it is by truth; None where it is nobody's, or while one person dissolves into another."""
    truth = seen.filmed.truth
    if truth is None:
        return TWINS.get(seen.filmed.name, seen.filmed.name)
    frame = frame_at(truth, time_s)
    if any(cut.first_frame <= frame <= cut.last_frame for cut in truth.cuts if cut.kind == "dissolve"):
        return None
    whose = [a.identity for a in truth.actors if (true := a.face_box[frame]) and overlap(box, true) >= ONE_FACE]
    return whose[0] if len(whose) == 1 else None
