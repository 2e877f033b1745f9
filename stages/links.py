"""What joins the faces by which a subject can be known, each with the next one: how alike they are, and whether the
subject was seen all along and kept their colours."""

from collections.abc import Mapping, Sequence
from itertools import combinations, pairwise
from statistics import fmean
from typing import Any

import numpy as np
from pyarrow import float32, struct

from actor18m.media.boxes import inside
from actor18m.media.tracks import SeenPerson, colour_similarity
from stages.told import box_of, rounded

FaceAt = dict[str, Any]
LINK = struct(
    [("first_s", float32()), ("last_s", float32()), ("fitness", float32()), ("similarity", float32()),
     ("change", float32()), ("seen_share", float32()), ("colour_similarity", float32()),
     ("min_step_similarity", float32())]
)  # fmt: skip
"""What joins a face of the subject that identity holds fit to be compared with the next such one: how fit the less fit
of them is; how alike they are; how much less alike the subject's faces up to here and from here on are than those of
either side, null where a side has a single one; the share of the samples between the two in which the subject is seen;
how alike the subject's colours are at both ends, and from sample to sample at least."""


def faces_at(identity: Mapping[str, Any], times: Sequence[float]) -> list[FaceAt]:
    """Identity's faces, each with the `sample` that was shown then."""
    at = np.searchsorted(np.asarray(times), np.asarray(identity["frame_times"]) + 1e-3, side="right") - 1
    return [dict(face) | {"sample": int(at[face["frame"]])} for face in identity["faces"]]


def is_of(face: FaceAt, person: SeenPerson) -> bool:
    return inside(box_of(face), person.box) >= 0.7


def links(
    faces: Sequence[FaceAt], seen: Sequence[SeenPerson | None], times: Sequence[float]
) -> list[dict[str, object]]:
    fit = [face for face in faces if face["similarities"] is not None]
    own = [i for i, face in enumerate(fit) if (who := seen[face["sample"]]) and is_of(face, who)]
    found: list[dict[str, object]] = []
    for number, (i, j) in enumerate(pairwise(own), start=1):
        one, other = fit[i], fit[j]
        between = seen[one["sample"] : other["sample"] + 1]
        there = [person for person in between if person]
        found.append(
            {
                "first_s": rounded(times[one["sample"]]),
                "last_s": rounded(times[other["sample"]]),
                "fitness": rounded(min(one["fitness"], other["fitness"])),
                "similarity": rounded(other["similarities"][i]),
                "change": rounded(_change([[_alike(fit, a, b) for b in own] for a in own], number)),
                "seen_share": rounded(len(there) / len(between)),
                "colour_similarity": rounded(colour_similarity(there[0].colours, there[-1].colours)),
                "min_step_similarity": rounded(
                    min((colour_similarity(a.colours, b.colours) for a, b in pairwise(there)), default=1.0)
                ),
            }
        )
    return found


def _alike(fit: Sequence[FaceAt], one: int, other: int) -> float:
    return 1.0 if one == other else float(fit[max(one, other)]["similarities"][min(one, other)])


def _change(alike: Sequence[Sequence[float]], at: int) -> float | None:
    """How alike faces are within both sides of a place, less how alike they are across it."""
    sides = range(at), range(at, len(alike))
    within = [alike[a][b] for side in sides for a, b in combinations(side, 2)]
    if min(map(len, sides)) < 2:
        return None
    return fmean(within) - fmean(alike[a][b] for a in sides[0] for b in sides[1])
