import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from actor18m.shortest import shortest

VALUES = st.one_of(st.none(), st.floats(width=32, allow_nan=False))


def test_numbers_are_spelt_as_they_were_measured() -> None:
    inner = pa.struct([("score", pa.float32()), ("name", pa.string())])
    rows = [
        {"mean": 0.9874, "all": [0.1, None, 0.3], "faces": [{"score": 0.7, "name": "a"}, None]},
        {"mean": None, "all": None, "faces": []},
        {"mean": 3.0, "all": [], "faces": None},
        {"mean": -1e-7, "all": [2.5], "faces": [{"score": None, "name": None}]},
    ]
    schema = pa.schema([("mean", pa.float32()), ("all", pa.list_(pa.float32())), ("faces", pa.list_(inner))])
    table = pa.Table.from_pylist(rows, schema)
    assert table.to_pylist() != rows
    assert shortest(table).to_pylist() == rows
    assert shortest(table.slice(1, 3)).to_pylist() == rows[1:]
    assert shortest(pa.concat_tables([table, table.slice(2)])).to_pylist() == [*rows, *rows[2:]]


@given(st.lists(st.lists(VALUES)))
def test_nothing_but_the_spelling_changes(lists: list[list[float | None]]) -> None:
    table = pa.table({"a": pa.array(lists, pa.list_(pa.float32()))})
    for before, after in zip(table["a"].to_pylist(), shortest(table)["a"].to_pylist(), strict=True):
        assert [None if value is None else np.float32(value) for value in after] == before
