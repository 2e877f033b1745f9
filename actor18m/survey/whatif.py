"""What would become of inputs under other rules: two surveys of the same store side by side. No model runs."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actor18m.errors import WrongUsage
from actor18m.policy.rules import must_be
from actor18m.survey.admission import PENDING
from actor18m.survey.chain import Chain
from actor18m.survey.images import STATES as IMAGE_STATES
from actor18m.survey.project import Project
from actor18m.survey.survey import ACCEPTED, STATES, Surveyed

_TOLD = ("rule", "value", "bound", "duplicate_of")
_MOST_STEPS = 1000


@dataclass(frozen=True)
class Move:
    """An input, or an image, that stands elsewhere than before."""

    uri: str
    clip: str | None
    """Of an image, its key."""
    before: str
    """`rejected identity.fit_faces`, `accepted`, `pending identity`."""
    after: str
    why: str
    """The value and the bound that stop it now, or that stopped it before."""
    is_image: bool = False

    @property
    def is_unknown(self) -> bool:
        """Until it, or what it depends on, is measured."""
        return PENDING in self.after.split()


def moves(before: Project, after: Project) -> list[Move]:
    """Inputs whose state, stage or rule differs, in order of registration."""
    columns = ("id", "lot", "uri")
    found = []
    surveys = zip(before.record().surveyed(columns), after.record().surveyed(columns), strict=True)
    for (_, old), (_, new) in surveys:
        for was, would_be in zip(_rows(old.inputs), _rows(new.inputs), strict=True):
            if (here := _where(was)) != (there := _where(would_be)):
                found.append(Move(was["uri"], would_be["clip"] or was["clip"], here, there, _why(would_be, was)))
        found += _image_moves(old, new, before.stages, after.stages)
    return found


def _image_moves(old: Surveyed, new: Surveyed, before: Chain, after: Chain) -> Iterator[Move]:
    """Of images that are asked for before or after: not those of clips that no subset takes in."""
    was, would_be = ({row["key"]: row for row in each.images.to_pylist()} for each in (old, new))
    waits = _waiting_clips(old, before), _waiting_clips(new, after)
    for key in sorted(was.keys() | would_be.keys()):
        image = was.get(key) or would_be[key]
        here = was.get(key) or _not_asked(image, old, waits[0])
        there = would_be.get(key) or _not_asked(image, new, waits[1])
        if _where(here) != _where(there):
            uri = new.inputs["uri"][image["number"]].as_py()
            why = _why(there, here)
            yield Move(uri, key, f"image {_where(here)}", f"image {_where(there)}", why, is_image=True)


def _waiting_clips(surveyed: Surveyed, chain: Chain) -> dict[tuple[str, str], str]:
    """By clip and stage that asks for images, the stage that must be measured first."""
    found = dict[tuple[str, str], str]()
    for asker in (link for link in chain.links if link.stage_class.requests is not None):
        own = [branch for branch in chain.branches if asker in branch.links]
        ways = [link for branch in own for link in (*branch.way, *branch.links)] or chain.clips
        for link in ways:
            for key in surveyed.missing[link.name]["key"].to_pylist():
                found.setdefault((key, asker.name), link.name)
    return found


def _not_asked(image: Mapping[str, Any], surveyed: Surveyed, waits: Mapping[tuple[str, str], str]) -> dict[str, Any]:
    """Where an image stands that is not asked for: nobody knows that before its clip's stages are measured."""
    told: dict[str, Any] = {"state": "not asked for", **dict.fromkeys(("stage", *_TOLD))}
    fate = {name: surveyed.inputs[name][image["number"]].as_py() for name in ("state", "stage")}
    if fate["state"] == PENDING:
        return told | fate
    if (stage := waits.get((image["clip"], image["asked_by"]))) is not None:
        return told | {"state": PENDING, "stage": stage}
    return told


def sweep(asked: str, project: Callable[[str], Project]) -> list[dict[str, Any]]:
    """For each value of a setting (`identity.mean_similarity=0.3:0.6:0.05`), how many inputs are in each state, and by
    subset how many images.
    """
    name, equals, span = asked.partition("=")
    if not equals:
        raise WrongUsage(f"--sweep {asked}: write STAGE.RULE=FIRST:LAST:STEP")
    told = []
    for value in _values(asked, span):
        swept = project(f"{name}={value}")
        branches = swept.stages.branches
        states, images = Counter[str](), {branch.subset: Counter[str]() for branch in branches}
        for _, surveyed in swept.record().surveyed():
            states.update(surveyed.inputs["state"].to_pylist())
            for branch in branches:
                images[branch.subset].update(surveyed.images_of(branch)["state"].to_pylist())
        told.append({"value": value, "states": {state: states[state] for state in STATES if states[state]}})
        told[-1]["accepted"] = states[ACCEPTED]
        told[-1]["images"] = {
            subset: {state: counts[state] for state in IMAGE_STATES if counts[state]}
            for subset, counts in images.items()
        }
    return told


def _values(asked: str, span: str) -> Iterator[float]:
    try:
        first, last, step = map(float, span.split(":"))
        count = math.floor((last - first) / step + 1e-9) + 1
        if not 1 <= count <= _MOST_STEPS:
            raise ValueError
    except (ValueError, ZeroDivisionError, OverflowError):
        raise WrongUsage(
            f"--sweep {asked}: must be FIRST:LAST:STEP with up to {_MOST_STEPS} values, such as 0.3:0.6:0.05"
        ) from None
    return (round(first + number * step, 9) for number in range(count))


def _rows(inputs: pa.Table) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = inputs.select(["uri", "clip", "state", "stage", *_TOLD]).to_pylist()
    return rows


def _where(row: dict[str, Any]) -> str:
    place = ".".join(filter(None, [row["stage"], row["rule"]]))
    return f"{row['state']} {place}".strip()


def _why(now: dict[str, Any], before: dict[str, Any]) -> str:
    for row in (now, before):
        if row["bound"] is not None:
            return f"{row['rule']} {row['value']}, {must_be(row['bound'])}"
        if row["duplicate_of"] is not None:
            return f"repeats {row['duplicate_of']}"
    return ""
