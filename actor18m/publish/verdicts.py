"""Verdicts as tables tell them: values and bounds as numbers, so that whoever asks for near misses parses no text."""

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from actor18m.dataset.schemas import DECISIONS
from actor18m.policy.rules import OVERRIDE, Rule, judge, must_be, spelt
from actor18m.shortest import shortest_column

_OF_WHY = ("stage", "rule", "value", "bound", "duplicate_of", "error_kind", "why")
_INWARDS = {"at_least": 1, "above": 1, "at_most": -1, "below": -1}
"""Into which direction from the bound values are allowed."""


def decisions(stage: str, name: str, rule: Rule, clips: pa.ChunkedArray, rows: pa.Table) -> pa.Table:
    """A row of the table for each row that was judged by a rule whose values stand in a column of the rule's name."""
    count = len(clips)
    number = _number(rows[name])
    is_text = _is_text(rows[name])
    limits = {bound: float(limit) for bound, limit in rule.bounds.items() if bound in _INWARDS}
    allowed = [spelt(each) for bound in ("equals", "is_in") if bound in rule.bounds for each in _each(rule, bound)]
    columns = {
        "clip": clips,
        "stage": _same(stage, count),
        "rule": _same(name, count),
        "value": number,
        "text": rows[name].cast(pa.string()) if is_text else pa.nulls(count, pa.string()),
        **{bound: pa.array([limits.get(bound)] * count, pa.float64()) for bound in _INWARDS},
        "allowed": pa.array([allowed or None] * count, pa.list_(pa.string())),
        "margin": _margin(number, limits),
        "passed": judge(rows, {name: rule})["passed"],
    }
    return pa.table(columns).select(DECISIONS.names).cast(DECISIONS)


def fates(inputs: pa.Table) -> dict[str, pa.Array]:
    """`value` and `bound` as numbers, and in `why` what stopped an input, a clip or an image, in words."""
    why = list(map(_why, inputs.select([name for name in _OF_WHY if name in inputs.column_names]).to_pylist()))
    return {
        "value": pa.array(map(_parsed, inputs["value"].to_pylist()), pa.float64()),
        "bound": pa.array(
            [_parsed((bound or "").partition(" ")[2]) for bound in inputs["bound"].to_pylist()], pa.float64()
        ),
        "why": pa.array(why, pa.string()),
    }


def _why(row: Mapping[str, Any]) -> str | None:
    place = ".".join(filter(None, (row["stage"], row["rule"])))
    if row["bound"]:
        return f"{place}: {row['value']}, {must_be(row['bound'])}"
    if row["rule"] == OVERRIDE:
        return "; ".join(filter(None, ("denied by a person", row.get("why"))))
    if row["duplicate_of"]:
        return f"repeats {row['duplicate_of']}"
    said = row.get("why") or row["error_kind"]
    return f"{place}: {said}" if said else None


def _margin(value: pa.Array, limits: dict[str, float]) -> pa.Array:
    """How far a value is within the nearest bound; less than 0: how far outside."""
    room = [
        pc.subtract(value, limit) if _INWARDS[bound] > 0 else pc.subtract(limit, value)
        for bound, limit in limits.items()
    ]
    return pc.min_element_wise(*room, skip_nulls=False) if room else pa.nulls(len(value), pa.float64())


def _each(rule: Rule, bound: str) -> tuple[object, ...]:
    limit = rule.bounds[bound]
    return limit if isinstance(limit, tuple) else (limit,)


def _is_text(column: pa.ChunkedArray) -> bool:
    return bool(pa.types.is_string(column.type) or pa.types.is_large_string(column.type))


def _number(column: pa.ChunkedArray) -> pa.ChunkedArray | pa.Array:
    if _is_text(column):
        return pa.nulls(len(column), pa.float64())
    if pa.types.is_boolean(column.type):
        return column.cast(pa.int8()).cast(pa.float64())
    return shortest_column(column).cast(pa.float64())


def _parsed(text: str | None) -> float | None:
    try:
        return None if text is None else float(text)
    except ValueError:
        return None


def _same(value: str, count: int) -> pa.Array:
    return pa.array([value] * count, pa.string())
