import itertools

import pyarrow as pa
import pytest

from actor18m.survey.admission import found, where

ASKED = list(itertools.product(["a", "b", "c", None], ["1", "2", None]))


@pytest.mark.parametrize("rows", [ASKED[:0], ASKED[:1], ASKED[:2], [("a", "2"), ("a", "1"), ("c", "1"), ("c", "2")]])
def test_a_row_is_found_by_key_and_digest_however_many_rows_a_key_has(rows: list[tuple[str, str]]) -> None:
    keys, digests = zip(*rows, strict=True) if rows else ((), ())
    known = pa.table(
        {"key": pa.array(keys, pa.string()), "input_digest": pa.array(digests, pa.string()), "row": range(len(rows))},
        schema=pa.schema([("key", pa.string()), ("input_digest", pa.string()), ("row", pa.int64())]),
    )
    key, digest = (pa.chunked_array([pa.array(column, pa.string())]) for column in zip(*ASKED, strict=True))
    wanted = [rows.index(each) if each in rows else None for each in ASKED]
    assert found(known, key, digest)["row"].to_pylist() == wanted


@pytest.mark.parametrize("mask", [[True, True, True], [False, False, False], [True, False, True], [None, True, None]])
def test_where_all_or_none_are_true_it_is_as_elsewhere(mask: list[bool | None]) -> None:
    table = pa.table({"a": [1, 2, 3]})
    assert where(table, pa.array(mask, pa.bool_())).equals(table.filter(pa.array(mask, pa.bool_())))
