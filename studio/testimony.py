"""Sightings of all frames, written down as a clip's truth."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import numpy.typing as npt

from actor18m.samples.truth import ActorTruth, Box, Cut, Occlusion, Truth, encode_mask, mask_frames
from studio.film import Film, people_of
from studio.witness import SEEN_PIXELS, Sighting

Mask = npt.NDArray[np.bool_]

HIDDEN_SHARE = 0.4  # an actor is occluded while less than this of what the frame would show is seen


def write_truth(film: Film, seen: Sequence[Sequence[Sighting | None]]) -> Truth:
    """The truth of a film from the sightings of all its frames."""
    people = people_of(film)
    sampled = mask_frames(np.array(film.times_s))
    frames = len(film.times_s)
    columns = [[frame[k] for frame in seen] for k in range(len(people))]
    duration = film.times_s[-1] + (film.times_s[-1] - film.times_s[0]) / (frames - 1)
    occlusions = [o for k, column in enumerate(columns) for o in _occlusions(k, column)]
    return Truth(
        schema_version=1,
        name=film.name,
        script=film.script,
        seed=film.seed,
        width=film.width,
        height=film.height,
        rotation=film.rotation,  # type: ignore[arg-type]  # pydantic checks that it is a quarter turn
        fps=round(frames / duration, 4),
        duration_s=round(duration, 4),
        frame_count=frames,
        expected=film.expected,
        cuts=_cuts(film),
        occlusions=occlusions,
        times_s=[round(t, 5) for t in film.times_s],
        people=[sum(s is not None and int(s.body.sum()) >= SEEN_PIXELS for s in frame) for frame in seen],
        mask_frames=sampled,
        actors=[
            _actor_truth(identity, k == 0, column, sampled)
            for k, (identity, column) in enumerate(zip(people, columns, strict=True))
        ],
    )


def _actor_truth(identity: str, subject: bool, column: Sequence[Sighting | None], sampled: Sequence[int]) -> ActorTruth:
    def angles(k: int) -> list[float | None]:
        return [None if s is None else round(s.head_angles_deg[k], 1) for s in column]

    return ActorTruth(
        identity=identity,
        role="subject" if subject else "other",
        body_yaw_deg=[None if s is None else round(s.body_yaw_deg, 1) for s in column],
        head_yaw_deg=angles(0),
        head_pitch_deg=angles(1),
        head_roll_deg=angles(2),
        expression=[None if s is None else s.expression for s in column],
        body_box=[None if s is None else _box(s.body) for s in column],
        face_box=[None if s is None else _box(s.face) for s in column],
        body_visible=[None if s is None else round(s.body_visible, 3) for s in column],
        face_visible=[None if s is None else round(s.face_visible, 3) for s in column],
        keypoints=[None if s is None else s.keypoints for s in column],
        body_masks=[None if (s := column[i]) is None else encode_mask(s.body) for i in sampled],
        face_masks=[None if (s := column[i]) is None else encode_mask(s.face) for i in sampled],
    )


def _cuts(film: Film) -> list[Cut]:
    times = np.array(film.times_s)
    out = []
    for (_, before), (start, after) in pairwise(film.takes):
        last = int(np.searchsorted(times, start - 1e-9))
        first = int(np.searchsorted(times, start - film.dissolve_s, side="right")) if film.dissolve_s else last
        same = [a.identity for a in before.cast] == [a.identity for a in after.cast]
        out.append(
            Cut(kind="dissolve" if film.dissolve_s else "hard", first_frame=first, last_frame=last, same_identity=same)
        )
    return out


def _occlusions(actor: int, column: Sequence[Sighting | None]) -> list[Occlusion]:
    hidden = [s is not None and s.in_frame_visible < HIDDEN_SHARE for s in column]
    out, first = [], None
    for i, h in enumerate([*hidden, False]):
        if h and first is None:
            first = i
        elif not h and first is not None:
            out.append(Occlusion(actor=actor, first_frame=first, last_frame=i - 1))
            first = None
    return out


def _box(mask: Mask) -> Box | None:
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return None
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1
