"""How many changes of person are accepted, and how many clips of one person are called one?"""

from collections.abc import Sequence

from accuracy import splices
from accuracy.figures import Figures, Span, share
from accuracy.moments import cut_figures, cuts_found
from accuracy.read import Seen
from accuracy.splices import CONTROLS, FADE, FPS, HALF, ON, SWAPS

OF_IDENTITY = ("identity.mean_similarity", "identity.one_face", "motion.one_identity", "motion.one_person")
"""Rules that say that the person changed, or that there are several."""


def figures(seen: Sequence[Seen], policy: str) -> Figures:
    """Verdicts up to motion, which has the final word on identity."""
    told = {}
    for kind in SWAPS:
        told[f"accepted: {kind}"] = share(_is_accepted(each, policy) for each in seen if each.filmed.case == kind)
    told["accepted: all swaps"] = share(_is_accepted(each, policy) for each in seen if each.filmed.case in SWAPS)
    told[f"accepted: {ON}"] = share(_is_accepted(each, policy) for each in seen if each.filmed.case == ON)
    for kind in CONTROLS:
        of_kind = [each for each in seen if each.filmed.case == kind]
        told[f"called a change of person: {kind}"] = share(e.fates[policy].by in OF_IDENTITY for e in of_kind)
    return told


def cuts(seen: Sequence[Seen]) -> Figures:
    """Where motion looked: clips that identity rejects have no rows of it."""
    return cut_figures([(cuts_found(each), *_true_cuts(each)) for each in seen if "motion" in each.rows])


def _is_accepted(seen: Seen, policy: str) -> bool:
    return seen.fates[policy].state == "accepted"


def _true_cuts(seen: Seen) -> tuple[list[Span], list[Span]]:
    """Hard ones, dissolves."""
    match seen.filmed.case:
        case splices.CUT:
            return [(HALF / FPS, HALF / FPS)], []
        case splices.FADED:
            return [], [((HALF - FADE) / FPS, (HALF - 1) / FPS)]
        case splices.BACK:
            count = round(seen.rows["intake"]["duration_s"] * FPS)
            jump_s = (count - count // 2) / FPS
            return [(jump_s, jump_s)], []
    return [], []
