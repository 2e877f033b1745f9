import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import fsspec
import pytest

from actor18m.errors import ActorError
from actor18m.inputs import canonical_uri
from actor18m.storage import remote
from actor18m.storage.file_versions import Listings, of_info, versions, versions_now

TICK_S = 0.02
"""Times of inodes are told by the kernel's ticks."""


@pytest.fixture
def memory() -> Iterator[str]:
    """A folder of fsspec's store in memory."""
    folder = f"memory://{uuid4().hex}"
    yield folder
    fsspec.filesystem("memory").rm(folder, recursive=True)


def put(uri: str, content: bytes) -> None:
    fsspec.filesystem("memory").pipe_file(uri, content)


def test_a_version_is_size_and_times_in_nanoseconds(tmp_path: Path) -> None:
    path = tmp_path / "a \udcff\n.mp4"
    path.write_bytes(b"content")
    os.utime(path, ns=(0, 1_732_180_000_000_000_001))
    uri = canonical_uri(path)
    assert versions([uri]) == [f"7-1732180000000000001-{path.stat().st_ctime_ns}"]
    os.utime(path, ns=(0, 1_732_180_000_000_000_002))
    assert versions([uri]) == [f"7-1732180000000000002-{path.stat().st_ctime_ns}"]


def edited(path: Path) -> None:
    path.write_bytes(b"CONTENT")


def exchanged(path: Path) -> None:
    other = path.with_name("other.mp4")
    other.write_bytes(b"CONTENT")
    seen = path.stat().st_mtime_ns
    os.utime(other, ns=(seen, seen))
    other.rename(path)


@pytest.mark.parametrize("change", [edited, exchanged])
def test_a_change_that_keeps_size_and_time_makes_another_version(
    change: Callable[[Path], None], tmp_path: Path
) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"content")
    seen, before = path.stat(), versions([canonical_uri(path)])
    time.sleep(TICK_S)
    change(path)
    os.utime(path, ns=(seen.st_atime_ns, seen.st_mtime_ns))
    assert (path.stat().st_size, path.stat().st_mtime_ns) == (seen.st_size, seen.st_mtime_ns)
    assert versions([canonical_uri(path)]) != before


def test_reading_a_file_makes_no_other_version(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"content")
    before = versions([canonical_uri(path)])
    time.sleep(TICK_S)
    path.read_bytes()
    assert versions([canonical_uri(path)]) == before


def test_a_few_files_are_asked_for_alone_and_tell_the_same(tmp_path: Path, memory: str) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(b"content")
    put(f"{memory}/b.mp4", b"content")
    uris = [canonical_uri(path), f"{memory}/b.mp4", canonical_uri(tmp_path / "none.mp4"), f"{memory}/none.mp4"]
    assert versions_now([*uris, uris[0]]) == dict(zip(uris, versions(uris), strict=True))
    without_driver = versions_now(["oss://bucket/a.mp4"])
    assert isinstance(without_driver["oss://bucket/a.mp4"], ActorError)
    assert versions_now(["nosuchscheme://bucket/a.mp4"]) == {"nosuchscheme://bucket/a.mp4": None}


def test_what_is_no_readable_file_has_none(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo.mp4")
    (tmp_path / "folder.mp4").mkdir()
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "nowhere")
    (tmp_path / "circle.mp4").symlink_to(tmp_path / "circle.mp4")
    (tmp_path / "file.mp4").touch()
    names = ["fifo.mp4", "folder.mp4", "dangling.mp4", "circle.mp4", "missing.mp4", "file.mp4/x", "n" * 300]
    assert versions([canonical_uri(tmp_path / name) for name in names]) == [None] * len(names)
    assert versions(["file:///dev/zero"]) == [None]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_has_none(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    path.touch(mode=0)
    assert versions([canonical_uri(path)]) == [None]


def test_they_come_in_the_order_asked_for(tmp_path: Path, memory: str) -> None:
    uris = []
    for number in range(600):
        path = tmp_path / f"{number}.mp4"
        path.write_bytes(b"x" * number)
        uris.append(canonical_uri(path))
    put(f"{memory}/far.mp4", b"x" * 1000)
    uris.insert(300, f"{memory}/far.mp4")
    uris.append(uris[7])
    sizes = [int(version.partition("-")[0]) for version in versions(uris) if version]
    assert sizes == [*range(300), 1000, *range(300, 600), 7]


def test_a_version_is_the_same_from_a_listing_and_from_a_question(memory: str) -> None:
    uris = [f"{memory}/{number} '\n\u00fc.mp4" for number in range(40)]
    for uri in uris:
        put(uri, b"content")
    together = versions([*uris, f"{memory}/missing.mp4"])
    assert together == [*(versions([uri])[0] for uri in uris), None]
    assert all(version is not None and version.startswith("7-") for version in together[:-1])
    put(uris[3], b"content")
    changed = [uri for uri, before, now in zip(uris, together, versions(uris), strict=False) if before != now]
    assert changed == [uris[3]]


def test_a_folder_is_listed_once_for_one_look(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    uris = [f"{memory}/{number}.mp4" for number in range(100)]
    for uri in uris:
        put(uri, b"content")
    asked = []
    fs = type(fsspec.filesystem("memory"))

    def count(question: str) -> None:
        ask = getattr(fs, question)

        def counted(*args: object, **named: object) -> object:
            asked.append(question)
            return ask(*args, **named)

        monkeypatch.setattr(fs, question, counted)

    count("ls")
    count("info")
    listings = Listings()
    found = versions(uris[:50], listings) + versions(uris[50:], listings) + versions([uris[0]], listings)
    assert None not in found
    assert asked == ["ls"]


def test_an_etag_comes_before_a_time_and_any_is_short_ascii() -> None:
    assert of_info({"size": 5, "type": "file", "ETag": '"0ab-2"', "LastModified": "today"}) == "5-0ab-2"
    assert of_info({"size": 5, "mtime": 1.5}) == "5-1500000"
    assert of_info({"size": 5}) == "5"
    assert of_info({"size": None, "ETag": "x"}) == "unsized-x"
    strange = of_info({"size": 5, "etag": "W/\u00fc" * 99})
    assert strange is not None
    assert strange.isascii()
    assert len(strange) < 50
    assert of_info({"size": 0, "type": "directory"}) is None


def test_a_place_that_cannot_be_reached_is_no_missing_file(memory: str, monkeypatch: pytest.MonkeyPatch) -> None:
    fs = type(fsspec.filesystem("memory"))
    info = fs.info

    def refused(self: object, path: str, **named: object) -> object:
        if path.endswith("bad.mp4"):
            raise ConnectionError("connection refused")
        return info(self, path, **named)

    monkeypatch.setattr(fs, "info", refused)
    monkeypatch.setenv(remote.TIMEOUT, "0.5")
    put(f"{memory}/good.mp4", b"content")
    with pytest.raises(ActorError, match=r"cannot look at 'memory://.*connection refused; tried [2-9] times"):
        versions([f"{memory}/bad.mp4"])
    bad, good = versions([f"{memory}/bad.mp4", f"{memory}/good.mp4"])
    assert bad is None
    assert good is not None


def test_a_driver_that_is_not_installed_is_said_with_what_to_install() -> None:
    with pytest.raises(ActorError, match="Install it: pip install ossfs"):
        versions(["oss://bucket/a.mp4"])


def test_what_is_never_read_has_no_version_and_asks_no_driver() -> None:
    assert versions(["nosuch://bucket/a.mp4", "https://***@host/a.mp4", "invalid:x"]) == [None] * 3
