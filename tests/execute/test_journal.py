import os
import time
from pathlib import Path
from threading import Event

import pytest

from actor18m.execute.journal import Journal
from actor18m.storage.lease import TakenOver, hold
from actor18m.storage.store import Store, make_store


def test_what_began_and_did_not_end_was_in_flight(store: Store) -> None:
    with hold(store) as lease:
        journal = Journal(lease)
        journal.begin("identity", ["a", "b"])
        journal.begin("motion", ["a"])
        journal.end("identity", ["a"])
        journal.begin("identity", ["c"])
    with hold(store) as lease:
        assert Journal(lease).deaths == {("identity", "b"): 1, ("motion", "a"): 1, ("identity", "c"): 1}


def test_what_began_is_soon_on_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(tmp_path / "store")
    synced: list[int] = []
    fsync, is_syncing, may_sync = os.fsync, Event(), Event()

    def slow_fsync(handle: int) -> None:
        size = os.fstat(handle).st_size
        fsync(handle)
        if "journal" in os.readlink(f"/proc/self/fd/{handle}"):  # noqa: PTH115
            is_syncing.set()
            may_sync.wait(20)
            synced.append(size)

    def is_synced() -> bool:
        size = len(store.read(store.names("journal")[-1]))
        until = time.monotonic() + 20
        while size not in synced and time.monotonic() < until:
            time.sleep(0.01)
        return size in synced

    with hold(store) as lease, Journal(lease) as journal:
        monkeypatch.setattr(os, "fsync", slow_fsync)
        journal.begin("identity", ["a"])
        assert is_syncing.wait(20)
        journal.begin("identity", ["b"])
        may_sync.set()
        assert is_synced(), "what was written while another sync was going on"
        journal.begin("identity", ["c"])
        assert is_synced(), "and what was written later"


def test_a_journal_that_was_closed_leaves_nothing_in_flight(store: Store) -> None:
    with hold(store) as lease, Journal(lease) as journal:
        journal.begin("identity", ["a"])
        journal.end("identity", ["a"])
    with hold(store) as lease:
        assert Journal(lease).deaths == {}


def test_deaths_are_counted_until_the_clip_ends(store: Store) -> None:
    for deaths in range(3):
        with hold(store) as lease:
            journal = Journal(lease)
            assert journal.deaths == ({("identity", "a"): deaths} if deaths else {})
            journal.begin("identity", ["a"])
    with hold(store) as lease:
        assert Journal(lease).deaths == {("identity", "a"): 3}, "a driver that never got to it is no death of its"
    with hold(store) as lease, Journal(lease) as journal:
        assert journal.deaths == {("identity", "a"): 3}
        journal.begin("identity", ["a"])
        journal.end("identity", ["a"])
    with hold(store) as lease:
        assert Journal(lease).deaths == {}


def test_a_long_journal_starts_anew_and_forgets_nothing(store: Store) -> None:
    with hold(store) as lease:
        Journal(lease).begin("identity", ["old"])
    with hold(store) as lease:
        journal = Journal(lease, rotate_bytes=500)
        for n in range(200):
            journal.begin("identity", [f"clip-{n:06d}"])
            if n == 100:
                journal.end("identity", ["old"])
            if n % 50:
                journal.end("identity", [f"clip-{n:06d}"])
        journal.close()
        assert sum(len(store.read(path)) for path in store.names("journal")) < 2000
    with hold(store) as lease:
        expected = {("identity", f"clip-{n:06d}"): 1 for n in range(0, 200, 50)}
        assert Journal(lease).deaths == expected


def test_a_death_between_the_new_journal_and_the_end_of_the_old_counts_once(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold(store) as lease:
        Journal(lease).begin("identity", ["a"])
    with monkeypatch.context() as patch:
        patch.setattr("actor18m.storage.lease.Lease.delete", lambda lease, path: None)
        for _ in range(3):
            with hold(store) as lease:
                Journal(lease)
    with hold(store) as lease:
        assert Journal(lease).deaths == {("identity", "a"): 1}


def test_a_line_that_a_death_cut_short_is_left_out(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    with hold(store) as lease:
        journal = Journal(lease)
        journal.begin("identity", ["a"])
        journal.begin("identity", ["b"])
    (path,) = (tmp_path / "store" / "journal").iterdir()
    path.write_bytes(path.read_bytes()[:-3])
    with hold(store) as lease:
        assert Journal(lease).deaths == {("identity", "a"): 1}


def test_a_beginning_is_durable_when_begin_returns(store: Store) -> None:
    with hold(store) as lease:
        journal = Journal(lease)
        journal.begin("identity", ["a"])
        assert any(b'"a"' in store.read(path) for path in store.names("journal"))


def test_a_writer_that_was_taken_over_begins_nothing(store: Store) -> None:
    with hold(store) as old:
        journal = Journal(old)
        with hold(store, take_over=True), pytest.raises(TakenOver):
            journal.begin("identity", ["a"])
