"""Who is there beside the subject of a clip, and how many people there are in each sample."""

from collections.abc import Sequence
from statistics import fmean

import numpy as np
from pyarrow import float32, int32, struct

from actor18m.media.boxes import inside, size
from actor18m.media.tracks import SeenPerson, Track
from stages.told import rounded

OTHER = struct(
    [("first_s", float32()), ("last_s", float32()), ("samples", int32()), ("score", float32()),
     ("size_share", float32()), ("inside_share", float32())]
)  # fmt: skip
"""Someone beside the subject: `samples` in which they are seen, the middle of their scores, how large they are at most,
as a share of the subject, and how much of them lies in the subject's box: a detector at times takes an upper body for
another person."""
_PART = 0.85
"""Of a person's box, so much within another one's is a part of them that is seen twice."""


def count(people: Sequence[SeenPerson], min_score: float) -> int:
    """Those who are no part of a surer one."""
    sure = [person for person in people if person.score >= min_score]
    return sum(all(inside(one.box, other.box) < _PART for other in sure[:i]) for i, one in enumerate(sure))


def others(found: Sequence[Track], chosen: Track, times: Sequence[float]) -> list[dict[str, object]]:
    """OTHER of each track that is none of the subject's."""
    return [_other_row(track, chosen, times) for track in found if not _is_part(track, chosen)]


def _is_part(track: Track, whole: Track) -> bool:
    return any(whole.seen.get(at) is person for at, person in track.seen.items())


def _other_row(track: Track, chosen: Track, times: Sequence[float]) -> dict[str, object]:
    own = [size(person.box) for person in chosen.seen.values()]
    first, last = next(iter(track.seen)), track.last
    within = [inside(track.seen[at].box, chosen.seen[at].box) for at in track.seen if at in chosen.seen]
    largest = max(size(person.box) for person in track.seen.values())
    return {
        "first_s": rounded(times[first]),
        "last_s": rounded(times[last]),
        "samples": len(track.seen),
        "score": rounded(float(np.median([person.score for person in track.seen.values()]))),
        "size_share": rounded(largest / float(np.median(own))),
        "inside_share": rounded(fmean(within) if within else 0.0),
    }
