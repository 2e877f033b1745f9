"""All figures of one set, section by section, and the few that stand for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from accuracy import bodies, captions, faces, golden, judging, jumps, kinds, moments, persons, verdicts
from accuracy.build import DEFAULT, POLICIES
from accuracy.figures import Figure, Figures, Separation, together
from accuracy.read import Seen
from accuracy.sets import FRESH, REAL, SHIPPED
from accuracy.splices import NAME as SPLICES

Sections = dict[str, Figures]
_PERSONS = "identities across clips"


def of_samples(seen: Sequence[Seen]) -> Sections:
    """Of clips with a truth."""
    by_policy = {f"verdicts, policy {policy}": verdicts.figures(seen, policy) for policy in POLICIES}
    return by_policy | {
        "bodies": bodies.figures(seen),
        "faces": faces.figures(seen),
        "cuts, occlusions, people": moments.figures(seen),
        "golden clips": golden.figures(seen),
        "captions": captions.figures(seen),
        _PERSONS: persons.figures(seen),
    }


def of_real(seen: Sequence[Seen]) -> Sections:
    return {
        f"verdicts, policy {policy}": {"turning clips kept": verdicts.turning_kept(seen, policy)} for policy in POLICIES
    } | {f"real verdicts, policy {policy}": verdicts.real_figures(seen, policy) for policy in POLICIES} | {
        _PERSONS: persons.figures(seen)
    }  # fmt: skip


def of_identity(told: Separation, bound: float) -> Figures:
    """`bound`: the similarity that the profile asks for."""
    pairs = told.same + told.different
    return {
        "area under the curve": Figure(told.auc, pairs, "index"),
        "equal error": Figure(told.equal_error, pairs, "share"),
        "similarity of the equal error": Figure(told.equal_error_at, pairs, "index"),
        f"pairs of one person below {bound:g}": Figure(told.refused, told.same, "share"),
        f"pairs of two people from {bound:g} on": Figure(told.taken, told.different, "share"),
    }


@dataclass(frozen=True)
class Bar:
    """A figure of the summary: where it stands, and what it has to reach."""

    section: str
    label: str
    bar: float
    is_at_most: bool = False
    sets: Sequence[str] = (FRESH,)
    """Shares of several are put together."""

    def is_met(self, value: float) -> bool:
        return value <= self.bar if self.is_at_most else value >= self.bar


_VERDICTS, _REAL_VERDICTS = f"verdicts, policy {DEFAULT}", f"real verdicts, policy {DEFAULT}"
_MOMENTS = "cuts, occlusions, people"
SUMMARY = {
    "verdict_right": Bar(_VERDICTS, "verdict right", 0.95),
    "rule_right": Bar(_VERDICTS, "rule right, of those not to be accepted", 0.90),
    "forbidden_accepted": Bar(_VERDICTS, "accepted of those never to be accepted", 0, is_at_most=True),
    "turning_kept": Bar(_VERDICTS, "turning clips kept", 0.90, sets=(FRESH, REAL)),
    "swaps_accepted": Bar(f"{SPLICES}, policy {DEFAULT}", "accepted: all swaps", 0, is_at_most=True, sets=(SPLICES,)),
    "jump_cuts_found": Bar(jumps.NAME, jumps.label(jumps.JUMP, jumps.REPORTED), 0.80, sets=(jumps.NAME,)),
    "called_cut": Bar(
        jumps.NAME, jumps.label(jumps.AS_IT_IS, jumps.REPORTED), 0.02, is_at_most=True, sets=(jumps.NAME,)
    ),
    "body_yaw_median": Bar("bodies", "body yaw error (median / p90)", 10, is_at_most=True),
    "body_bins": Bar("bodies", f"body view right, {bodies.CLEAR_DEG:g}° off an edge", 0.95),
    "face_yaw_median": Bar("faces", f"face yaw error, yaw within {faces.WITHIN_DEG:g}° (median / p90)", 6, True),
    "face_pitch_median": Bar("faces", f"face pitch error, yaw within {faces.WITHIN_DEG:g}°", 8, is_at_most=True),
    "face_bins": Bar("faces", "face view right", 0.92),
    "mask_iou": Bar("bodies", "body mask IoU, whole body (mean / p10)", 0.90),
    "cuts_f1": Bar(_MOMENTS, "cuts F1", 0.98),
    "occlusion_iou": Bar(_MOMENTS, "occlusion interval IoU (mean / p10)", 0.7),
    "golden_f1": Bar("golden clips", "golden clips F1", 0.95),
    "anchor_yaw": Bar("golden clips", "anchor's body yaw off its view, the worst", 15, is_at_most=True),
    "captions_right": Bar("captions", "all statements right", 0.95),
    "people_joined": Bar(_PERSONS, "pairs of two people told to be one", 0, is_at_most=True, sets=(FRESH, REAL)),
    "person_together": Bar(_PERSONS, "a person's pieces together", 0.95, sets=(FRESH, REAL)),
    **{
        f"judge_{name}": Bar(judging.RENDERED_TITLE, judging.label(kind), bar, is_at_most, (judging.NAME,))
        for name, kind, bar, is_at_most in (
            ("right_accepted", kinds.TRUE, 0.90, False),
            ("stranger_accepted", kinds.STRANGER, 0.05, True),
            ("garment_accepted", kinds.GARMENT, 0.05, True),
            ("mirrored_accepted", kinds.MIRRORED, 0.05, True),
            ("other_view_accepted", kinds.OTHER_VIEW, 0.05, True),
            ("two_accepted", kinds.TWO, 0.05, True),
        )
    },
    "real_accepted_right": Bar(_REAL_VERDICTS, "expected accepted: right", 0.85, sets=(REAL,)),
    "real_rejected_right": Bar(_REAL_VERDICTS, "expected rejected: right", 0.85, sets=(REAL,)),
    "real_failed_right": Bar(_REAL_VERDICTS, "expected failed: right", 0.85, sets=(REAL,)),
}
"""What the project asks of itself, of clips that nothing was tuned on."""


def summary(told: Mapping[str, Sections]) -> dict[str, Figure]:
    """By set. Where no fresh clips are measured the shipped ones stand for them."""
    by_set = dict(told)
    by_set.setdefault(FRESH, told.get(SHIPPED, {}))
    return {name: _picked(bar, by_set) for name, bar in SUMMARY.items()}


def _picked(bar: Bar, told: Mapping[str, Sections]) -> Figure:
    sections = [_section(told.get(name, {}), bar.section) for name in bar.sets]
    figures = [section.get(bar.label, Figure(None, 0, "share")) for section in sections]
    return figures[0] if len(figures) == 1 else together(figures)


def _section(sections: Sections, name: str) -> Figures:
    """Of whichever seed, where a section is of one."""
    return next((each for title, each in sections.items() if title == name or title.startswith(f"{name} of seed ")), {})
