"""What must not become the latest version by accident: one without a clip, a much smaller one, one of failures.

All of it is asked before `latest` is switched. What a person means they can allow: each refusal names the word for it.
"""

import math
from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.amounts import amount
from actor18m.config.pipeline import VIDEOS
from actor18m.dataset.schemas import SUBSET
from actor18m.errors import Refused
from actor18m.policy.rules import OVERRIDE
from actor18m.survey.admission import PENDING, REMOVED, SPLIT, SUPERSEDED
from actor18m.survey.following import REJECTED
from actor18m.survey.images import KEPT
from actor18m.survey.plan import counted
from actor18m.survey.project import Project
from actor18m.survey.subsets import SubsetCounts
from actor18m.survey.survey import ACCEPTED, DUPLICATE, Surveyed

MAX_FAILED = 0.3
"""Of the inputs that were measured, of the clips of a subset, and of its images. Scraped lists have had several in a
hundred that are damaged or gone, and one in ten at worst; a bug fails all of those that it meets."""
FEW_FAILED = 3
"""Fewer are no sign of a bug, whatever their share is: one damaged file of three, say."""
MAX_SHRINKING = 0.2
"""Of the clips, and of the references of a subset, that the latest version has."""
FEW_LOST = 5
"""Fewer may go without a word: in a trial of a dozen clips, each moved bound would need one."""

_BAD = ("failed", "quarantined")
_NO_MORE = (SUPERSEDED, REMOVED)
_DENIED, _LIKE_DENIED = "denied", "like a denied clip"
_BY_A_WORD = (_DENIED, REMOVED)
"""What a person took out by a word is no accident, however much it is: it must not stay published."""
_REASONS = ("state", "stage", "rule", "error_kind")


@dataclass(frozen=True)
class Allowed:
    """What a person said beforehand."""

    failed: float | None = None
    """A share of the inputs measured, and of each subset's clips and images; None is MAX_FAILED, and any share of a
    few."""
    shrinking: float = MAX_SHRINKING
    empty: bool = False

    @property
    def most_failed(self) -> float:
        return MAX_FAILED if self.failed is None else self.failed


@dataclass
class Outlook:
    """What would be published."""

    states: Counter[str]
    failed: Counter[str]
    """Why inputs failed or are quarantined."""
    fates: Mapping[str, str]
    """What became of the clips that the latest version has and this one would not."""
    images: int = 0
    """That are kept, of whatever subset."""

    @property
    def is_only_pending(self) -> bool:
        """There is nothing to publish, and might be when more is measured."""
        return self.states[PENDING] > 0 and not self.states[ACCEPTED] and not self.images

    @property
    def lost(self) -> Counter[str]:
        return Counter(self.fates.values())

    @property
    def withdrawn(self) -> pa.Array:
        """Clips that are lost since a person said so."""
        return pa.array([clip for clip, fate in self.fates.items() if fate in _BY_A_WORD], pa.string())


class Outlooking:
    """Makes an Outlook of a survey."""

    def __init__(self, project: Project, published: pa.Array | None) -> None:
        """`published`: the clips that the latest version has; None where there is none."""
        self._latest = pa.array([], pa.string()) if published is None else published
        self._like = frozenset(each.key for each in project.overrides if each.like is not None)
        self._states, self._failed = Counter[str](), Counter[str]()
        self._fates: list[pa.Table] = []
        self._images = 0

    def add(self, surveyed: Surveyed) -> None:
        inputs = surveyed.inputs
        self._states.update(counted(inputs["state"]))
        bad = inputs.filter(pc.is_in(inputs["state"], pa.array(_BAD)))
        self._failed.update(_reason(row) for row in bad.select(_REASONS).to_pylist())
        self._images += counted(surveyed.images["state"]).get(KEPT, 0)
        self._fates.append(inputs.filter(pc.is_in(inputs["clip"], self._latest)).select(["clip", *_REASONS]))

    def found(self) -> Outlook:
        lost = _lost(self._latest, self._fates, self._like)
        return Outlook(self._states, self._failed, lost, self._images)


def check_failed(found: Outlook, subsets: Mapping[str, SubsetCounts], allowed: Allowed) -> None:
    """Each share counts for itself: a subset without images is hidden by none of many inputs that are well."""
    states = Counter(found.states)
    for state in SPLIT, *_NO_MORE:
        del states[state]
    _check_share_failed("inputs", "FILE` tells all of one input", states, found.failed, allowed)
    for name, counts in subsets.items():
        entered = Counter(counts.stopped) + Counter({ACCEPTED: counts.clips})
        of_clips = "CLIP` tells all of one clip"
        _check_share_failed(f"clips of subset {name}", of_clips, entered, _bad(counts.why_stopped), allowed)
        of_images = "KEY` tells all of one image"
        _check_share_failed(f"images of subset {name}", of_images, counts.states, _bad(counts.reasons), allowed)


def foreseen(states: Mapping[str, int], allowed: Allowed) -> str | None:
    """In words, that too many inputs failed already for anything to be published, even if all others pass; None where
    that does not show yet.
    """
    bad = sum(states.get(state, 0) for state in _BAD)
    inputs = sum(states.values()) - sum(states.get(state, 0) for state in (SPLIT, *_NO_MORE))
    if not _are_too_many(bad, inputs, allowed):
        return None
    return (
        f"{bad} of {inputs} inputs failed or are quarantined ({_percent(bad / inputs)}). At most "
        f"{_percent(allowed.most_failed)} may, unless --max-failed says more: this build goes on, and nothing of it "
        "will be published. What it measures is kept: stop it or let it end, mend what they have in common and build "
        f"with --retry failed; or allow it: --max-failed {_share(bad, inputs):g}."
    )


def _bad(why: Mapping[str, int]) -> dict[str, int]:
    return {reason: count for reason, count in why.items() if reason.startswith(_BAD)}


def _check_share_failed(
    what: str, explained: str, states: Mapping[str, int], why: Mapping[str, int], allowed: Allowed
) -> None:
    bad = sum(states.get(state, 0) for state in _BAD)
    measured = sum(states.values()) - states.get(PENDING, 0)
    if not _are_too_many(bad, measured, allowed):
        return
    raise Refused(
        f"{bad} of {measured} {what} failed or are quarantined ({_percent(bad / measured)}): {_listed(why)}. "
        f"{_may_fail(allowed)} `actor18m status` counts the reasons, `actor18m explain {explained}. Mend what they "
        f"have in common and build with --retry failed; or allow it: --max-failed {_share(bad, measured):g}."
    )


def check_lost(found: Outlook, published: int | None, allowed: Allowed) -> None:
    """`published`: how many clips the latest version has; None where there is none. A subset whose gate does not ask
    for accepted clips may have images before any is.
    """
    lost = found.lost
    if not found.states.get(ACCEPTED) and not found.images:
        return _check_empty(published, allowed, _became(found.states), found.states.get(PENDING, 0))
    meant = {reason: count for reason, count in lost.items() if reason in _BY_A_WORD}
    others = {reason: count for reason, count in lost.items() if reason not in meant}
    beside = f", beside {_listed(meant)}" if meant else ""
    now = found.states.get(ACCEPTED, 0)
    _check_share("clips", sum(others.values()), published or 0, now, _listed(others) + beside, allowed)


def check_counts(
    now: Mapping[str, int],
    before: Mapping[str, int] | None,
    left_out: int,
    allowed: Allowed,
    withdrawn: Mapping[str, int] = MappingProxyType({}),
) -> None:
    """Of what is whole and about to be switched to, samples by folder; of those before, so many were withdrawn by a
    word. So many clips were left out on the way, since their files had gone: as many as may fail.
    """
    wanted = now.get(VIDEOS, 0) + left_out
    if _are_too_many(left_out, wanted, allowed):
        raise Refused(
            f"{left_out} of {amount(wanted, 'accepted clip')} cannot be published ({_percent(left_out / wanted)}): "
            f"their files have gone or were changed. Is a disk not mounted? {_may_fail(allowed)} Bring the files back "
            f"and build again; or allow it: --max-failed {_share(left_out, wanted):g}."
        )
    if not any(now.values()):
        return _check_empty(None if before is None else before.get(VIDEOS, 0), allowed, "no video could be published")
    for folder, had in (before or {}).items():
        gone = had - withdrawn.get(folder, 0) - now.get(folder, 0)
        what = f"images of subset {folder.removeprefix(SUBSET)}" if folder.startswith(SUBSET) else folder
        _check_share(what, gone, had, now.get(folder, 0), "", allowed)


def check_superseded(gone: int, came: int, present: int, allowed: Allowed) -> None:
    """Of `present` inputs so many would be superseded, and so many come in their place: they may be the same, moved."""
    missing = gone - came
    if missing >= FEW_LOST and missing > allowed.shrinking * present:
        raise Refused(
            f"--sync would supersede {gone} of the {amount(present, 'input')}, and {came or 'none'} would come in "
            "their place. Is a disk not mounted, or was --sync meant for another list? Nothing was changed. To add "
            "what is given, leave --sync out; if it is meant, build with "
            f"--allow-shrinking {_share(missing, present):g}."
        )


def _are_too_many(bad: int, measured: int, allowed: Allowed) -> bool:
    return bad > allowed.most_failed * measured and (allowed.failed is not None or bad >= FEW_FAILED)


def _may_fail(allowed: Allowed) -> str:
    return f"At most {_percent(allowed.most_failed)} may, unless --max-failed says more, so nothing was published."


def _check_share(what: str, gone: int, had: int, now: int, why: str, allowed: Allowed) -> None:
    """Of what the latest version has, so many would go; with those that come, `now` are left."""
    if gone < FEW_LOST or gone <= allowed.shrinking * had:
        return
    raise Refused(
        f"{gone} of the {had} {what} of the latest version ({_percent(gone / had)}) would be lost, and the new one "
        f"would have {now}{f': {why}' if why else ''}. At most {_percent(allowed.shrinking)} may be lost, unless "
        "--allow-shrinking says more, so nothing was published. If it is meant, build with "
        f"--allow-shrinking {_share(gone, had):g}."
    )


def _check_empty(published: int | None, allowed: Allowed, why: str, pending: int = 0) -> None:
    """Where the latest version is empty, too, somebody has allowed it."""
    if allowed.empty or published == 0:
        return
    if pending:
        raise Refused(
            f"no clip would be published yet ({why}): {amount(pending, 'input')} could not be measured to the end, so "
            "nothing was published. `actor18m status` says at which stage they are pending, and the log why; see to "
            "that, and run the same command again."
        )
    raise Refused(
        f"no clip would be published ({why}), and an empty version is hardly meant. `actor18m status` counts the "
        "reasons. If it is, build with --allow-empty."
    )


def _became(states: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {state}" for state, count in states.items() if count) or "no input is registered"


def _lost(published: pa.Array, fates: list[pa.Table], like: Collection[str] = ()) -> dict[str, str]:
    """Of each clip that is accepted no more, what became of its inputs: one of them, and rather one that is given.
    `like`: those that are denied only for being near duplicates.
    """
    if not fates:
        return dict.fromkeys(published.to_pylist(), "no input any more")
    told = pa.concat_tables(fates)
    accepted = told.filter(pc.equal(told["state"], ACCEPTED))["clip"]
    lost = published.filter(pc.invert(pc.is_in(published, value_set=accepted.combine_chunks())))
    rows = {
        row["clip"]: row
        for row in sorted(
            told.filter(pc.is_in(told["clip"], value_set=lost)).to_pylist(),
            key=lambda row: row["state"] not in (*_NO_MORE, DUPLICATE),
        )
    }
    fate_of = {
        clip: _reason(rows[clip]) if clip in rows else "edited, split, or not read again" for clip in lost.to_pylist()
    }
    return {clip: _LIKE_DENIED if fate == _DENIED and clip in like else fate for clip, fate in fate_of.items()}


def _reason(row: Mapping[str, str | None]) -> str:
    state, stage = str(row["state"]), row["stage"]
    if row["rule"] == OVERRIDE:
        return _DENIED
    if state == REJECTED:
        return f"rejected by {stage}.{row['rule']}"
    if state in _BAD:
        return f"{state} in {stage} ({row['error_kind']})"
    return f"{state} in {stage}" if state == PENDING else state


def _listed(reasons: Mapping[str, int]) -> str:
    return ", ".join(f"{count} {reason}" for reason, count in Counter(reasons).most_common())


def _percent(share: float) -> str:
    return f"{round(100 * share, 1):g}%"


def _share(part: int, whole: int) -> float:
    """Rounded up, so that it is enough."""
    return math.ceil(100 * part / whole) / 100
