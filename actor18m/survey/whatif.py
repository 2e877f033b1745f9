"""What would become of inputs under other rules: two surveys of the same store side by side. No model runs."""

import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pyarrow as pa

from actor18m.errors import WrongUsage
from actor18m.survey.project import Project
from actor18m.survey.survey import ACCEPTED, STATES, Surveyed

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


def moves(before: Project, after: Project) -> list[Move]:
    """Inputs whose state, stage or rule differs, in order of registration."""
    columns = ("id", "lot", "uri")
    found = []
    surveys = zip(before.record().surveyed(columns), after.record().surveyed(columns), strict=True)
    for (_, old), (_, new) in surveys:
        for was, would_be in zip(_rows(old.inputs), _rows(new.inputs), strict=True):
            if (here := _where(was)) != (there := _where(would_be)):
                found.append(Move(was["uri"], would_be["clip"] or was["clip"], here, there, _why(would_be, was)))
        found += _image_moves(old, new)
    return found


def _image_moves(old: Surveyed, new: Surveyed) -> Iterator[Move]:
    """Of images that are asked for before or after: not those of clips that no subset takes in."""
    was, would_be = ({row["key"]: row for row in each.images.to_pylist()} for each in (old, new))
    none = {"state": "not asked for", **dict.fromkeys(("stage", "rule", "value", "bound", "duplicate_of"))}
    for key in sorted(was.keys() | would_be.keys()):
        before, after = was.get(key, none), would_be.get(key, none)
        if (here := _where(before)) != (there := _where(after)):
            number = (was.get(key) or would_be[key])["number"]
            uri = new.inputs["uri"][number].as_py()
            yield Move(uri, key, f"image {here}", f"image {there}", _why(after, before), is_image=True)


def sweep(asked: str, project: Callable[[str], Project]) -> list[dict[str, Any]]:
    """For each value of a setting (`identity.mean_similarity=0.3:0.6:0.05`), how many inputs are in each state."""
    name, equals, span = asked.partition("=")
    if not equals:
        raise WrongUsage(f"--sweep {asked}: write STAGE.RULE=FIRST:LAST:STEP")
    told = []
    for value in _values(asked, span):
        states = Counter[str]()
        for _, surveyed in project(f"{name}={value}").record().surveyed():
            states.update(surveyed.inputs["state"].to_pylist())
        told.append({"value": value, "states": {state: states[state] for state in STATES if states[state]}})
        told[-1]["accepted"] = states[ACCEPTED]
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
    rows: list[dict[str, Any]] = inputs.select(
        ["uri", "clip", "state", "stage", "rule", "value", "bound", "duplicate_of"]
    ).to_pylist()
    return rows


def _where(row: dict[str, Any]) -> str:
    place = ".".join(filter(None, [row["stage"], row["rule"]]))
    return f"{row['state']} {place}".strip()


def _why(now: dict[str, Any], before: dict[str, Any]) -> str:
    for row in (now, before):
        if row["bound"] is not None:
            return f"{row['rule']} {row['value']}, must be {row['bound']}"
        if row["duplicate_of"] is not None:
            return f"repeats {row['duplicate_of']}"
    return ""
