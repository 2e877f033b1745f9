from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from actor18m.policy.expression import FUNCTIONS, Expression, ExpressionError, check, sandbox

SCHEMA = pa.schema(
    {
        "similarity": pa.list_(pa.float32()),
        "mean_similarity": pa.float32(),
        "people": pa.int32(),
        "licence": pa.string(),
        "readable": pa.bool_(),
        "box": pa.struct({"x0": pa.float32()}),
        "order": pa.float64(),
    }
)
ROW = {"similarity": [0.25, None, 0.5], "mean_similarity": 0.375, "people": 2, "licence": "CC0", "readable": True,
       "box": {"x0": 1.5}, "order": 0.1}  # fmt: skip


@pytest.fixture(scope="module")
def box() -> Iterator[duckdb.DuckDBPyConnection]:
    with sandbox() as connection:
        yield connection


def computed(text: str, box: duckdb.DuckDBPyConnection, **row: object) -> object:
    box.register("rows", pa.Table.from_pylist([ROW | row], SCHEMA))
    (found,) = box.sql(f"SELECT {check(text, SCHEMA, box).sql} FROM rows").fetchall()
    return found[0]


@pytest.mark.parametrize(
    ("text", "kind", "columns", "value"),
    [
        ("mean_similarity", "float", ["mean_similarity"], 0.375),
        ("list_min(list_filter(similarity, lambda x: x is not null))", "float", ["similarity"], 0.25),
        ("list_avg(similarity)", "float", ["similarity"], 0.375),
        ("list_max(list_transform(similarity, lambda x, i: x * i))", "float", ["similarity"], 1.5),
        ("list_max([x * 2 for x in similarity if x < 0.4])", "float", ["similarity"], 0.5),
        ("len(similarity)", "integer", ["similarity"], 3),
        ("similarity[1] + similarity[-1]", "float", ["similarity"], 0.75),
        ("len(similarity[1:2])", "integer", ["similarity"], 2),
        ("people * 2", "integer", ["people"], 4),
        ("people / 4", "float", ["people"], 0.5),
        ("1.5 * people", "float", ["people"], 3.0),
        ("people in (1, 2) and not readable is false", "boolean", ["people", "readable"], True),
        ("people between 1 and 3 or mean_similarity > 0.4", "boolean", ["mean_similarity", "people"], True),
        ("case when people > 1 then licence else 'one' end", "text", ["licence", "people"], "CC0"),
        ("licence like 'CC%' and starts_with(lower(licence), 'cc')", "boolean", ["licence"], True),
        ("coalesce(similarity[2], -1)", "float", ["similarity"], -1.0),
        ("box.x0", "float", ["box"], 1.5),
        ('"order"', "float", ["order"], 0.10000000149011612),
        ("cast(licence[3] as integer)", "integer", ["licence"], 0),
        ("people -- how many", "integer", ["people"], 2),
        ("people /* a comment */ + 1", "integer", ["people"], 3),
        ("1", "integer", [], 1),
    ],
)
def test_an_expression_is_a_value_of_a_row(
    text: str, kind: str, columns: list[str], value: object, box: duckdb.DuckDBPyConnection
) -> None:
    expression = check(text, SCHEMA, box)
    assert expression == Expression(text, tuple(columns), expression.kind)
    assert expression.kind == kind
    assert computed(text, box) == value


@pytest.mark.parametrize(
    ("hostile", "why"),
    [
        # files, network, other code
        ("read_csv('/etc/passwd')", "the function read_csv"),
        ("read_text('/etc/passwd')", "the function read_text"),
        ("read_blob('http://example.com/x')", "the function read_blob"),
        ("glob('/*')", "the function glob"),
        ("getenv('HOME')", "the function getenv"),
        ("current_setting('home_directory')", "the function current_setting"),
        ("query('SELECT 1')", "the function query"),
        ("parquet_scan('x')", "the function parquet_scan"),
        ("main.abs(people)", "the function abs"),
        ("system.main.abs(people)", "the function abs"),
        ("write_log('x')", "the function write_log"),
        # other statements
        ("COPY (SELECT 1) TO '/tmp/x'", "not an expression"),
        ("ATTACH '/tmp/x.db'", "not an expression"),
        ("PRAGMA database_list", "not an expression"),
        ("people; SELECT 1", "not an expression"),
        ("people); DROP TABLE rows; SELECT (1", "not an expression|more than an expression"),
        ("people); SELECT (1", "more than an expression"),
        ("INSTALL httpfs", "not an expression"),
        ("SET enable_external_access = true", "not an expression"),
        # queries inside
        ("(SELECT 1)", "a subquery"),
        ("(SELECT max(people) FROM rows)", "a subquery"),
        ("people IN (SELECT people FROM rows)", "a subquery"),
        ("EXISTS (FROM rows)", "a subquery"),
        ("ARRAY(SELECT 1)", "a subquery"),
        ("people) FROM read_csv('/etc/passwd') WHERE (true", "more than an expression"),
        ("people) FROM '/etc/passwd' AS t(people) WHERE (true", "more than an expression"),
        ("1), (2", "more than an expression"),
        ("1) AS a, (SELECT 2", "more than an expression"),
        ("1) UNION SELECT (2", "more than an expression"),
        ("1) ORDER BY (1", "more than an expression"),
        ("1) LIMIT (1", "more than an expression"),
        ("1) FROM range(10) GROUP BY (1", "more than an expression"),
        ("SELECT 1", "a subquery"),
        # not of one row
        ("sum(people)", "the function sum"),
        ("max(people)", "the function max"),
        ("count(*)", "the function count_star"),
        ("row_number() OVER ()", "a window"),
        ("sum(people) OVER ()", "a window"),
        ("unnest(similarity)", "the function unnest"),
        ("*", "a star"),
        ("COLUMNS(*)", "a star"),
        ("?", "more than an expression"),
        ("$1", "more than an expression"),
        ("rows.people", "no column rows"),
        ("checked.people", "no column checked"),
        # another result tomorrow
        ("random()", "the function random"),
        ("uuid()", "the function uuid"),
        ("now()", "the function now"),
        ("current_date", "no column current_date"),
        ("nextval('s')", "the function nextval"),
        # without end
        ("len(range(10000000000))", "the function range"),
        ("len(generate_series(1, 10000000000))", "the function generate_series"),
        ("length(repeat('x', 10000000000))", "the function repeat"),
        ("length(lpad('x', 2000000000, 'y'))", "the function lpad"),
        ("list_reduce(similarity, lambda a, b: a + b)", "the function list_reduce"),
        ("list_concat(similarity, similarity)", "the function list_concat"),
        ("licence || licence", r"the function \|\|"),
        ("list_aggregate(similarity, 'histogram')", "the function list_aggregate"),
        ("+".join(["people"] * 500), "longer than 1000 characters"),
        ("- " * 400 + "people", "nested too deeply|not an expression"),
        (
            "list_max(list_transform(similarity, lambda a: list_max(list_transform(similarity, lambda b: "
            "list_max(list_transform(similarity, lambda c: c))))))",
            "more than 2 lambdas inside each other",
        ),
        (
            " + ".join(f"list_max(list_transform(similarity, lambda {name}: {name}))" for name in "abcde"),
            "more than 4 lambdas",
        ),
        # not one value
        ("similarity", r"make one value of it, such as list_min"),
        ("box", "make one value of it"),
        ("people, licence", "several values"),
        ("people::DATE", "not an expression|gives a"),
        ("null", "gives a"),
        ("DATE '2020-01-01'", "gives a date"),
        # slips
        ("", "several values, or none"),
        ("-- people", "several values, or none"),
        ("people +", "not an expression"),
        ("people )(", "not an expression"),
        ("people /*", "not an expression"),
        ("people) --", "not an expression"),
        ("'open", "not an expression"),
        ("people \0", "not an expression"),
        ("people + licence", "DuckDB can compute|not an expression"),
        ("list_min(people)", "DuckDB can compute"),
        ("list_filter(similarity, x -> x > 0)[1]", "write: lambda x: x > 0"),
        ("mean_similarty", r"no column mean_similarty; did you mean mean_similarity\?"),
        ("Mean_Similarity", r"no column Mean_Similarity; did you mean mean_similarity\?"),
        ("list_mim(similarity)", r"the function list_mim, which rules do not have; did you mean list_min\?"),
        ("list_max(list_transform(similarity, lambda x: y))", "no column y"),
        ("list_max(list_transform(similarity, lambda x: x)) + x", "no column x"),
        ("zzz", "there are: box, licence, mean_similarity, order, people, readable, similarity"),
    ],
)  # fmt: skip
def test_what_is_no_value_of_a_row_is_refused(hostile: str, why: str, box: duckdb.DuckDBPyConnection) -> None:
    with pytest.raises(ExpressionError, match=why):
        check(hostile, SCHEMA, box)


def test_the_box_itself_reaches_nothing(box: duckdb.DuckDBPyConnection, tmp_path: Path) -> None:
    """The second wall: what the first one let through would still find nothing."""
    file = tmp_path / "secret.csv"
    file.write_text("a\n1\n")
    table_of_this_process = pa.table({"a": [1]})
    for query in (
        f"FROM read_csv('{file}')",
        f"FROM '{file}'",
        f"COPY (SELECT 1) TO '{tmp_path / 'out.csv'}'",
        f"ATTACH '{tmp_path / 'other.db'}'",
        f"FROM glob('{tmp_path}/*')",
        "INSTALL httpfs",
        "LOAD httpfs",
        "SET enable_external_access = true",
        "SET lock_configuration = false",
        "RESET memory_limit",
        "FROM table_of_this_process",
    ):
        with pytest.raises(duckdb.Error):
            box.execute(query)
    assert [*tmp_path.iterdir()] == [file]
    assert table_of_this_process.num_rows == 1


@pytest.mark.parametrize(
    "text",
    [
        "cast(licence as integer)",
        # the same cast twice: an optimizer would compute it once, outside of what holds errors
        "cast(licence as integer) * cast(licence as integer)",
        "people * 2147483647 * 2147483647 * 2147483647",
        "list_sum(list_transform(similarity, lambda x: cast(licence as integer)))",
        "sqrt(-people)",
        "mean_similarity / 0 * 0",
        "order",
    ],
)
def test_an_error_in_a_row_is_no_value_in_that_row(text: str, box: duckdb.DuckDBPyConnection) -> None:
    text = text.replace("order", '"order"')
    assert computed(text, box, licence="not a number", order=float("nan")) is None


def test_rules_have_only_functions_that_exist_and_always_give_the_same() -> None:
    with duckdb.connect() as connection:
        known = connection.sql("SELECT function_name, stability, function_type FROM duckdb_functions()").fetchall()
    stable = {
        name for name, stability, kind in known if kind == "macro" or (kind, stability) == ("scalar", "CONSISTENT")
    }
    assert FUNCTIONS - stable == set()
