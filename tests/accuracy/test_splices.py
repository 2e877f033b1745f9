from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from accuracy import swaps
from accuracy.build import DEFAULT
from accuracy.read import Fate, Seen
from accuracy.sets import SHIPPED, Filmed, samples, shipped_folder
from accuracy.splices import BACK, CUT, FADE, FADED, FPS, HALF, ON, SIZE_PX, faded, splices
from actor18m.arrays import Frame
from actor18m.media.video import frames


def with_face(name: str, x: float) -> Seen:
    """A shipped clip whose person is known by a face at 1 s."""
    (clip,) = (clip for clip in samples(SHIPPED, shipped_folder()).clips if clip.name == name)
    face = {"frame": 1, "is_fittest": True, "fitness": 0.9, "x0": x, "x1": x + 100, "y0": 100.0, "y1": 220.0}
    rows: dict[str, Any] = {"intake": {"duration_s": 4.0}, "identity": {"frame_times": [0.0, 1.0], "faces": [face]}}
    return Seen(clip, {}, rows)


def test_two_people_make_two_swaps_and_each_two_controls(tmp_path: Path) -> None:
    made = splices([with_face("talk_pitch_1", 430), with_face("talk_pitch_2", 430)], tmp_path)
    shots = {clip.case: [shot for _, shot in frames(clip.uri)] for clip in made.clips}
    assert sorted(clip.case for clip in made.clips) == sorted([CUT, FADED, ON, ON, BACK, BACK])
    assert shots[CUT][0].shape == (SIZE_PX, SIZE_PX, 3)
    assert {kind: len(each) for kind, each in shots.items()} == dict.fromkeys((CUT, ON, BACK), 2 * HALF) | {
        FADED: 2 * HALF - FADE
    }
    assert jumps(shots[CUT]) == [HALF]
    on, back = shots[ON], shots[BACK]
    assert all(difference(a, b) < 3 for a, b in zip(back, on[HALF:] + on[:HALF], strict=True)), "second half first"
    assert jumps(shots[ON]) == jumps(shots[FADED]) == []
    first = made.clips[0].path.stat().st_mtime_ns
    assert splices([with_face("talk_pitch_1", 430), with_face("talk_pitch_2", 430)], tmp_path) == made
    assert made.clips[0].path.stat().st_mtime_ns == first, "made once"


def jumps(shots: list[Frame]) -> list[int]:
    """Frames that differ from the one before by far more than others do."""
    steps = [difference(a, b) for a, b in pairwise(shots)]
    return [number for number, step in enumerate(steps, start=1) if step > 5 * float(np.median(steps)) + 1]


def difference(one: Frame, other: Frame) -> float:
    return float(np.abs(one.astype(int) - other).mean())


def test_one_melts_into_the_other() -> None:
    black, white = (np.full((2, 2, 3), value, np.uint8) for value in (0, 255))
    brightness = [int(frame.mean()) for frame in faded([black] * HALF, [white] * HALF)]
    assert brightness == sorted(brightness)
    assert (brightness.count(0), brightness.count(255)) == (HALF - FADE, HALF - FADE)


def spliced(kind: str, by: str, cuts: list[tuple[float, float]]) -> Seen:
    fate = Fate("rejected" if by else "accepted", by, None, None, None, None)
    motion = {"cuts": [{"first_s": first, "last_s": last} for first, last in cuts]}
    rows: dict[str, Any] = {"intake": {"duration_s": 2 * HALF / FPS}, "motion": motion}
    return Seen(Filmed(kind, Path(kind), kind, None), {DEFAULT: fate}, rows)


def test_accepted_swaps_and_people_who_are_called_another_are_counted() -> None:
    seen = [
        spliced(CUT, "motion.cut", [(2.0, 2.0)]),
        spliced(CUT, "", []),
        spliced(FADED, "identity.mean_similarity", [(1.5, 1.9)]),
        spliced(ON, "", []),
        spliced(BACK, "motion.one_identity", [(2.0, 2.0)]),
    ]
    told = {label: (figure.value, figure.n) for label, figure in swaps.figures(seen, DEFAULT).items()}
    assert told["accepted: swap by a cut"] == (0.5, 2)
    assert told["accepted: swap by a dissolve"] == (0.0, 1)
    assert told["accepted: all swaps"] == (0.3333, 3)
    assert told["called a change of person: same person, jumping back"] == (1.0, 1)
    assert told["called a change of person: same person, going on"] == (0.0, 1)
    assert swaps.cuts(seen)["cuts F1"].value == round(6 / 7, 4)
