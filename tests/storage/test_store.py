import errno
import json
import os
import pickle
from pathlib import Path

import pytest

from actor18m.storage.disk import Disk
from actor18m.storage.lease import Lease, hold
from actor18m.storage.store import SCHEMA, Store, StoreError, make_store, open_store


class Died(BaseException):
    """Stands for SIGKILL: nothing that handles errors sees it."""


def test_what_was_created_is_read_and_listed_in_order(store: Store, lease: Lease) -> None:
    for name in ("b/2", "b/10", "a/1", "b/deep/er/x"):
        assert lease.create(name, name.encode())
    assert store.names("b") == ["b/10", "b/2", "b/deep/er/x"]
    assert store.names("c") == []
    assert store.read("b/deep/er/x") == b"b/deep/er/x"
    with store.open("a/1") as stream:
        assert stream.read() == b"a/1"


def test_a_local_file_is_copied_whole(store: Store, lease: Lease, tmp_path: Path) -> None:
    source = tmp_path / "source"
    source.write_bytes(os.urandom(3_000_000))
    assert lease.create("big", source)
    assert store.read("big") == source.read_bytes()
    assert not lease.create("big", source)


def test_the_same_content_again_is_no_change_and_other_content_an_error(store: Store, lease: Lease) -> None:
    lease.create("a", b"one")
    assert not lease.create("a", b"one")
    with pytest.raises(StoreError, match=r"a is there already with other content"):
        lease.create("a", b"two")
    assert store.read("a") == b"one"


def test_a_missing_file_is_told_from_a_missing_store(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    with pytest.raises(FileNotFoundError):
        store.read("nothing")
    with hold(store) as lease:
        (tmp_path / "store").rename(tmp_path / "elsewhere")
        for act in (
            lambda: store.read("x"),
            lambda: store.names("ledger"),
            lambda: lease.create("x", b""),
            lambda: lease.append("journal/x", b""),
        ):
            with pytest.raises(StoreError, match=r"the store .* is gone"):
                act()
    assert not (tmp_path / "store").exists(), "a store whose disk is not mounted must not be made anew"


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_death_at_the_move_leaves_a_whole_file_or_none(
    moment: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "store")
    link = os.link

    def dying(source: Path, target: Path) -> None:
        if moment == "after":
            link(source, target)
        raise Died

    with hold(store) as lease:
        with monkeypatch.context() as patch:
            patch.setattr(os, "link", dying)
            with pytest.raises(Died):
                lease.create("a/b", b"whole")
        assert store.names("a") == ([] if moment == "before" else ["a/b"])
        assert lease.create("a/b", b"whole") == (moment == "before")
        assert store.read("a/b") == b"whole"


def test_content_is_on_disk_before_its_name_and_the_name_before_the_commit_returns(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = make_store(tmp_path / "store")
    steps: list[str] = []
    fsync, link = os.fsync, os.link

    def seen_fsync(handle: int) -> None:
        where = Path(os.readlink(f"/proc/self/fd/{handle}"))  # noqa: PTH115
        steps.append("sync content" if where.is_file() else f"sync {where.relative_to(tmp_path)}")
        fsync(handle)

    def seen_link(source: Path, target: Path) -> None:
        steps.append("name")
        link(source, target)

    with hold(store, beat_s=60) as lease:
        lease.create("ledger/first", b"")
        monkeypatch.setattr(os, "fsync", seen_fsync)
        monkeypatch.setattr(os, "link", seen_link)
        lease.create("ledger/new/second", b"")
        monkeypatch.undo()
    assert steps == ["sync content", "sync store/ledger", "name", "sync store/ledger/new"]


def test_a_full_disk_is_named_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = make_store(tmp_path / "store")
    with hold(store, beat_s=60) as lease:

        def full(handle: int) -> None:
            raise OSError(errno.ENOSPC, "No space left on device")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", full)
            with pytest.raises(StoreError, match=r"no space left for .*/a/b.*free some space and run the same"):
                lease.create("a/b", b"x" * 100)
        assert store.names("a") == []
        assert not any((tmp_path / "store" / lease.aside).iterdir())
        assert lease.create("a/b", b"x" * 100)


def test_a_store_that_may_not_be_written_is_told_with_the_way_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hold(make_store(tmp_path / "store"), beat_s=60) as lease:

        def refused(handle: int) -> None:
            raise OSError(errno.EROFS, "Read-only file system")

        with monkeypatch.context() as patch:
            patch.setattr(os, "fsync", refused)
            with pytest.raises(StoreError, match=r"/a/b cannot be .* \(Read-only file system\)\. Give this user"):
                lease.create("a/b", b"c")


def test_a_file_system_without_hard_links_still_never_overwrites(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_links(source: Path, target: Path) -> None:
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", no_links)
    with hold(make_store(tmp_path / "store")) as lease:
        assert lease.create("a", b"one")
        with pytest.raises(StoreError, match="other content"):
            lease.create("a", b"two")
        assert lease.store.read("a") == b"one"


def test_a_store_of_another_layout_is_refused_with_the_way_out(tmp_path: Path) -> None:
    make_store(tmp_path / "store")
    mark = tmp_path / "store" / "store.json"
    mark.write_text(json.dumps({"schema": SCHEMA + 1, "made_by": "actor18m 9.9"}))
    for opened in (open_store, make_store):
        with pytest.raises(StoreError, match=r"made by actor18m 9\.9.*Install the newer version, or build into anoth"):
            opened(tmp_path / "store")
    mark.write_text(json.dumps({"schema": SCHEMA - 1, "made_by": "actor18m 0.1.0"}))
    for opened in (open_store, make_store):
        with pytest.raises(StoreError, match=r"made by actor18m 0\.1\.0.*Build into a new store with --store"):
            opened(tmp_path / "store")
    mark.write_text("{")
    with pytest.raises(StoreError, match="damaged"):
        open_store(tmp_path / "store")


def test_a_folder_of_other_things_does_not_become_a_store(tmp_path: Path) -> None:
    (tmp_path / "videos").mkdir()
    (tmp_path / "videos" / "a.mp4").touch()
    with pytest.raises(StoreError, match="not empty and is no store"):
        make_store(tmp_path / "videos")
    with pytest.raises(StoreError, match="there is no store"):
        open_store(tmp_path / "videos")


def test_a_store_whose_making_was_cut_short_is_made(tmp_path: Path) -> None:
    (tmp_path / "store" / "aside" / "new").mkdir(parents=True)
    (tmp_path / "store" / "aside" / "new" / "half").touch()
    assert make_store(tmp_path / "store").names("") == ["store.json"]


def test_a_store_travels_to_workers(tmp_path: Path) -> None:
    store = make_store(tmp_path / "store")
    assert pickle.loads(pickle.dumps(store)) == store
    assert isinstance(open_store(f"file://{tmp_path}/store").place, Disk)
    with hold(make_store("memory://travels")) as lease:
        lease.create("x", b"1")
        sent: Lease = pickle.loads(pickle.dumps(lease))
        assert sent.store.read("x") == b"1"


def test_an_unknown_kind_of_url_is_an_error_for_people() -> None:
    with pytest.raises(StoreError, match="cannot open 'nowhere://x': nowhere: is not read"):
        open_store("nowhere://x")
