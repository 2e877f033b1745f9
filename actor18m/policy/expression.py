"""What a rule compares: a DuckDB expression over the columns of one row, run where nothing else can be reached.

DuckDB's own parser reads it, and what it read is compared with lists of what a rule may use: no subquery, no file, no
clock, no chance, nothing that one row can use to make another row's memory run out.
"""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

import duckdb
import pyarrow as pa

from actor18m.errors import ActorError, instead_of

Kind = Literal["float", "integer", "boolean", "text"]

_FUNCTIONS = """
    + - * / // % ^ ** ~~ !~~ abs ceil floor round trunc sign sqrt pow power exp ln log2 log10 sin cos tan asin acos atan
    atan2 degrees radians pi greatest least mod isnan isfinite isinf
    lower upper trim length contains starts_with ends_with regexp_matches
    len list_value list_filter list_transform list_apply list_contains list_has_any list_has_all list_position
    list_distinct list_unique list_sort list_reverse_sort list_reverse list_slice list_extract list_zip list_min
    list_max list_avg list_sum list_product list_median list_mode list_count list_first list_last list_any_value
    list_bool_and list_bool_or list_stddev_pop list_stddev_samp list_var_pop list_var_samp struct_pack struct_extract
"""
FUNCTIONS = frozenset(_FUNCTIONS.split())
"""All give the same result for the same row, on every machine and day."""

_CLASSES = {"COLUMN_REF", "CONSTANT", "FUNCTION", "OPERATOR", "COMPARISON", "CONJUNCTION", "CASE", "CAST", "BETWEEN",
            "LAMBDA", "TYPE"}  # fmt: skip
_MEANING = {"SUBQUERY": "a subquery", "WINDOW": "a window", "STAR": "a star"}
_MAX_LENGTH = 1000
_MAX_LAMBDAS, _MAX_DEPTH = 4, 2
"""Each inside another multiplies the work for a row by the length of a list: of a minute's frames, three inside each
other are a hundred million."""
_MEMORY_LIMIT = "1GB"
_AS_THEY_ARE = {pa.bool_(), pa.int32(), pa.int64(), pa.float32(), pa.float64(), pa.string()}


class ExpressionError(ActorError):
    """An expression that a rule cannot use."""


@dataclass(frozen=True)
class Expression:
    text: str
    columns: tuple[str, ...]
    """The columns it reads, sorted."""
    kind: Kind

    @property
    def sql(self) -> str:
        """Its value, or null where there is none: an error in one row, such as a division of text, is that row's own.

        Fractions are float32, the precision that they were stored with.
        """
        if self.kind == "float":
            return f"nullif(try(CAST((\n{self.text}\n) AS FLOAT)), CAST('nan' AS FLOAT))"
        return f"try((\n{self.text}\n))"


@contextmanager
def sandbox() -> Iterator[duckdb.DuckDBPyConnection]:
    """A database in memory that can reach no file, no network, no extension, nothing of this process. Each thread has
    one, since making it takes longer than most questions that it is asked.
    """
    if not hasattr(_mine, "box"):
        _mine.box = _locked_up()
    yield _mine.box


_mine = threading.local()


def _locked_up() -> duckdb.DuckDBPyConnection:
    off: dict[str, str | bool | int | float | list[str]] = {
        "enable_external_access": False,
        "autoinstall_known_extensions": False,
        "autoload_known_extensions": False,
        "memory_limit": _MEMORY_LIMIT,
    }
    connection = duckdb.connect(":memory:", config=off)
    # this one computes CAST(x AS INT) outside of try() where it stands in it twice: one bad row would end the query
    connection.execute("SET disabled_optimizers = 'common_subexpressions'")
    connection.execute("SET lock_configuration = true")
    return connection


def quoted(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def check(text: str, schema: pa.Schema, box: duckdb.DuckDBPyConnection) -> Expression:
    """The expression, if it is one, is safe, and gives one value for each row of this schema."""
    if len(text) > _MAX_LENGTH:
        raise ExpressionError(f"is longer than {_MAX_LENGTH} characters; let the stage measure this value")
    try:
        tree = _parsed(text, box)
        columns = frozenset(_columns(tree, frozenset(schema.names), frozenset()))
        lambdas = _count_lambdas(tree)
    except RecursionError:
        raise ExpressionError("is nested too deeply; let the stage measure this value") from None
    if lambdas > _MAX_LAMBDAS:
        raise ExpressionError(f"has more than {_MAX_LAMBDAS} lambdas; let the stage measure this value")
    if _depth(tree) > _MAX_DEPTH:
        raise ExpressionError(f"has more than {_MAX_DEPTH} lambdas inside each other; let the stage measure this value")
    read = tuple(sorted(columns))
    # a constant needs a row too; a table without columns has none
    empty = pa.schema([schema.field(name) for name in read] or [pa.field("nothing", pa.null())]).empty_table()
    box.register("checked", empty)
    try:
        made = box.sql(f"SELECT try((\n{text}\n)) AS v FROM checked").to_arrow_table().schema.field("v").type
    except duckdb.Error as error:
        raise ExpressionError(f"is not an expression that DuckDB can compute: {_first_line(error)}") from error
    finally:
        box.unregister("checked")
    return Expression(text, read, _kind(made))


def column(name: str, schema: pa.Schema) -> Expression | None:
    """A column of a type that DuckDB leaves as it is, as an expression: most rules compare one, and there is nothing to
    parse. None where there is no such column.
    """
    if name not in schema.names or schema.field(name).type not in _AS_THEY_ARE:
        return None
    return Expression(quoted(name), (name,), _kind(schema.field(name).type))


def _parsed(text: str, box: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """DuckDB's syntax tree of the one expression that the text is."""
    tree = _tree(text, box)
    if tree["error"]:
        raise ExpressionError(f"is not an expression: {_first_line(tree['error_message'])}")
    expressions = [statement["node"].pop("select_list", []) for statement in tree["statements"]]
    if tree != _bare() or len(expressions[0]) != 1:
        raise ExpressionError("is more than an expression; give the rule a single value, without FROM, WHERE, ; or ?")
    (expression,) = expressions[0]
    return dict(expression)


@lru_cache
def _bare() -> dict[str, Any]:
    """What DuckDB reads of `SELECT` beside the expression."""
    with sandbox() as box:
        tree = _tree("1", box)
    tree["statements"][0]["node"].pop("select_list")
    return tree


def _tree(text: str, box: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    try:
        ((tree,),) = box.execute("SELECT json_serialize_sql(?)", [f"SELECT (\n{text}\n)"]).fetchall()
    except duckdb.Error as error:
        raise ExpressionError(f"is not an expression: {_first_line(error)}") from error
    return dict(json.loads(tree))


def _columns(node: object, known: frozenset[str], bound: frozenset[str]) -> Iterator[str]:
    """The columns that a syntax tree reads; refuses what a rule may not use. `bound` are parameters of lambdas."""
    if isinstance(node, list):
        for each in node:
            yield from _columns(each, known, bound)
    if not isinstance(node, dict):
        return
    match node.get("class"):
        case None:
            pass
        case "COLUMN_REF":
            name = node["column_names"][0]
            if name in bound:
                return
            if name not in known:
                raise ExpressionError(f"there is no column {name}; {instead_of(name, known)}")
            yield name
            return
        case "FUNCTION":
            name = node["function_name"]
            if name == "row":
                raise ExpressionError("is several values, or none; a rule compares one")
            if name not in FUNCTIONS or node["schema"] or node["catalog"]:
                raise ExpressionError(
                    f"uses the function {name}, which rules do not have; {instead_of(name, FUNCTIONS)}"
                )
        case "LAMBDA":
            if node["syntax_type"] != "LAMBDA_KEYWORD":
                raise ExpressionError("has an arrow, which DuckDB gives up; write: lambda x: x > 0")
            bound |= _parameters(node["lhs"])
        case other if other not in _CLASSES:
            raise ExpressionError(f"has {_MEANING.get(other, other.lower())}; a rule sees the columns of one row only")
    for name, each in node.items():
        if name != "lhs":  # a lambda's parameters
            yield from _columns(each, known, bound)


def _parameters(left: dict[str, Any]) -> frozenset[str]:
    """The names before a lambda's colon: one column, or a row of them."""
    names = [each["expression"] for each in left["arguments"]] if left["class"] == "FUNCTION" else [left]
    return frozenset(name["column_names"][0] for name in names)


def _count_lambdas(node: object) -> int:
    if isinstance(node, list):
        return sum(map(_count_lambdas, node))
    if isinstance(node, dict):
        return (node.get("class") == "LAMBDA") + sum(map(_count_lambdas, node.values()))
    return 0


def _depth(node: object) -> int:
    """How many lambdas lie inside each other."""
    if isinstance(node, list):
        return max(map(_depth, node), default=0)
    if isinstance(node, dict):
        return (node.get("class") == "LAMBDA") + max(map(_depth, node.values()), default=0)
    return 0


def _kind(made: pa.DataType) -> Kind:
    if pa.types.is_boolean(made):
        return "boolean"
    if pa.types.is_integer(made):
        return "integer"
    if pa.types.is_floating(made) or pa.types.is_decimal(made):
        return "float"
    if pa.types.is_string(made) or pa.types.is_large_string(made):
        return "text"
    hint = "; make one value of it, such as list_min(…) or len(…)" if pa.types.is_nested(made) else ""
    raise ExpressionError(f"gives a {made}, which no bound can be compared with{hint}")


def _first_line(error: object) -> str:
    return str(error).strip().partition("\n")[0]
