import json
from itertools import permutations

import pytest

from actor18m.ledger.fold import fold, fold_lot, superseded
from actor18m.ledger.ledger import COVERS, Ledger, number_of
from actor18m.storage.lease import Lease
from actor18m.storage.parquet import from_bytes
from actor18m.storage.store import Store
from tests.measured import failed, measured, rows


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store, "identity", "f00d")


def similarity(ledger: Ledger, key: str) -> float | None:
    for _, table in ledger.read():
        for row in table.to_pylist():
            if row["key"] == key:
                value: float | None = row["similarity"]
                return value
    raise KeyError(key)


def test_a_fold_says_what_its_parts_said(ledger: Ledger, lease: Lease) -> None:
    ledger.commit(lease, 3, rows(measured("a", 0.5), failed("b")))
    ledger.commit(lease, 3, rows(measured("b", 0.25), measured("c", 0.75)))
    before = list(ledger.read())
    assert fold(lease, ledger) == 1
    assert fold(lease, ledger) == 0, "nothing is left to fold"
    ((_, then),), ((_, now),) = before, ledger.read()
    assert now.equals(then)


def test_its_bytes_do_not_depend_on_the_order_of_commits(store: Store, lease: Lease) -> None:
    commits = [
        rows(measured("a", 0.5), failed("b")),
        rows(measured("b", 0.25)),
        rows(failed("c"), measured("a", 0.75)),
        rows(failed("b")),
    ]
    folded = set()
    for number, order in enumerate(permutations(commits)):
        ledger = Ledger(store, "identity", f"{number:04d}")
        for commit in order:
            ledger.commit(lease, 0, commit)
        path = fold_lot(lease, ledger, ledger.files()[0])
        assert path is not None
        folded.add(store.read(path))
    assert len(folded) == 1
    _, metadata = from_bytes(folded.pop())
    assert json.loads(metadata[COVERS]) == list(ledger.files()[0].parts)


def test_a_folded_success_wins_for_ever(ledger: Ledger, lease: Lease) -> None:
    contenders = sorted(
        (ledger.commit(lease, lot, rows(measured("a", value))), value) for lot, value in enumerate((0.25, 0.5, 0.75))
    )
    *earlier, (_, last) = contenders
    ledger.commit(lease, 9, rows(measured("a", last)))
    fold(lease, ledger)
    for _, value in earlier:
        ledger.commit(lease, 9, rows(measured("a", value)))
        for again in range(2):
            ((_, table),) = ledger.read((9,))
            assert table["similarity"].to_pylist() == [last], f"after {again} more folds"
            fold(lease, ledger)


def test_a_success_after_a_folded_failure_holds(ledger: Ledger, lease: Lease) -> None:
    ledger.commit(lease, 0, rows(failed("a")))
    fold(lease, ledger)
    assert similarity(ledger, "a") is None
    ledger.commit(lease, 0, rows(measured("a", 0.5)))
    assert similarity(ledger, "a") == 0.5
    fold(lease, ledger)
    assert similarity(ledger, "a") == 0.5


def test_what_a_fold_covers_can_go_and_nothing_else(ledger: Ledger, lease: Lease, store: Store) -> None:
    for value in (0.25, 0.5):
        ledger.commit(lease, 0, rows(measured(f"k{value}", value)))
        fold(lease, ledger)
    loose = ledger.commit(lease, 0, rows(measured("late", 0.75)))
    before = list(ledger.read())
    for path in list(superseded(ledger)):
        lease.delete(path)
    (fold_2,) = ledger.files()[0].folds
    assert number_of(fold_2) == 2
    assert set(store.names("ledger")) == {ledger.path(0, loose), ledger.path(0, fold_2)}
    assert list(ledger.read()) == before
    assert fold(lease, ledger) == 1
    assert list(ledger.read()) == before


def test_few_loose_parts_can_wait(ledger: Ledger, lease: Lease) -> None:
    for lot, size in ((0, 1), (1, 3)):
        for n in range(size):
            ledger.commit(lease, lot, rows(measured(f"{lot}-{n}", n / 4)))
    assert fold(lease, ledger, at_least_parts=2) == 1
    assert {lot: list(map(number_of, files.folds)) for lot, files in ledger.files().items()} == {0: [], 1: [1]}
    ledger.commit(lease, 1, rows(measured("late", 0.5)))
    assert fold(lease, ledger, at_least_parts=2) == 0, "parts that a fold covers do not count"
