from itertools import pairwise

import numpy as np
import pyarrow as pa

from actor18m.storage.parquet import from_bytes, to_bytes

ROWS = pa.table(
    {
        "key": [f"{n:05d}" for n in range(1000)],
        "score": pa.array([None if n % 7 == 0 else n / 3 for n in range(1000)], pa.float32()),
        "boxes": pa.array([[n] * (n % 4) for n in range(1000)], pa.list_(pa.int32())),
        "track": list(np.random.default_rng(1).random((1000, 300))),
        "kind": ["odd" if n % 2 else "even" for n in range(1000)],
    }
)


def test_equal_tables_have_equal_bytes_however_they_lie_in_memory() -> None:
    whole = to_bytes(ROWS, {"a": "1"})
    for cuts in ([0, 145, 334, 505, 1000], [0, 1, 999, 1000]):
        chunks = pa.concat_tables([ROWS.slice(a, b - a) for a, b in pairwise(cuts)])
        assert to_bytes(chunks, {"a": "1"}) == whole
    assert to_bytes(pa.concat_tables([ROWS, ROWS]).slice(1000), {"a": "1"}) == whole
    coded = ROWS.set_column(4, "kind", pa.array(["unused", *ROWS["kind"].to_pylist()]).dictionary_encode()[1:])
    assert to_bytes(coded, {"a": "1"}) == whole
    assert to_bytes(ROWS.replace_schema_metadata({"pandas": "{}"}), {"a": "1"}) == whole


def test_rows_and_metadata_come_back_in_one_row_group() -> None:
    table, metadata = from_bytes(to_bytes(ROWS, {"a": "1", "b": "ü"}))
    assert table.equals(ROWS)
    assert (metadata["a"], metadata["b"]) == ("1", "ü")
    assert from_bytes(to_bytes(ROWS), ["kind", "nothing"])[0].column_names == ["kind"]
    empty, _ = from_bytes(to_bytes(ROWS.slice(0, 0)))
    assert empty.schema.equals(ROWS.schema)
