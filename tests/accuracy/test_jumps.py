from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from accuracy import jumps
from accuracy.build import DEFAULT
from accuracy.jumps import RULE, Made, is_called, made_of
from accuracy.sets import SHIPPED, Filmed, samples, shipped_folder
from actor18m.config.pipeline import load_pipeline
from actor18m.config.shipped import find_pipeline
from actor18m.inputs import canonical_uri
from actor18m.media.video import frames


def talking() -> Filmed:
    (clip,) = (clip for clip in samples(SHIPPED, shipped_folder()).clips if clip.name == "talk_yaw_1")
    return clip


def test_a_piece_is_taken_out_and_the_jump_over_it_is_told_and_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jumps, "MISSING_S", (1.2,))
    jump, whole = islice(made_of(talking(), tmp_path), 2)
    assert (jump.kind, whole.kind) == ("jump over", "as it is")
    assert jump.jump_s is not None
    assert whole.jump_s is None
    shown = {each.kind: [shot.astype(int) for _, shot in frames(canonical_uri(each.path))] for each in (jump, whole)}
    at, missing = round(jump.jump_s * 24), round(1.2 * 24)
    assert len(shown["jump over"]) == len(shown["as it is"]) - missing
    for number, gap in ((at - 1, 0), (at, missing)):
        assert np.abs(shown["jump over"][number] - shown["as it is"][number + gap]).mean() < 3
    rule = {RULE: load_pipeline(find_pipeline(DEFAULT)).rules("motion")[RULE]}
    assert is_called(jump, rule)
    assert not is_called(whole, rule)
    elsewhere = Made(jump.kind, jump.of, jump.path, jump.jump_s + 1)
    assert not is_called(elsewhere, rule), "a break elsewhere is not this jump"


def test_a_clip_and_all_that_is_made_of_it_are_of_one_half() -> None:
    halves = {
        name: [Made(kind, name, Path(), None).is_reported for kind in "ab"]
        for name in ("one.mp4", "other.mp4", "third.mp4")
    }
    assert all(one == other for one, other in halves.values())
    assert len({one for one, _ in halves.values()}) == 2
