"""Who publishes to S3 through faults may be killed at any request, and have rivals: readers see whole versions."""

import multiprocessing
import signal
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest

from actor18m.publish import gc
from actor18m.storage.lease import hold
from actor18m.storage.store import make_store
from actor18m.verify.dataset import verify_dataset
from tests.engine import rivals
from tests.engine.faults import Faults, Killer
from tests.engine.faulty import Fault, Faulty, faulty
from tests.engine.rivals import content_of, publish_as, publish_content, watch
from tests.engine.s3 import environment

PROCESSES = multiprocessing.get_context("forkserver")
_OF_A_KILLER: tuple[Fault, ...] = ("none", "late", "busy")
"""What becomes of the request at which a process is killed: done; done when the next writer may be there; not done."""


@contextmanager
def reader(port: int, url: str, wanted: Mapping[str, dict[str, str]]) -> Iterator[list[rivals.Seen]]:
    """Reads until the block ends; what it saw is there then."""
    end, told = PROCESSES.Event(), PROCESSES.Queue()
    process = PROCESSES.Process(target=watch, args=(environment(port), url, wanted, end, told))
    process.start()
    seen: list[rivals.Seen] = []
    try:
        yield seen
    finally:
        end.set()
        seen.append(told.get(timeout=120))
        process.join()


@pytest.mark.slow
@pytest.mark.parametrize("rounds", [12])
def test_latest_is_whole_at_every_look_while_publishers_are_killed_and_taken_over_through_faults(
    rounds: int, behind: int, proxy: Faulty, tmp_path: Path
) -> None:
    PROCESSES.set_forkserver_preload([rivals.__name__])
    bucket = f"b{uuid4().hex}"
    fs: Any = fsspec.filesystem("s3")
    fs.mkdir(bucket)
    wanted = {}
    for name in rivals.CONTENTS:
        publish_content(str(tmp_path / name), name)
        wanted[name] = content_of(tmp_path / name)
    url, told = f"s3://{bucket}/dataset", PROCESSES.Queue()
    publish_content(url, "old")
    faults, ends, kills = Faults(11), Counter[str](), 0
    with faulty(behind) as other, reader(behind, url, wanted) as seen:
        for turn in range(rounds):
            name, rival = ("new", "old") if turn % 2 == 0 else ("old", "new")
            killer = Killer(faults, 1 + turn * 7 % 29, _OF_A_KILLER[turn % 3])
            proxy.fault, other.fault = killer, faults
            first = PROCESSES.Process(target=publish_as, args=(environment(proxy.port), url, name, False, told))
            second = PROCESSES.Process(
                target=publish_as, args=(environment(other.port), url, rival, turn % 3 == 1, told)
            )
            first.start()
            killer.pid = first.pid
            while not killer.changes and first.is_alive():
                time.sleep(0.01)
            second.start()
            for process in (first, second):
                process.join(240)
                assert process.exitcode in (0, -signal.SIGKILL), "it hangs"
            kills += killer.killed
            for _ in range(2 - killer.killed):
                ends[_end(told.get(timeout=10))] += 1
            proxy.fault = faults
            publish_content(url, name)
            assert content_of(url) == wanted[name], turn
    proxy.fault = lambda head: "none"
    (found,) = seen
    print(f"\n{faults}\n{kills} of {rounds} publishers killed; the others and their rivals: {dict(ends)}")
    print(f"{found.polls} looks at latest, {len(found.versions)} versions: {len(found.wrong)} were no whole version, ")
    print(f"{len(found.turned_back)} times it turned back")
    assert found.wrong == found.turned_back == []
    assert kills >= rounds / 3
    assert ends.keys() == {"published", "refused", "taken over"}
    assert found.polls > len(found.versions) > rounds
    kinds = {each.kind for each in verify_dataset(url) if not each.path.endswith("/.words.json")}
    assert kinds <= {"foreign"}, "but for what came late"
    gc(url, keep=3)
    assert [str(each) for each in verify_dataset(url) if not each.path.endswith("/.words.json")] == []
    assert content_of(url) == wanted[name]


@pytest.mark.slow
def test_a_living_writer_keeps_its_right_however_slow_the_place_is_and_wrong_a_rivals_clock(
    behind: int, proxy: Faulty
) -> None:
    PROCESSES.set_forkserver_preload([rivals.__name__])
    bucket, told, beat_s, silent_s = f"b{uuid4().hex}", PROCESSES.Queue(), 0.5, 4.0
    fs: Any = fsspec.filesystem("s3")
    fs.mkdir(bucket)
    store = make_store(f"s3://{bucket}/store")

    def rival() -> str:
        given = (environment(behind), store.url, beat_s, silent_s, told)
        process = PROCESSES.Process(target=rivals.hold_elsewhere, args=given)
        process.start()
        process.join(120)
        return str(told.get(timeout=10))

    proxy.fault, proxy.late_s = (lambda head: "slow" if b".beat.json" in head else "none"), 10 * beat_s
    with hold(store, beat_s=beat_s) as lease:
        time.sleep(proxy.late_s + 2 * beat_s)  # until the signs of life after the first one arrive, late as they are
        assert "gave a sign of life just now" in rival()
        assert lease.create("one", b"1")
    assert rival() == "epoch 2"


def _end(said: str) -> str:
    for word, end in (("published", "published"), ("was taken over", "taken over"), ("another process", "refused")):
        if word in said:
            return end
    return said
