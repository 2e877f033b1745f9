"""Rules: named values with bounds, and what they decide about rows that were measured.

Numbers with a fraction are compared as float32, the precision that columns are stored with: a measured 0.45 is at least
0.45. A value that is null or NaN, or whose computation fails in its row, passes no rule.
"""

import math
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import lru_cache
from itertools import product
from typing import Annotated, Any, Literal

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from pydantic import BeforeValidator, Field, SerializerFunctionWrapHandler, model_serializer, model_validator

from actor18m import stopping
from actor18m.errors import ActorError
from actor18m.policy.expression import Expression, ExpressionError, check, column, quoted, sandbox
from actor18m.yaml_file import Section, trouble

Scalar = bool | int | float | str


def _number(given: object) -> object:
    if isinstance(given, bool) or not isinstance(given, int | float) or not math.isfinite(given):
        raise trouble(f"must be a number, not {given!r}")
    return given


def _scalar(given: object) -> object:
    return given if isinstance(given, bool | str) else _number(given)


_Number = Annotated[Any, BeforeValidator(_number)]
_Scalar = Annotated[Any, BeforeValidator(_scalar)]


class Rule(Section):
    """Passes when the value keeps every bound that is given."""

    value: str | None = Field(
        default=None, min_length=1, description="a column or an expression; by default the column of the rule's name"
    )
    at_least: _Number | None = None
    at_most: _Number | None = None
    above: _Number | None = None
    below: _Number | None = None
    equals: _Scalar | None = None
    is_in: tuple[_Scalar, ...] | None = Field(default=None, min_length=1)
    otherwise: Literal["without_mask"] | None = Field(
        default=None, description="what becomes of an image that fails it: published without its mask; else rejected"
    )

    @property
    def bounds(self) -> dict[str, Any]:
        """Those that are given, in the order they are checked."""
        return {name: limit for name in BOUNDS if (limit := getattr(self, name)) is not None}

    @model_validator(mode="after")
    def _decides(self) -> "Rule":
        if not self.bounds:
            raise trouble(f"a rule needs a bound: {', '.join(BOUNDS)}")
        given = self.bounds
        for lower, upper in product(("at_least", "above"), ("at_most", "below")):
            if lower in given and upper in given:
                gap = given[upper] - given[lower]
                if gap < 0 or (gap == 0 and (lower, upper) != ("at_least", "at_most")):
                    raise trouble(f"nothing is {_spelt(lower, given)} and {_spelt(upper, given)}")
        return self

    @model_serializer(mode="wrap")
    def _as_written(self, dump: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {name: value for name, value in dump(self).items() if value is not None}


def _spelt(bound: str, given: Mapping[str, Any]) -> str:
    return f"{bound.replace('_', ' ')} {given[bound]}"


BOUNDS = {"at_least": ">=", "at_most": "<=", "above": ">", "below": "<", "equals": "=", "is_in": "IN"}
Rules = Mapping[str, Rule]
"""By name, in the order they are checked."""

LONGEST_S = 60.0
"""For the rules of one stage over the rows of some lots, which take milliseconds."""
OVERRIDE = "override"
"""Stands where a verdict names its rule, when a person decided."""
_TAKEN = ("key", "passed", "failed", OVERRIDE)
VERDICT = pa.schema(
    [
        pa.field("key", pa.string(), nullable=False),
        pa.field("passed", pa.bool_(), nullable=False),
        pa.field("rule", pa.string()),
        pa.field("value", pa.string()),
        pa.field("bound", pa.string()),
    ]
)
"""Of a row that does not pass: the first rule that it fails, the value there, and the bound that it misses."""


def check_rules(rules: Rules, columns: pa.Schema) -> list[tuple[str, str]]:
    """What is wrong with them for a stage with these columns: (path of the rule or its field, cause)."""
    found = []
    for name, rule in rules.items():
        try:
            _check_rule(name, rule, columns)
        except ExpressionError as error:
            found.append((f"{name}.value" if rule.value else name, str(error)))
    return found


def judge(table: pa.Table, rules: Rules) -> pa.Table:
    """A verdict for each row, in the order of the rows. The table has a column `key` and those that the rules read."""
    if not rules:
        nothing = pa.nulls(table.num_rows, pa.string())
        passed = pa.array(np.ones(table.num_rows, bool))
        return pa.table([table["key"], passed, nothing, nothing, nothing], schema=VERDICT)
    with sandbox() as box:
        expressions = _checked(rules, table.schema)
        checks = [(name, bound) for name, rule in rules.items() for bound in rule.bounds]
        when, value, limits = "", "", []
        for number, (name, bound) in enumerate(checks):
            comparison, given = _compare(expressions[name], name, bound, rules[name].bounds[bound])
            when += f" WHEN ({comparison}) IS NOT TRUE THEN {number}"
            value += f" WHEN {number} THEN CAST({quoted(name)} AS VARCHAR)"
            limits += given
        sql = (
            f"SELECT key, failed, CASE failed{value} END AS value FROM "
            f"(SELECT *, CASE{when} END AS failed FROM (SELECT {_select(expressions)} FROM rows))"
        )
        with _loaded(table, expressions, box), _bounded(table, rules, box):
            judged = box.sql(sql, params=limits).to_arrow_table()
    failing = judged["failed"].cast(pa.int32())
    names = pa.array([name for name, _ in checks], pa.string())
    bounds = pa.array([f"{bound} {spelt(rules[name].bounds[bound])}" for name, bound in checks], pa.string())
    columns = [judged["key"], pc.is_null(failing), names.take(failing), judged["value"], bounds.take(failing)]
    return pa.table(dict(zip(VERDICT.names, columns, strict=True))).cast(VERDICT)


def values(table: pa.Table, rules: Rules) -> pa.Table:
    """`key`, and what each rule compares in a column of its name. Judged by `by_name(rules)`, it is judged alike."""
    if not rules:
        return table.select(["key"])
    with sandbox() as box:
        expressions = _checked(rules, table.schema)
        with _loaded(table, expressions, box), _bounded(table, rules, box):
            return box.sql(f"SELECT {_select(expressions)} FROM rows").to_arrow_table()


def by_name(rules: Rules) -> dict[str, Rule]:
    """The rules for a table that has their values already, each in a column of the rule's name."""
    return {name: rule.model_copy(update={"value": None}) for name, rule in rules.items()}


def deciding(rules: Rules) -> dict[str, Rule]:
    """Those by which clips and images are rejected."""
    return {name: rule for name, rule in rules.items() if rule.otherwise is None}


def withholding(rules: Rules) -> dict[str, Rule]:
    """Those by which images go without their masks."""
    return {name: rule for name, rule in rules.items() if rule.otherwise == "without_mask"}


def columns_read(rules: Rules, columns: pa.Schema) -> tuple[str, ...]:
    """The columns that the rules' values are computed from, sorted."""
    return tuple(sorted({name for each in _checked(rules, columns).values() for name in each.columns}))


def _check_rule(name: str, rule: Rule, columns: pa.Schema) -> Expression:
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name) or name in _TAKEN:
        raise ExpressionError(f"a rule's name has lower-case letters, digits and _, and is none of {', '.join(_TAKEN)}")
    plain = column(name, columns) if rule.value is None else None
    expression = plain or _expression(rule.value or quoted(name), columns)
    _check_bounds(rule, expression)
    return expression


@lru_cache(maxsize=4096)
def _expression(text: str, columns: pa.Schema) -> Expression:
    with sandbox() as box:
        return check(text, columns, box)


def _checked(rules: Rules, columns: pa.Schema) -> dict[str, Expression]:
    checked = {}
    for name, rule in rules.items():
        try:
            checked[name] = _check_rule(name, rule, columns)
        except ExpressionError as error:
            raise ActorError(f"rule {name}: {error}") from error
    return checked


def _check_bounds(rule: Rule, value: Expression) -> None:
    for bound, limit in rule.bounds.items():
        for each in limit if bound == "is_in" else [limit]:
            kind = "boolean" if isinstance(each, bool) else "text" if isinstance(each, str) else "number"
            if kind != (value.kind if value.kind in ("boolean", "text") else "number"):
                raise ExpressionError(f"{bound}: {spelt(each)} is {kind}, but the value is {value.kind}")


@contextmanager
def _loaded(table: pa.Table, expressions: Mapping[str, Expression], box: duckdb.DuckDBPyConnection) -> Iterator[None]:
    box.register("rows", table.select(sorted({"key"}.union(*(each.columns for each in expressions.values())))))
    try:
        yield
    finally:
        box.unregister("rows")


@contextmanager
def _bounded(table: pa.Table, rules: Rules, box: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Neither time nor memory without end, for what a pipeline may say in one line."""
    watch = threading.Timer(LONGEST_S, box.interrupt)
    watch.start()
    try:
        yield
    except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
        stopping.check()
        for name in rules if len(rules) > 1 else ():
            values(table, {name: rules[name]})  # the one that is too costly alone is named
        cause = "memory than it may have" if isinstance(error, duckdb.OutOfMemoryException) else f"than {LONGEST_S:g} s"
        raise ActorError(
            f"rule {', '.join(rules)}: takes more {cause} for {table.num_rows} rows; let the stage measure this value, "
            "or compare a shorter list"
        ) from error
    finally:
        watch.cancel()


def _select(expressions: Mapping[str, Expression]) -> str:
    return ", ".join(["key", *(f"{each.sql} AS {quoted(name)}" for name, each in expressions.items())])


def _compare(value: Expression, name: str, bound: str, limit: Any) -> tuple[str, list[Scalar]]:
    """SQL that is true where the bound is kept, and its parameters."""
    limits, parameter = list(limit) if bound == "is_in" else [limit], "?"
    if value.kind == "float":
        limits, parameter = [float(each) for each in limits], "CAST(CAST(? AS DOUBLE) AS FLOAT)"
    listed = ", ".join([parameter] * len(limits))
    return f"{quoted(name)} {BOUNDS[bound]} {f'({listed})' if bound == 'is_in' else listed}", limits


def spelt(limit: Any) -> str:
    if isinstance(limit, tuple):
        return f"[{', '.join(map(spelt, limit))}]"
    return str(limit).lower() if isinstance(limit, bool) else str(limit)


def must_be(bound: str) -> str:
    """A missed bound as a sentence ends with it: `equals 1` is `must be 1`."""
    kind, _, limit = bound.partition(" ")
    return f"must be {({'equals': limit, 'is_in': f'one of {limit}'}).get(kind, bound)}"
