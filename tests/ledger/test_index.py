from pathlib import Path

import pytest

from actor18m.ledger.fold import fold, superseded
from actor18m.ledger.index import NO_VALUES, Index, Values, refresh
from actor18m.ledger.ledger import Ledger
from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import Store, make_store
from tests.measured import failed, known, measured, rows

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


def test_with_the_index_no_ledger_file_is_read(ledger: Ledger, lease: Lease, monkeypatch: pytest.MonkeyPatch) -> None:
    assert refresh(lease, ledger) == 2
    assert refresh(lease, ledger) == 0
    reads = Reads(monkeypatch)
    assert known(ledger)["key"].to_pylist() == ["a", "b", "c", "d"]
    assert (reads.of("ledger"), reads.of("index")) == (0, 2)


def test_only_lots_that_changed_are_read_from_the_ledger(
    ledger: Ledger, lease: Lease, monkeypatch: pytest.MonkeyPatch
) -> None:
    refresh(lease, ledger)
    ledger.commit(lease, 0, rows(measured("e", 0.5), measured("a", 0.5, digest="new")))
    ledger.commit(lease, 6, rows(measured("new", 0.5)))
    reads = Reads(monkeypatch)
    assert [(row["lot"], row["key"], row["input_digest"]) for row in known(ledger).to_pylist()] == [
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
        values: list[float | None] = known(ledger, DOUBLED)["similarity"].to_pylist()
        return values

    refresh(lease, ledger, NO_VALUES)
    assert values() == [0.5, None, 0.25, None]
    assert refresh(lease, ledger, DOUBLED) == 2
    reads = Reads(monkeypatch)
    assert values() == [0.5, None, 0.25, None]
    assert reads.of("ledger") == 0
    other = Values("other", ("similarity",), DOUBLED.of)
    assert known(ledger, other).column_names[-1] == "similarity"
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
            assert known(ledger)["key"].to_pylist() == ["a", "b"]
        assert refresh(lease, ledger) == 1


def test_folding_and_collecting_change_nothing_that_is_known(ledger: Ledger, lease: Lease) -> None:
    before = known(ledger)
    refresh(lease, ledger)
    fold(lease, ledger)
    for path in list(superseded(ledger)):
        lease.delete(path)
    assert known(ledger) == before
    refresh(lease, ledger)
    assert known(ledger) == before
    assert Index(ledger).read(range(1, 6))["key"].to_pylist() == ["c"]
