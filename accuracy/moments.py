"""Are cuts and occlusions found when they happen, and are people counted?"""

from collections.abc import Iterator, Sequence
from statistics import median

from accuracy.at import frame_at, subject
from accuracy.figures import Figures, Span, f1, matched, overlaps, ratio, share, span_overlap
from accuracy.read import Seen
from actor18m.samples.truth import MASK_FPS

SAMPLE_S = 1 / MASK_FPS + 1e-3
"""One step of the stages that look at 8 frames a second, and some dust."""
DISSOLVE_S = 0.5
"""By so much a dissolve may seem longer than it is: it begins and ends too faintly to be seen."""
HIDDEN = 0.4
"""A subject of whom less is visible, of what the frame mostly shows, may be called hidden: the truth's bound."""


def figures(seen: Sequence[Seen]) -> Figures:
    moved = [each for each in seen if "motion" in each.rows and each.filmed.truth is not None]
    return cut_figures([(cuts_found(each), *_true_cuts(each)) for each in moved]) | {
        "occlusion interval IoU (mean / p10)": overlaps(
            span_overlap(_found_occlusions(each), true) for each in moved if (true := _true_occlusions(each))
        ),
        "clips without occlusion said to have one": ratio(
            sum(bool(list(_false_occlusions(each))) for each in moved if not _true_occlusions(each)),
            sum(not _true_occlusions(each) for each in moved),
        ),
        "people counted right": share(found == true for each in moved for found, true in _counts(each)),
        "nobody, one or several told right": share(
            min(found, 2) == min(true, 2) for each in moved for found, true in _counts(each)
        ),
    }


def cut_figures(clips: Sequence[tuple[Sequence[Span], Sequence[Span], Sequence[Span]]]) -> Figures:
    """Of clips with (what was found, hard cuts that there are, dissolves that there are)."""
    found = sum(len(each) for each, _, _ in clips)
    hard = [matched(found, true, SAMPLE_S, SAMPLE_S) for found, true, _ in clips]
    soft = [matched(found, true, SAMPLE_S, DISSOLVE_S) for found, _, true in clips]
    hits, hard_true, soft_true = (
        sum(hard) + sum(soft),
        sum(len(t) for _, t, _ in clips),
        sum(len(t) for _, _, t in clips),
    )
    return {
        "cuts F1": f1(hits, found, hard_true + soft_true),
        "cuts found are cuts": ratio(hits, found),
        "hard cuts found": ratio(sum(hard), hard_true),
        "dissolves found": ratio(sum(soft), soft_true),
    }


def cuts_found(seen: Seen) -> list[Span]:
    return [(cut["first_s"], cut["last_s"]) for cut in seen.rows["motion"]["cuts"]] if "motion" in seen.rows else []


def _true_cuts(seen: Seen) -> tuple[list[Span], list[Span]]:
    """Hard ones, dissolves."""
    truth = seen.filmed.truth
    assert truth is not None
    spans = {"hard": list[Span](), "dissolve": list[Span]()}
    for cut in truth.cuts:
        spans[cut.kind].append((truth.times_s[cut.first_frame], truth.times_s[cut.last_frame]))
    return spans["hard"], spans["dissolve"]


def _true_occlusions(seen: Seen) -> list[Span]:
    """Of the subject."""
    truth = seen.filmed.truth
    assert truth is not None
    ends = [*truth.times_s[1:], truth.duration_s]
    return [(truth.times_s[o.first_frame], ends[o.last_frame]) for o in truth.occlusions if o.actor == 0]


def _found_occlusions(seen: Seen) -> list[Span]:
    return [(each["start_s"], each["end_s"]) for each in seen.rows["motion"]["occlusions"]]


def _false_occlusions(seen: Seen) -> Iterator[Span]:
    """Those in which the subject is in view all the time: one who walks out of the frame is not."""
    truth, actor = seen.filmed.truth, subject(seen)
    assert truth is not None
    if actor is None:
        return
    for first_s, last_s in _found_occlusions(seen):
        visible = [share or 0.0 for share in actor.body_visible]
        during = visible[frame_at(truth, first_s) : frame_at(truth, last_s) + 1]
        if min(during) > HIDDEN * median(visible):
            yield first_s, last_s


def _counts(seen: Seen) -> Iterator[tuple[int, int]]:
    """(told, true) of each sample, but for those inside a dissolve."""
    truth = seen.filmed.truth
    assert truth is not None
    dissolves = [(cut.first_frame, cut.last_frame) for cut in truth.cuts if cut.kind == "dissolve"]
    for time_s, people in zip(seen.times_s, seen.rows["motion"]["people"], strict=True):
        frame = frame_at(truth, time_s)
        if not any(first <= frame <= last for first, last in dissolves):
            yield people, truth.people[frame]
