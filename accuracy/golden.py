"""Are clips that show a person from all sides told, and do their anchors show what they are meant to?"""

from collections.abc import Iterator, Sequence

from accuracy.at import frame_at, is_wanted, subject
from accuracy.figures import Figure, Figures, errors, f1, ratio, share
from accuracy.read import Seen
from actor18m.media.views import angle_between
from actor18m.samples.truth import Truth

CANONICAL_DEG = {"front": (0.0,), "side": (90.0, -90.0), "back": (180.0,)}
WITHIN_DEG = 25.0
VISIBLE = 0.95
"""Nothing to speak of stands before the body, and all 17 points are in the frame: the rendered bodies that are cut off
have at most 0.90 and lack their ankles."""
ANCHOR_WITHIN_DEG = 15.0


def figures(seen: Sequence[Seen]) -> Figures:
    """Of clips that a right pipeline accepts: no other becomes a reference."""
    chosen = [each for each in seen if is_wanted(each) and "select" in each.rows]
    told = [each for each in chosen if each.rows["select"]["is_golden"]]
    true = [each for each in chosen if (truth := each.filmed.truth) is not None and is_golden(truth)]
    hits = [each for each in told if each in true]
    off = [error for each in hits for error in _anchor_errors(each)]
    return {
        "golden clips F1": f1(len(hits), len(told), len(true)),
        "golden clips are golden": ratio(len(hits), len(told)),
        "golden clips found": ratio(len(hits), len(true)),
        "anchor's body yaw off its view (median / p90)": errors(off),
        "anchor's body yaw off its view, the worst": Figure(max(off, default=None), len(off), "degrees"),
        f"anchors within {ANCHOR_WITHIN_DEG:g}°": share(error <= ANCHOR_WITHIN_DEG for error in off),
    }


def is_golden(truth: Truth) -> bool:
    """Front, side and back are each shown, whole and clear."""
    return all(any(_shows(truth, canonical)) for canonical in CANONICAL_DEG.values())


def _shows(truth: Truth, canonical: Sequence[float]) -> Iterator[bool]:
    actor = truth.actors[0]
    for yaw, visible, points in zip(actor.body_yaw_deg, actor.body_visible, actor.keypoints, strict=True):
        if yaw is not None and visible is not None and points is not None:
            is_whole = visible >= VISIBLE and all(state != 0 for _, _, state in points)
            yield is_whole and off_view(yaw, canonical) <= WITHIN_DEG


def off_view(yaw_deg: float, canonical: Sequence[float]) -> float:
    return min(angle_between(yaw_deg, each) for each in canonical)


def _anchor_errors(seen: Seen) -> Iterator[float]:
    """How far the subject is turned, by truth, from the view that an anchor is said to show."""
    actor, truth = subject(seen), seen.filmed.truth
    assert actor is not None
    assert truth is not None
    for anchor in seen.rows["select"]["anchors"]:
        yaw = actor.body_yaw_deg[frame_at(truth, anchor["time_s"])]
        yield 180.0 if yaw is None else off_view(yaw, CANONICAL_DEG[anchor["view"]])
