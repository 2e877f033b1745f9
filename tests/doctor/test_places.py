import tempfile
from errno import EACCES
from pathlib import Path

import pytest

from actor18m.dataset.root import DatasetError
from actor18m.doctor import places
from actor18m.doctor.check import Check, carried_out
from actor18m.storage.lease import Lease
from actor18m.storage.store import Store


def named(name: str, found: list[Check]) -> Check:
    (check,) = (each for each in found if each.name == name)
    return check


def everything_in(folder: Path) -> list[str]:
    return sorted(str(path) for path in folder.rglob("*"))


def test_a_store_is_tried_out_and_left_as_it_was(store: Store) -> None:
    before = store.names(""), store.place.asides()
    check = named("store", list(places.store(store.url)))
    assert check.state == "ok"
    assert "can be written, read and deleted from" in check.found
    assert (store.names(""), store.place.asides()) == before


def test_a_store_that_is_being_built_keeps_its_writer(store: Store, lease: Lease) -> None:
    check = named("store", list(places.store(store.url)))
    assert check.state == "ok"
    assert "; being built by process" in check.found
    lease.create("journal/one", b"row")
    assert store.read("journal/one") == b"row"


def test_what_was_written_must_read_the_same(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(type(store.place), "read", lambda self, path: b"{}")
    assert places._cannot_write(store.place) == "what was written reads differently"


def test_a_store_that_is_not_there_can_be_made_where_one_may_write(tmp_path: Path) -> None:
    check = named("store", list(places.store(str(tmp_path / "a" / "b"))))
    assert (check.state, check.found) == ("ok", f"{tmp_path}/a/b is not there yet, and can be made")
    assert everything_in(tmp_path) == []
    assert named("store", list(places.store("memory://nowhere-yet"))).state == "ok"


@pytest.mark.parametrize("url", ["/proc/store", "/dev/null/store"])
def test_a_store_that_cannot_be_made_is_a_failure(url: str) -> None:
    check = named("store", list(places.store(url)))
    assert check.state == "fail"
    assert check.found.startswith(f"{url} is not there and cannot be made: ")
    assert check.fix == "name another place", "no right is lacking"


def test_a_right_that_is_lacking_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*args: object, **told: object) -> None:
        raise PermissionError(EACCES, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refuse)
    check = named("store", list(places.store(str(tmp_path / "there"))))
    assert (check.state, check.fix) == ("fail", "give this user the right to write there, or name another place")
    with pytest.raises(DatasetError, match=r"with --dataset, or give this user the right to write there\.$"):
        list(places.dataset(str(tmp_path / "there")))


def test_a_dataset_in_what_is_no_folder_wants_another_place_and_no_right() -> None:
    with pytest.raises(DatasetError) as caught:
        list(places.dataset("/dev/full"))
    told = "the dataset /dev/full cannot be written: Not a directory. Name another place with --dataset."
    assert str(caught.value) == told


def test_a_folder_with_other_things_is_no_store(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").touch()
    check = named("store", list(places.store(str(tmp_path))))
    assert (check.state, check.found) == ("fail", f"{tmp_path} is not empty and is no store")


def test_a_store_of_a_newer_version_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "store.json").write_text('{"schema": 99}')
    (check,) = carried_out("store", lambda: places.store(str(tmp_path)))
    assert check.state == "fail"
    assert "Install the newer version" in check.found


def test_an_unknown_kind_of_place_is_a_failure_without_secrets() -> None:
    (check,) = carried_out("store", lambda: places.store("nowhere://ann:secret@host/x"))
    assert check.state == "fail"
    assert "nowhere" in check.found
    assert "secret" not in check.found


def test_a_dataset_is_tried_out_and_left_as_it_was(tmp_path: Path) -> None:
    for url in (tmp_path, tmp_path / "a" / "b"):
        assert named("dataset", list(places.dataset(str(url)))).state == "ok"
    assert everything_in(tmp_path) == []


def test_a_disk_without_links_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(self: Path, target: Path) -> None:
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(Path, "hardlink_to", refuse)
    assert "no hard links" in named("dataset", list(places.dataset(str(tmp_path)))).found
    monkeypatch.setattr(Path, "symlink_to", refuse)
    assert named("dataset", list(places.dataset(str(tmp_path)))).state == "fail"
    assert everything_in(tmp_path) == []


@pytest.mark.parametrize("url", ["/proc/dataset", "/dev/null", "/dev/null/dataset"])
def test_a_dataset_that_cannot_be_written_is_a_failure(url: str) -> None:
    (check,) = carried_out("dataset", lambda: places.dataset(url))
    assert check.state == "fail"


def test_a_folder_with_other_things_is_no_dataset(tmp_path: Path) -> None:
    (tmp_path / "holiday.mp4").touch()
    (check,) = carried_out("dataset", lambda: places.dataset(str(tmp_path)))
    assert check.state == "fail"
    assert "is not empty and is no dataset" in check.found
