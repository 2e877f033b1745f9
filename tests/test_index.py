from pathlib import Path

import pyarrow as pa
import pytest

from actor18m.fold import fold, superseded
from actor18m.index import NO_VALUES, Values, known, missing, refresh
from actor18m.ledger import Ledger
from actor18m.store import Store, make_store
from actor18m.writer import Lease, hold
from tests.measured import failed, measured, rows

FAR = 3000
"""A lot of another segment."""
DOUBLED = Values("doubled", ("similarity",), lambda table: table.select(["similarity"]))


@pytest.fixture
def ledger(store: Store, lease: Lease) -> Ledger:
    ledger = Ledger(store, "identity", "f00d")
    ledger.commit(lease, 0, rows(measured("a", 0.5), failed("b")))
    ledger.commit(lease, 5, rows(measured("c", 0.25, digest="old")))
    ledger.commit(lease, FAR, rows(failed("d", "quarantined")))
    return ledger


def wanted(*given: tuple[int, str, str]) -> pa.Table:
    schema = pa.schema([("lot", pa.int32()), ("key", pa.string()), ("input_digest", pa.string())])
    return pa.Table.from_pylist([dict(zip(schema.names, row, strict=True)) for row in given], schema=schema)


WANTED = [
    wanted((0, "a", "d"), (0, "b", "d"), (0, "new", "d"), (5, "c", "new")),
    wanted((5, "c", "old"), (7, "e", "d"), (FAR, "d", "d"), (FAR, "f", "d")),
]
NOT_KNOWN = ["new", "c", "e", "f"]


def keys(tables: object) -> list[str]:
    assert hasattr(tables, "__iter__")
    return [key for table in tables for key in table["key"].to_pylist()]


class Reads:
    """Counts what is read from a store."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.paths: list[str] = []
        read = Store.read

        def counted(store: Store, path: str) -> bytes:
            self.paths.append(path)
            return read(store, path)

        monkeypatch.setattr(Store, "read", counted)

    def of(self, folder: str) -> int:
        return sum(path.startswith(folder) for path in self.paths)


def test_missing_is_what_has_no_row_with_its_key_and_input_digest(ledger: Ledger, lease: Lease) -> None:
    assert keys(missing(ledger, WANTED)) == NOT_KNOWN
    refresh(lease, ledger)
    assert keys(missing(ledger, WANTED)) == NOT_KNOWN
    assert keys(missing(Ledger(ledger.store, "identity", "beef"), WANTED)) == keys(WANTED)


def test_failures_are_missing_only_on_demand(ledger: Ledger, lease: Lease) -> None:
    for _ in range(2):
        assert keys(missing(ledger, WANTED, retry=["failed"])) == ["b", *NOT_KNOWN]
        assert keys(missing(ledger, WANTED, retry=["quarantined"])) == ["new", "c", "e", "d", "f"]
        refresh(lease, ledger)


def test_with_the_index_no_ledger_file_is_read(ledger: Ledger, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refresh(lease, ledger) == 2
    assert refresh(lease, ledger) == 0
    reads = Reads(monkeypatch)
    list(missing(ledger, WANTED))
    assert (reads.of("ledger"), reads.of("index")) == (0, 2)


def test_only_lots_that_changed_are_read_from_the_ledger(
    ledger: Ledger, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(lease, ledger)
    ledger.commit(lease, 0, rows(measured("e", 0.5), measured("a", 0.5, digest="new")))
    ledger.commit(lease, 6, rows(measured("new", 0.5)))
    reads = Reads(monkeypatch)
    found = [table.to_pylist() for table in known(ledger)]
    assert [(row["lot"], row["key"], row["input_digest"]) for table in found for row in table] == [
        (0, "a", "d"),
        (0, "a", "new"),
        (0, "b", "d"),
        (0, "e", "d"),
        (5, "c", "old"),
        (6, "new", "d"),
        (FAR, "d", "d"),
    ]
    assert reads.of("ledger") == 3
    assert refresh(lease, ledger) == 1
    assert len(ledger.store.names("index")) == 2, "the old segment has gone"


def test_rule_values_come_from_the_index_and_stale_ones_do_not(
    ledger: Ledger, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    def values() -> list[float | None]:
        return [value for table in known(ledger, DOUBLED) for value in table["similarity"].to_pylist()]

    refresh(lease, ledger, NO_VALUES)
    assert values() == [0.5, None, 0.25, None]
    assert refresh(lease, ledger, DOUBLED) == 2
    reads = Reads(monkeypatch)
    assert values() == [0.5, None, 0.25, None]
    assert reads.of("ledger") == 0
    other = Values("other", ("similarity",), DOUBLED.of)
    assert [table.column_names[-1] for table in known(ledger, other)] == ["similarity"] * 2
    assert reads.of("ledger") == 3, "values of other expressions are not taken for these"


def test_an_index_that_is_lost_or_damaged_costs_one_scan(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    ledger = Ledger(store, "identity", "f00d")
    with hold(store) as lease:
        ledger.commit(lease, 0, rows(measured("a", 0.5), failed("b")))
        refresh(lease, ledger)
        (segment,) = (tmp_path / "store" / "index").rglob("*.parquet")
        whole = segment.read_bytes()
        for content in (b"", whole[:-20], whole[:99] + bytes([whole[99] ^ 1]) + whole[100:]):
            segment.write_bytes(content)
            assert keys(known(ledger)) == ["a", "b"]
        assert refresh(lease, ledger) == 1


def test_folding_and_collecting_change_nothing_that_is_known(ledger: Ledger, lease: Lease) -> None:
    before = keys(known(ledger))
    refresh(lease, ledger)
    fold(lease, ledger)
    for path in list(superseded(ledger)):
        lease.delete(path)
    assert keys(known(ledger)) == before
    refresh(lease, ledger)
    assert keys(known(ledger)) == before
    assert keys(known(ledger, lots=range(1, 6))) == ["c"]
