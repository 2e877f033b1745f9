"""All figures of one set, section by section, and the few that stand for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from tests.bench.accuracy import bodies, faces, golden, moments, verdicts
from tests.bench.accuracy.build import DEFAULT, POLICIES
from tests.bench.accuracy.figures import Figure, Figures, Separation
from tests.bench.accuracy.read import Seen

Sections = dict[str, Figures]
REAL_VERDICTS = f"real verdicts, policy {DEFAULT}"


def of_samples(seen: Sequence[Seen]) -> Sections:
    """Of clips with a truth."""
    by_policy = {f"verdicts, policy {policy}": verdicts.figures(seen, policy) for policy in POLICIES}
    return by_policy | {
        "bodies": bodies.figures(seen),
        "faces": faces.figures(seen),
        "cuts, occlusions, people": moments.figures(seen),
        "golden clips": golden.figures(seen),
    }


def of_real(seen: Sequence[Seen]) -> Sections:
    return {
        f"verdicts, policy {policy}": {"turning clips kept": verdicts.turning_kept(seen, policy)} for policy in POLICIES
    } | {f"real verdicts, policy {policy}": verdicts.real_figures(seen, policy) for policy in POLICIES}


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
    """What a figure of the summary has to reach."""

    section: str
    label: str
    bar: float
    is_at_most: bool = False

    def is_met(self, value: float) -> bool:
        return value <= self.bar if self.is_at_most else value >= self.bar


_VERDICTS = f"verdicts, policy {DEFAULT}"
SUMMARY = {
    "verdict_right": Bar(_VERDICTS, "verdict right", 0.95),
    "rule_right": Bar(_VERDICTS, "rule right, of those not to be accepted", 0.90),
    "forbidden_accepted": Bar(_VERDICTS, "accepted of those never to be accepted", 0, is_at_most=True),
    "turning_kept": Bar(_VERDICTS, "turning clips kept", 0.90),
    "body_yaw_median": Bar("bodies", "body yaw error (median / p90)", 10, is_at_most=True),
    "body_bins": Bar("bodies", f"body view right, {bodies.CLEAR_DEG:g}° off an edge", 0.95),
    "face_yaw_median": Bar("faces", f"face yaw error, yaw within {faces.WITHIN_DEG:g}° (median / p90)", 6, True),
    "face_pitch_median": Bar("faces", f"face pitch error, yaw within {faces.WITHIN_DEG:g}°", 8, is_at_most=True),
    "face_bins": Bar("faces", "face view right", 0.92),
    "mask_iou": Bar("bodies", "body mask IoU, whole body (mean / p10)", 0.90),
    "cuts_f1": Bar("cuts, occlusions, people", "cuts F1", 0.98),
    "occlusion_iou": Bar("cuts, occlusions, people", "occlusion interval IoU (mean / p10)", 0.7),
    "golden_f1": Bar("golden clips", "golden clips F1", 0.95),
    "anchor_yaw": Bar("golden clips", "anchor's body yaw off its view (median / p90)", 15, is_at_most=True),
    "real_accepted_right": Bar(REAL_VERDICTS, "expected accepted: right", 0.85),
    "real_rejected_right": Bar(REAL_VERDICTS, "expected rejected: right", 0.85),
    "real_failed_right": Bar(REAL_VERDICTS, "expected failed: right", 0.85),
}
"""What the project asks of itself, of clips that nothing was tuned on."""


def summary(of_fresh: Sections, of_footage: Sections) -> dict[str, Figure]:
    """From clips of fresh seeds, and from real footage where a key says so."""
    nothing = Figure(None, 0, "share")

    def pick(name: str, bar: Bar) -> Figure:
        sections: Mapping[str, Figures] = of_footage if name.startswith("real_") else of_fresh
        return sections.get(bar.section, {}).get(bar.label, nothing)

    return {name: pick(name, bar) for name, bar in SUMMARY.items()}
