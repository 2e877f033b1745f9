"""Is each clip's verdict right, and did the right rule fire?"""

from collections import Counter
from collections.abc import Sequence

from accuracy.figures import Figure, Figures, ratio, share
from accuracy.read import Seen
from actor18m.samples.truth import Truth

TURNS_DEG = 90.0
"""A clip whose subject turns the body by so much is a turning one: it shows a side, or more."""
REAL_TURNS = ("turn_full", "turn_partial")
"""Cases of the catalog."""
STATES = ("accepted", "rejected", "failed")


def figures(seen: Sequence[Seen], policy: str) -> Figures:
    """Of clips with a truth."""
    known = [each for each in seen if each.filmed.truth is not None]
    stopped = [each for each in known if each.filmed.state != "accepted"]
    return {
        "verdict right": share(is_right(each, policy, known) for each in known),
        "rule right, of those not to be accepted": share(is_rule_right(each, policy) for each in stopped),
        "accepted of those never to be accepted": _accepted([s for s in known if is_forbidden(s.filmed.truth)], policy),
        "turning clips kept": turning_kept(seen, policy),
    }


def real_figures(seen: Sequence[Seen], policy: str) -> Figures:
    """Of clips that a catalog knows, by the state that it expects."""
    told = {}
    for state in STATES:
        those = [each for each in seen if each.filmed.truth is None and each.filmed.state == state]
        told[f"expected {state}: right"] = share(is_right(each, policy, seen) for each in those)
    return told


def turning_kept(seen: Sequence[Seen], policy: str) -> Figure:
    turning = [each for each in seen if each.filmed.state == "accepted" and turns(each)]
    return share(each.fates[policy].state == "accepted" for each in turning)


def turns(seen: Seen) -> bool:
    truth = seen.filmed.truth
    if truth is None:
        return seen.filmed.case in REAL_TURNS
    yaws = [yaw for yaw in truth.actors[0].body_yaw_deg if yaw is not None] if truth.actors else []
    return any(abs(yaw) >= TURNS_DEG for yaw in yaws)


def is_right(seen: Seen, policy: str, among: Sequence[Seen]) -> bool:
    """A duplicate must repeat the clip that it was made from."""
    fate, filmed = seen.fates[policy], seen.filmed
    if fate.state != filmed.state:
        return False
    if filmed.repeats is None:
        return True
    return fate.repeats == next(each.fates[policy].clip for each in among if each.filmed.uri == filmed.repeats)


def is_rule_right(seen: Seen, policy: str) -> bool:
    return seen.fates[policy].by in seen.filmed.rules


def is_forbidden(truth: Truth | None) -> bool:
    """Two people, a change to another person, or nobody."""
    if truth is None:
        return False
    return max(truth.people) != 1 or any(not cut.same_identity for cut in truth.cuts)


def confusion(seen: Sequence[Seen], policy: str) -> dict[str, dict[str, int]]:
    """Case -> what happened to its clips -> how many."""
    counts: dict[str, Counter[str]] = {}
    for each in seen:
        fate = each.fates[policy]
        told = f"{fate.state} ({fate.by})" if fate.by else fate.state
        counts.setdefault(each.filmed.case, Counter())[told] += 1
    return {case: dict(count.most_common()) for case, count in sorted(counts.items())}


def _accepted(seen: Sequence[Seen], policy: str) -> Figure:
    accepted = sum(each.fates[policy].state == "accepted" for each in seen)
    return ratio(accepted, len(seen))
