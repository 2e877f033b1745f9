import math
import time
from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from actor18m.errors import ActorError
from actor18m.policy.rules import (
    VERDICT,
    Rule,
    by_name,
    check_rules,
    columns_read,
    judge,
    must_be,
    values,
)
from actor18m.publish.verdicts import fates

SCHEMA = pa.schema(
    {
        "mean_similarity": pa.float32(),
        "similarity": pa.list_(pa.float32()),
        "people": pa.int64(),
        "licence": pa.string(),
        "readable": pa.bool_(),
    }
)


def rules(**given: dict[str, Any]) -> dict[str, Rule]:
    return {name: Rule.model_validate(rule) for name, rule in given.items()}


def table(*rows: Mapping[str, object]) -> pa.Table:
    """Rows with the keys a, b, c, ..."""
    keyed = [{"key": chr(97 + number), **row} for number, row in enumerate(rows)]
    return pa.Table.from_pylist(keyed, pa.schema([("key", pa.string()), *SCHEMA]))


def verdicts(judged: pa.Table) -> list[tuple[object, ...]]:
    return [tuple(row.values()) for row in judged.to_pylist()]


def passes(column: str, value: object, rule: dict[str, Any]) -> bool:
    (row,) = judge(table({column: value}), rules(rule={"value": column, **rule})).to_pylist()
    assert (row["rule"] is None) == row["passed"]
    return bool(row["passed"])


def test_a_verdict_names_the_first_rule_that_fails_with_its_value_and_bound() -> None:
    judged = judge(
        table(
            {"mean_similarity": 0.7, "people": 1},
            {"mean_similarity": 0.31, "people": 1},
            {"mean_similarity": 0.7, "people": 3},
            {"mean_similarity": 0.2, "people": 0},
            {"people": 1},
        ),
        rules(mean_similarity={"at_least": 0.40}, one_person={"value": "people", "at_least": 1, "at_most": 1}),
    )
    assert judged.schema == VERDICT
    assert verdicts(judged) == [
        ("a", True, None, None, None),
        ("b", False, "mean_similarity", "0.31", "at_least 0.4"),
        ("c", False, "one_person", "3", "at_most 1"),
        ("d", False, "mean_similarity", "0.2", "at_least 0.4"),
        ("e", False, "mean_similarity", None, "at_least 0.4"),
    ]


@pytest.mark.parametrize(
    ("column", "value", "bound", "words"),
    [
        ("people", 0, {"equals": 1}, "must be 1"),
        ("licence", "none", {"is_in": ["mit", "cc0"]}, "must be one of [mit, cc0]"),
        ("people", 0, {"at_least": 1}, "must be at_least 1"),
    ],
)
def test_a_missed_bound_is_told_as_a_sentence_ends(
    column: str, value: object, bound: dict[str, Any], words: str
) -> None:
    (row,) = judge(table({column: value}), rules(rule={"value": column, **bound})).to_pylist()
    assert must_be(row["bound"]) == words
    missed = pa.table({"stage": ["s"], "rule": ["r"], "value": [row["value"]], "bound": [row["bound"]]})
    missed = missed.append_column("duplicate_of", pa.nulls(1, pa.string()))
    assert fates(missed)["why"].to_pylist() == [f"s.r: {value}, {words}"]


def test_rules_are_checked_in_their_order() -> None:
    both = table({"mean_similarity": 0.1, "people": 3})
    one, other = {"mean_similarity": {"at_least": 0.4}}, {"people": {"equals": 1}}
    assert judge(both, rules(**one, **other))["rule"].to_pylist() == ["mean_similarity"]
    assert judge(both, rules(**other, **one))["rule"].to_pylist() == ["people"]


@pytest.mark.parametrize(
    ("column", "rule", "inside", "outside"),
    [
        ("mean_similarity", {"at_least": 0.5}, [0.5, 0.6, math.inf], [0.4999]),
        ("mean_similarity", {"at_most": 0.5}, [0.5, 0.4, -math.inf], [0.5001]),
        ("mean_similarity", {"above": 0.5}, [0.5001], [0.5, 0.4]),
        ("mean_similarity", {"below": 0.5}, [0.4999], [0.5, 0.6]),
        ("mean_similarity", {"at_least": 0.2, "below": 0.5}, [0.2, 0.4], [0.1, 0.5]),
        ("mean_similarity", {"at_least": 0}, [0.0, -0.0, 1.0], [-1e-30]),
        ("people", {"equals": 1}, [1], [0, 2]),
        ("people", {"at_least": 1.5}, [2], [1]),
        ("people", {"is_in": [1, 2]}, [1, 2], [0, 3]),
        ("people", {"is_in": [1, 2.5]}, [1], [2]),
        ("people", {"above": 2**53}, [2**53 + 1], [2**53]),
        ("mean_similarity", {"is_in": [0.1, 0.2]}, [0.1, 0.2], [0.3]),
        ("licence", {"is_in": ["CC0", "CC-BY-4.0"]}, ["CC0"], ["cc0", ""]),
        ("licence", {"equals": "it's \"ours\"; --"}, ["it's \"ours\"; --"], ["ours"]),
        ("readable", {"equals": True}, [True], [False]),
        ("readable", {"equals": False}, [False], [True]),
        ("similarity", {"value": "list_min(similarity)", "at_least": 0.4}, [[0.4, None, 0.9]], [[0.39, 9], [], [None]]),
    ],
)  # fmt: skip
def test_a_bound_is_where_it_says(column: str, rule: dict[str, Any], inside: list[Any], outside: list[Any]) -> None:
    for value in inside:
        assert passes(column, value, rule), f"{value} passes"
    for value in outside:
        assert not passes(column, value, rule), f"{value} does not pass"


@given(st.floats(width=32, allow_nan=False, allow_infinity=False), st.floats(-1e30, 1e30))
@settings(max_examples=40, deadline=None)
def test_a_measured_value_keeps_the_bound_that_it_was_written_with(value: float, bound: float) -> None:
    """float32(0.45) is less than 0.45, and float32(0.4) more than 0.4: both are at least, and at most, themselves."""
    assert passes("mean_similarity", value, {"at_least": value, "at_most": value, "equals": value})
    assert passes("mean_similarity", bound, {"at_least": bound, "at_most": bound, "equals": bound})
    assert not passes("mean_similarity", bound, {"above": bound})
    assert passes("similarity", [bound], {"value": "list_avg(similarity)", "equals": bound})


@pytest.mark.parametrize("bound", [{"at_least": -1e9}, {"at_most": 1e9}, {"above": 0}, {"below": 0}, {"equals": 0},
                                   {"is_in": [0, 1]}])  # fmt: skip
@pytest.mark.parametrize("value", [None, math.nan])
def test_a_missing_measurement_never_passes(value: float | None, bound: dict[str, Any]) -> None:
    assert not passes("mean_similarity", value, bound)
    (row,) = judge(table({"mean_similarity": value}), rules(mean_similarity=bound)).to_pylist()
    assert (row["rule"], row["value"]) == ("mean_similarity", None)


def test_a_missing_text_flag_or_list_never_passes() -> None:
    for rule in (
        {"value": "licence", "is_in": ["CC0"]},
        {"value": "readable", "equals": False},
        {"value": "licence = 'CC0' and false", "equals": True},
        {"value": "list_min(similarity)", "below": 2},
        {"value": "len(similarity)", "at_least": 0},
        {"value": "cast(licence as integer)", "at_least": 0},
        {"value": "-mean_similarity", "below": 2},
    ):
        assert judge(table({}), rules(rule=rule))["passed"].to_pylist() == [False]


def test_one_row_that_cannot_be_computed_costs_that_row_only() -> None:
    licences = [{"licence": text} for text in ("1", "one", "2")]
    judged = judge(table(*licences), rules(n={"value": "cast(licence as int) * cast(licence as int)", "at_most": 1}))
    assert judged["passed"].to_pylist() == [True, False, False]
    assert judged["value"].to_pylist() == [None, None, "4"]


def test_verdicts_keep_the_order_of_the_rows() -> None:
    keys = [f"{number * 7919 % 200_003:06d}" for number in range(200_003)]
    rows = pa.table({"key": keys, "people": list(range(len(keys)))})
    judged = judge(rows, rules(people={"below": 100_000}))
    assert judged["key"].to_pylist() == keys
    assert judged["passed"].to_pylist() == [number < 100_000 for number in range(len(keys))]


def test_no_rules_and_no_rows_are_fine() -> None:
    assert verdicts(judge(table({}), {})) == [("a", True, None, None, None)]
    assert judge(table(), rules(people={"equals": 1})).schema == VERDICT
    assert judge(table({}), rules(always={"value": "1", "equals": 1}))["passed"].to_pylist() == [True]


def test_a_misspelt_column_is_answered_with_the_nearest() -> None:
    found = check_rules(
        rules(
            mean_similarty={"at_least": 0.4},
            low={"value": "list_mim(similarity)", "at_least": 0.4},
            people={"at_least": 1},
        ),
        SCHEMA,
    )
    assert found == [
        ("mean_similarty", "there is no column mean_similarty; did you mean mean_similarity?"),
        ("low.value", "uses the function list_mim, which rules do not have; did you mean list_min?"),
    ]
    with pytest.raises(ActorError, match="rule mean_similarty: there is no column mean_similarty; did you mean"):
        judge(table({}), rules(mean_similarty={"at_least": 0.4}))


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({"value": "licence", "at_least": 1}, "at_least: 1 is number, but the value is text"),
        ({"value": "people", "equals": "one"}, "equals: one is text, but the value is integer"),
        ({"value": "people", "equals": True}, "equals: true is boolean"),
        ({"value": "readable", "equals": 1}, "equals: 1 is number, but the value is boolean"),
        ({"value": "people", "is_in": [1, "2"]}, "is_in: 2 is text"),
    ],
)
def test_a_bound_of_another_kind_than_the_value_is_refused(rule: dict[str, Any], why: str) -> None:
    ((path, cause),) = check_rules(rules(rule=rule), SCHEMA)
    assert path == "rule.value"
    assert why in cause


@pytest.mark.parametrize(
    ("rule", "why"),
    [
        ({}, "a rule needs a bound: at_least, at_most, above, below, equals, is_in"),
        ({"value": "people"}, "a rule needs a bound"),
        ({"at_leest": 1}, r"unknown key at_leest; did you mean at_least\?"),
        ({"at_least": "0.4"}, "must be a number, not '0.4'"),
        ({"at_least": True}, "must be a number"),
        ({"at_least": math.nan}, "must be a number"),
        ({"at_most": math.inf}, "must be a number"),
        ({"equals": [1]}, "must be a number"),
        ({"at_least": 2, "at_most": -5}, "nothing is at least 2 and at most -5"),
        ({"above": 1, "at_most": 1}, "nothing is above 1 and at most 1"),
        ({"above": 1, "below": 1}, "nothing is above 1 and below 1"),
        ({"is_in": []}, "at least 1 item"),
        ({"is_in": 3}, "tuple"),
        ({"value": "", "equals": 1}, "at least 1 character"),
    ],
)
def test_a_rule_that_decides_nothing_is_refused(rule: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        Rule.model_validate(rule)


@pytest.mark.parametrize("name", ["key", "passed", "failed", "override", "a.b", "A", 'x" FROM rows --', ""])
def test_a_rule_has_a_plain_name_that_is_not_taken(name: str) -> None:
    ((_, cause),) = check_rules({name: Rule(value="people", equals=1)}, SCHEMA)
    assert "a rule's name has" in cause


def test_a_rule_is_written_as_it_was_given() -> None:
    for given_rule in ({"at_least": 0.4}, {"value": "people", "is_in": [1, 2]}, {"equals": False}, {"at_least": 0}):
        dumped = Rule.model_validate(given_rule).model_dump(mode="json")
        assert dumped == given_rule
        assert Rule.model_validate(dumped) == Rule.model_validate(given_rule)


def test_stored_values_are_judged_as_the_rows_were() -> None:
    """What the planning index keeps: a moved bound needs no other column."""
    some = rules(
        low={"value": "list_min(similarity)", "at_least": 0.4}, people={"equals": 1}, readable={"equals": True}
    )
    rows = table(*({"similarity": [s, 1], "people": p, "readable": r} for s in (0.3, 0.4, None) for p in (1, 2, None)
                   for r in (True, None)))  # fmt: skip
    kept = values(rows, some)
    assert kept.column_names == ["key", "low", "people", "readable"]
    assert judge(kept, by_name(some)) == judge(rows, some)
    assert columns_read(some, SCHEMA) == ("people", "readable", "similarity")


def test_a_rule_that_takes_too_long_is_stopped_and_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("actor18m.policy.rules.LONGEST_S", 0.3)
    costly = "list_sum(list_transform(similarity, lambda a: list_sum(list_transform(similarity, lambda b: a * b))))"
    rules = {"quick": Rule(value="len(similarity)", at_least=1), "costly": Rule(value=costly, at_least=1)}
    lists = pa.array([[0.5] * 2000] * 64, pa.list_(pa.float32()))
    rows = pa.table({"key": [f"{number}" for number in range(64)], "similarity": lists})
    begun = time.monotonic()
    with pytest.raises(ActorError, match=r"^rule costly: takes more than 0.3 s for 64 rows; let the stage measure"):
        values(rows, rules)
    assert time.monotonic() - begun < 20
    monkeypatch.undo()
    assert values(rows, {"quick": rules["quick"]})["quick"].to_pylist() == [2000] * 64, "and others go on"
