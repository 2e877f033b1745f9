import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pyarrow as pa
import pytest

from actor18m.ledger.ledger import Ledger, LotFiles
from actor18m.storage.lease import Lease, TakenOver, hold
from actor18m.storage.sealed import digest_of
from actor18m.storage.store import Store, StoreError, make_store
from tests.measured import failed, measured, rows

COMMITTING = """
import sys
from actor18m.ledger.ledger import Ledger
from actor18m.storage.store import open_store
from actor18m.storage.lease import hold
from tests.measured import measured, rows
store = open_store(sys.argv[1])
with hold(store) as lease:
    ledger = Ledger(store, "identity", "f00d")
    for n in range(10**6):
        keys = [f"{lease.epoch:03d}-{n:06d}-{k}" for k in range(16)]
        part = ledger.commit(lease, n % 7, rows(*(measured(key, 0.5) for key in keys)))
        print(n % 7, part, flush=True)
"""


@pytest.fixture
def ledger(store: Store) -> Ledger:
    return Ledger(store, "identity", "f00d")


def read(ledger: Ledger) -> dict[tuple[int, str], str | float]:
    """What is known: similarity or state."""
    return {
        (lot, row["key"]): row["similarity"] if row["state"] == "ok" else row["state"]
        for lot, table in ledger.read()
        for row in table.to_pylist()
    }


def test_committed_rows_are_read_lot_by_lot(ledger: Ledger, lease: Lease) -> None:
    ledger.commit(lease, 10, rows(measured("c", 0.5)))
    ledger.commit(lease, 2, rows(measured("b", 0.25), failed("a")))
    ledger.commit(lease, 2, rows(measured("d", 0.75)))
    assert list(read(ledger).items()) == [((2, "a"), "failed"), ((2, "b"), 0.25), ((2, "d"), 0.75), ((10, "c"), 0.5)]
    ((lot, table),) = ledger.read(range(3, 11), ["similarity"])
    assert (lot, table.column_names) == (10, ["key", "input_digest", "state", "error_kind", "error", "similarity"])


def test_a_file_is_named_by_its_lot_and_the_hash_of_its_bytes(ledger: Ledger, lease: Lease, store: Store) -> None:
    part = ledger.commit(lease, 17, rows(measured("a", 0.5)))
    (path,) = store.names("ledger")
    assert path == f"ledger/identity/f00d/lot-000017.{part}.parquet"
    assert digest_of(store.read(path)) == part


def test_the_same_rows_in_any_order_are_one_part(ledger: Ledger, lease: Lease, store: Store) -> None:
    given = [measured(f"k{n}", n / 7) for n in range(9)] + [failed("x")]
    parts = {ledger.commit(lease, 0, rows(*random.Random(seed).sample(given, len(given)))) for seed in range(5)}
    assert len(parts) == len(store.names("ledger")) == 1


def test_another_fingerprint_is_another_ledger(ledger: Ledger, lease: Lease, store: Store) -> None:
    ledger.commit(lease, 0, rows(measured("a", 0.5)))
    assert read(Ledger(store, "identity", "beef")) == {}


def test_a_damaged_part_is_named(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    ledger = Ledger(store, "identity", "f00d")
    with hold(store) as lease:
        ledger.commit(lease, 0, rows(measured("a", 0.5)))
    (path,) = (tmp_path / "store" / "ledger").rglob("*.parquet")
    content = bytearray(path.read_bytes())
    content[len(content) // 3] ^= 1
    path.write_bytes(content)
    with pytest.raises(StoreError, match=rf"{path.name} is damaged.*delete it.*measures the clips of lot 0 again"):
        read(ledger)


def test_other_columns_under_one_fingerprint_are_an_error_for_the_author(ledger: Ledger, lease: Lease) -> None:
    ledger.commit(lease, 0, rows(measured("a", 0.5)))
    text = pa.array(["high"], pa.string())
    ledger.commit(lease, 0, rows(measured("b", 0.5)).set_column(5, "similarity", text))
    with pytest.raises(StoreError, match=r"different columns under one fingerprint.*higher version"):
        read(ledger)


def test_a_reader_whose_listing_grew_old_lists_again(ledger: Ledger, lease: Lease, store: Store) -> None:
    part = ledger.commit(lease, 0, rows(measured("a", 0.5)))
    seen_then = LotFiles(0, ("0" * 16, part))
    assert ledger.read_lot(seen_then)["key"].to_pylist() == ["a"]


@pytest.mark.parametrize(("stage", "fingerprint"), [("../x", "f"), ("a", "../f"), ("a", ""), ("", "f"), ("a/b", "f")])
def test_names_that_leave_the_folder_are_refused(store: Store, stage: str, fingerprint: str) -> None:
    with pytest.raises(ValueError, match="not a stage and a fingerprint"):
        Ledger(store, stage, fingerprint)


def test_a_writer_that_was_taken_over_commits_no_rows(ledger: Ledger, store: Store) -> None:
    with hold(store) as old, hold(store, take_over=True) as new:
        with pytest.raises(TakenOver):
            ledger.commit(old, 0, rows(measured("a", 0.5)))
        ledger.commit(new, 0, rows(measured("a", 0.25)))
        assert read(ledger) == {(0, "a"): 0.25}


def test_killed_at_random_all_that_was_committed_is_there_and_nothing_is_half_written(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    ledger = Ledger(store, "identity", "f00d")
    root = Path(__file__).parents[1]
    committed: set[tuple[int, str]] = set()
    dice = random.Random(18)
    for _ in range(4):
        child = subprocess.Popen(
            [sys.executable, "-c", COMMITTING, store.url], stdout=subprocess.PIPE, text=True, cwd=root
        )
        assert child.stdout is not None
        first = child.stdout.readline()
        time.sleep(dice.uniform(0.02, 0.3))
        os.kill(child.pid, signal.SIGKILL)
        said = first + child.stdout.read()
        assert child.wait() == -signal.SIGKILL
        lines = said.split("\n")[:-1]
        committed |= {(int(lot), part) for lot, part in map(str.split, lines)}
        there = {(lot, part) for lot, files in ledger.files().items() for part in files.parts}
        # One commit may have landed without having been told of.
        assert committed <= there
        assert len(there - committed) <= 1
        committed = there
        for path in store.names("ledger"):
            assert path.split(".")[-2] == digest_of(store.read(path))
        assert len(read(ledger)) == 16 * len(there)
    assert len(committed) > 20
