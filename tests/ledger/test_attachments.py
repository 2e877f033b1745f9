"""Files beside rows: those of some rows are found among many, and each group of them is read once."""

import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from actor18m.ledger.attachments import FILES, Shelf, as_bytes, files_of_row, files_of_rows
from actor18m.storage.sealed import digest_of
from actor18m.storage.store import Store

ROWS = [(f"clip{number // 7:03d}-face-view-{number % 7:02d}", f"{number:016x}") for number in range(140)]


@pytest.fixture
def shelf(store: Store) -> Shelf:
    """Each row has a picture, and every third one a mask."""
    files = [{"key": key, "input_digest": digest, "name": "webp", "content": digest.encode()} for key, digest in ROWS]
    files += [{**each, "name": "mask.png", "content": b"mask"} for each in files[::3]]
    random.Random(5).shuffle(files)
    content = as_bytes(pa.Table.from_pylist(files, FILES))
    shelf = Shelf(store, "images", "paint", "f00d", 3, digest_of(content))
    assert store.create(shelf.path, content, "aside")
    return shelf


def of(number: int) -> dict[str, bytes]:
    picture = {"webp": ROWS[number][1].encode()}
    return picture | ({"mask.png": b"mask"} if number % 3 == 0 else {})


def test_those_of_some_rows_are_found(shelf: Shelf) -> None:
    for chance in range(20):
        some = random.Random(chance).sample(range(len(ROWS)), chance + 1)
        assert files_of_rows(shelf, [ROWS[at] for at in some]) == {ROWS[at]: of(at) for at in some}
    assert [files_of_row(shelf, *row) for row in ROWS] == [of(at) for at in range(len(ROWS))]


def test_a_row_that_brought_none_has_none(shelf: Shelf) -> None:
    key, _ = ROWS[0]
    assert files_of_rows(shelf, [(key, "another"), ("a", "b"), ("z", "b")]) == {
        (key, "another"): {}, ("a", "b"): {}, ("z", "b"): {}
    }  # fmt: skip


def test_what_lies_together_is_read_once(shelf: Shelf, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []

    class Counted(pq.ParquetFile):  # type: ignore[misc]
        def read_row_group(self, i: int, **options: object) -> pa.Table:
            read.append(i)
            return super().read_row_group(i, **options)

    monkeypatch.setattr(pq, "ParquetFile", Counted)
    files_of_rows(shelf, ROWS[:40])
    assert read == sorted(set(read))
    assert len(read) == 4, "54 files, 16 in a group"
