import pyarrow as pa
import pytest

from actor18m.ledger.rows import checked, hold
from tests.measured import failed, measured, rows


def marked(table: pa.Table, part: str, is_folded: bool = False) -> pa.Table:
    size = table.num_rows
    return table.append_column("part", [[part] * size]).append_column(
        "is_folded", pa.array([is_folded] * size, pa.bool_())
    )


def winner(*tables: pa.Table) -> str:
    (row,) = hold(list(tables)).to_pylist()
    return str(row["part"])


@pytest.mark.parametrize(
    ("contest", "wins"),
    [
        ([("b", "ok", False), ("a", "failed", False)], "b"),
        ([("b", "ok", False), ("a", "ok", False)], "a"),
        ([("b", "ok", True), ("a", "ok", False)], "b"),
        ([("b", "failed", True), ("a", "ok", False)], "a"),
        ([("b", "failed", True), ("a", "failed", False)], "a"),
        ([("b", "quarantined", False), ("a", "failed", False)], "b"),
        ([("b", "ok", False), ("a", "quarantined", True)], "b"),
    ],
)
def test_a_success_then_a_folded_success_then_the_first_part_holds(
    contest: list[tuple[str, str, bool]], wins: str
) -> None:
    tables = [
        marked(rows(measured("k", 1.0) if state == "ok" else failed("k", state)), part, folded)
        for part, state, folded in contest
    ]
    assert winner(*tables) == wins
    assert winner(*reversed(tables)) == wins


def test_rows_about_other_keys_or_other_inputs_all_hold() -> None:
    one = marked(rows(measured("b", 1.0), measured("a", 1.0)), "p")
    two = marked(rows(measured("a", 2.0, digest="other")), "q")
    assert [(row["key"], row["input_digest"]) for row in hold([one.sort_by("key"), two]).to_pylist()] == [
        ("a", "d"),
        ("a", "other"),
        ("b", "d"),
    ]


def test_a_commit_is_sorted() -> None:
    assert checked(rows(measured("b", 1.0), measured("a", 1.0)))["key"].to_pylist() == ["a", "b"]


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        (rows(measured("a", 1.0), measured("a", 2.0)), "share a key and an input digest"),
        (rows(measured("a", 1.0)).drop_columns(["error"]), "lack the columns error"),
        (rows(failed("a", "lost")), "unknown states: lost"),
        (rows({**failed("a", "failed"), "error_kind": None}), "if and only if"),
        (rows({**measured("a", 1.0), "error_kind": "X"}), "if and only if"),
        (rows(measured(None, 1.0)), "rows without key"),
    ],
)
def test_a_commit_that_would_confuse_a_reader_is_refused(table: pa.Table, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        checked(table)
