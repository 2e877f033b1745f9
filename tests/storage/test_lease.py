import errno
import json
import os
import re
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

from actor18m.storage import lease as writer
from actor18m.storage.lease import Lease, StoreBusy, TakenOver, hold, holder, unended
from actor18m.storage.store import Store, StoreError, make_store

ROOT = Path(__file__).parents[1]
HELD = """
import sys, time
from actor18m.storage.store import open_store
from actor18m.storage.lease import hold
with hold(open_store(sys.argv[1])):
    print("held", flush=True)
    time.sleep(600)
"""


def test_a_second_writer_is_refused_and_told_who_and_the_way_out(store: Store) -> None:
    with hold(store):
        expected = rf"process {os.getpid()} on \S+, since 20.* UTC; it is running.*--take-over"
        with pytest.raises(StoreBusy, match=expected), hold(store):
            pass
        found = holder(store)
        assert found is not None
        assert found.pid == os.getpid()


def test_a_writer_that_ended_is_in_nobodys_way(store: Store) -> None:
    for epoch in (1, 2, 3):
        with hold(store) as lease:
            assert lease.epoch == epoch
        assert holder(store) is None


def test_an_error_ends_the_lease_too(store: Store) -> None:
    with pytest.raises(KeyError), hold(store):
        raise KeyError
    assert holder(store) is None


def test_after_a_takeover_the_old_writer_commits_nothing_more(store: Store) -> None:
    with hold(store) as old:
        old.create("before", b"1")
        with hold(store, take_over=True) as new:
            for act in (
                lambda: old.create("after", b"2"),
                lambda: old.append("journal/x", b"2"),
                lambda: old.delete("before"),
            ):
                with pytest.raises(TakenOver, match=r"taken over by process \d+ on .* This build stops"):
                    act()
            assert new.create("after", b"3")
        assert store.read("before") == b"1"
        assert store.read("after") == b"3"


def test_on_a_disk_even_a_commit_that_has_checked_its_epoch_is_stopped(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "store")
    link = os.link
    successors: list[Lease] = []
    with hold(store) as old:

        def taken_over_first(source: Path, target: Path) -> None:
            if target.name == "late":
                successors.append(writer._claim_next(store, old.epoch))
            link(source, target)

        monkeypatch.setattr(os, "link", taken_over_first)
        with pytest.raises(TakenOver):
            old.create("late", b"")
        assert [lease.epoch for lease in successors] == [old.epoch + 1]
        assert not store.exists("late")


def test_of_two_that_reach_for_an_epoch_one_gets_it(store: Store) -> None:
    with hold(store) as old:
        writer._claim_next(store, old.epoch)
        with pytest.raises(StoreBusy, match="started at the same moment"):
            writer._claim_next(store, old.epoch)


def test_a_full_disk_is_not_taken_for_another_writer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(tmp_path / "store")
    with hold(store):
        pass

    def full(source: Path, target: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "link", full)
    with pytest.raises(StoreError, match="no space left"), hold(store):
        pass
    monkeypatch.undo()
    with hold(store) as lease:
        assert lease.epoch == 2


def test_a_killed_writer_of_this_machine_needs_no_takeover(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    child = subprocess.Popen([sys.executable, "-c", HELD, store.url], stdout=subprocess.PIPE, text=True, cwd=ROOT)
    assert child.stdout is not None
    assert child.stdout.readline() == "held\n"
    with pytest.raises(StoreBusy, match=f"process {child.pid} on"), hold(store):
        pass
    assert str(unended(store)).startswith(f"being built by process {child.pid} on")
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # dead, and its parent has not noticed yet
    gone = unended(store)
    assert gone is not None
    assert not gone.is_alive
    assert re.match(rf"the last build did not end: process {child.pid} on .*, is gone\. The next build", str(gone))
    with hold(store) as lease:
        assert lease.epoch == 2
        assert {path.name for path in (tmp_path / "store" / "aside").iterdir()} == {"new", Path(lease.aside).name}
    child.wait()


class Elsewhere:
    """A writer on another machine, as its files look from here."""

    def __init__(self, store: Store) -> None:
        self.store = store
        store.place.make_aside("aside/000001-x")
        claim = {"epoch": 1, "host": "far", "pid": 7, "process": "other-boot/pid:[1] 5", "since": "then"}
        store.place.create("writers/000001.json", json.dumps(claim).encode(), "aside/000001-x")

    def beat(self, at: float) -> None:
        text = json.dumps({"at": f"{at:.3f}", "ended": False})
        self.store.place.replace("writers/000001.beat.json", text.encode(), "aside/000001-x")


def test_a_writer_elsewhere_is_alive_while_its_heart_beats(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    far = Elsewhere(store)
    far.beat(time.time() - 10)
    with (
        pytest.raises(StoreBusy, match=r"process 7 on far, since then; its last sign of life was 1\d s ago"),
        hold(store),
    ):
        pass
    # Its clock may be wrong by hours: a beat that changes is what counts.
    far.beat(time.time() - 7200)
    monkeypatch.setattr(time, "sleep", lambda seconds: far.beat(time.time() - 7190))
    with pytest.raises(StoreBusy, match="gave a sign of life just now"), hold(store):
        pass


def test_a_writer_elsewhere_without_a_heartbeat_is_taken_for_dead(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    Elsewhere(store).beat(time.time() - 100)
    waited: list[float] = []
    monkeypatch.setattr(time, "sleep", waited.append)
    with hold(store, beat_s=5) as lease:
        assert lease.epoch == 2
    assert waited == [5] * 9


def test_a_writer_elsewhere_whose_clock_is_wrong_and_whose_heart_is_slow_is_alive(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    far, slept = Elsewhere(store), [0.0]
    far.beat(time.time() - 7200)

    def sleep(seconds: float) -> None:
        slept[0] += seconds
        if slept[0] >= 35:
            far.beat(time.time() - 7190)

    monkeypatch.setattr(time, "sleep", sleep)
    with pytest.raises(StoreBusy, match="gave a sign of life just now"), hold(store):
        pass


def test_of_a_writer_elsewhere_is_told_since_when_nothing_was_heard(store: Store) -> None:
    far = Elsewhere(store)
    for silent_s, told in (
        (10, "being built by process 7 on far, since then"),
        (100, "nothing was heard of it for 1 min"),
        (5400, "for 90 min"),
        (100_000, "for 27 h"),
        (900_000, "for 10 days"),
    ):
        far.beat(time.time() - silent_s)
        assert told in str(unended(store))


def test_the_heart_beats(store: Store) -> None:
    with hold(store, beat_s=0.01) as lease:
        seen: set[tuple[str, bool]] = set()
        deadline = time.monotonic() + 10
        while len(seen) < 3 and time.monotonic() < deadline:
            seen.add(writer._read_beat(store, lease.epoch))
        assert len(seen) >= 3


def test_a_beat_is_sent_when_it_is_due_be_the_answer_to_the_one_before_it_late(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    place, answered = type(store.place), threading.Event()
    replace, sent = place.replace, list[str]()

    def first_is_stuck(self: Any, path: str, content: Any, aside: str) -> None:
        sent.append(path)
        if len(sent) == 2:  # the first after the one with which the lease begins
            answered.wait(30)
        replace(self, path, content, aside)

    monkeypatch.setattr(place, "replace", first_is_stuck)
    with hold(store, beat_s=0.02) as lease:
        deadline, seen = time.monotonic() + 10, set[tuple[str, bool]]()
        while len(seen) < 3 and time.monotonic() < deadline:
            seen.add(writer._read_beat(store, lease.epoch))
        assert len(seen) >= 3
        answered.set()
    assert writer._read_beat(store, lease.epoch)[1], "the last one says that it ended"
