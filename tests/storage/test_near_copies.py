"""Copies of far files on this machine: fetched once, whole or not there, bounded, private, and gone with the build."""

import errno
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO, Any

import fsspec
import pytest

from actor18m.storage import near_copies
from actor18m.storage.near_copies import BUILD, LIMIT, open_source, sources_kept

SIZE = 1 << 20


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A far folder; copies are kept below tmp_path."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(near_copies, "_said", set())
    monkeypatch.setattr(near_copies, "_LEFT_FREE", 0)
    monkeypatch.delenv(BUILD, raising=False)
    monkeypatch.delenv(LIMIT, raising=False)
    url = f"memory://{uuid.uuid4().hex}"
    yield url
    fsspec.filesystem("memory").rm(url, recursive=True)


def put(uri: str, content: bytes) -> str:
    with fsspec.open(uri, "wb") as out:
        out.write(content)
    return uri


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """URIs in the order in which they are read where they lie."""
    uris: list[str] = []
    for name in ("open_far", "open_told"):
        monkeypatch.setattr(near_copies, name, _noting(uris, getattr(near_copies, name)))
    return uris


def _noting(uris: list[str], real: Callable[..., Any]) -> Callable[..., Any]:
    def opened(uri: str, *told: object) -> Any:
        uris.append(uri)
        return real(uri, *told)

    return opened


def read(uri: str) -> bytes:
    with open_source(uri)[0] as stream:
        return stream.read()


def kept(folder: Path) -> list[int]:
    """Sizes of copies."""
    return sorted(path.stat().st_size for path in folder.rglob("*") if path.is_file() and path.stat().st_size)


def test_a_file_is_fetched_once_whoever_wants_it_at_once(place: str, fetched: list[str]) -> None:
    uri = put(f"{place}/film.mp4", os.urandom(SIZE))
    with sources_kept(), ThreadPoolExecutor(8) as pool:
        assert len({*pool.map(read, [uri] * 40)}) == 1
        with open_source(uri)[0] as stream:
            stream.seek(SIZE - 3)
            assert len(stream.read()) == 3
    assert fetched == [uri]
    read(uri)
    assert fetched == [uri, uri], "without a build nothing is kept"


def test_copies_are_private_and_go_with_the_build(place: str, tmp_path: Path) -> None:
    uri = put(f"{place}/film.mp4", bytes(SIZE))
    with sources_kept():
        stream, _ = open_source(uri)
        folders = [tmp_path / f"actor18m-sources-{os.getuid()}", *tmp_path.glob("actor18m-sources-*/*/")]
        assert len(folders) == 2
        assert {stat.S_IMODE(folder.stat().st_mode) for folder in folders} == {0o700}
        assert kept(tmp_path) == [SIZE]
    assert kept(tmp_path) == []
    assert list(tmp_path.glob("actor18m-sources-*/*/")) == []
    with stream:
        assert len(stream.read()) == SIZE, "who reads one reads on"


def test_what_is_replaced_is_fetched_anew(place: str, fetched: list[str], tmp_path: Path) -> None:
    uri = put(f"{place}/film.mp4", b"a" * SIZE)
    with sources_kept():
        assert read(uri)[:1] == b"a"
        put(uri, b"b" * SIZE)
        assert read(uri)[:1] == b"b"
        assert fetched == [uri, uri]


def test_what_is_replaced_while_it_is_fetched_is_no_copy(
    place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = put(f"{place}/film.mp4", b"a" * SIZE)
    real = near_copies._fetch

    def replaced(uri: str, out: IO[bytes]) -> None:
        real(uri, out)
        put(uri, b"b" * SIZE)

    monkeypatch.setattr(near_copies, "_fetch", replaced)
    with sources_kept():
        assert read(uri) == b"b" * SIZE
        assert kept(tmp_path) == []


def test_those_go_first_that_were_wanted_longest_ago(
    place: str, fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT, str(4 * SIZE / 2**30))
    uris = [put(f"{place}/{number}.mp4", bytes([number]) * SIZE) for number in range(5)]
    with sources_kept():
        for uri in uris[:4]:
            read(uri)
        read(uris[0])
        assert kept(tmp_path) == [SIZE] * 4
        read(uris[4])
        assert kept(tmp_path) == [SIZE] * 4
        fetched.clear()
        for number in (0, 2, 3, 4, 1):
            assert read(uris[number])[:1] == bytes([number])
    assert fetched == [uris[1]]


def test_what_would_take_most_of_the_room_is_read_where_it_lies(
    place: str, fetched: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(LIMIT, str(4 * SIZE / 2**30))
    uri = put(f"{place}/film.mp4", bytes(SIZE + 1))
    with sources_kept():
        assert len(read(uri)) == len(read(uri)) == SIZE + 1
        assert kept(tmp_path) == []
    assert len(fetched) == 2


def test_none_are_kept_where_nobody_wants_them(place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "0")
    with sources_kept():
        assert len(read(put(f"{place}/film.mp4", bytes(SIZE)))) == SIZE
        assert kept(tmp_path) == []


def full(uri: str, out: IO[bytes]) -> None:
    out.write(b"some")
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("when", ["foreseen", "met"])
def test_a_full_disk_is_said_once_and_the_file_read_where_it_lies(
    when: str, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uris = [put(f"{place}/{number}.mp4", bytes([number]) * SIZE) for number in range(3)]
    with sources_kept():
        read(put(f"{place}/first.mp4", b"first"))
        if when == "met":
            monkeypatch.setattr(near_copies, "_fetch", full)
        else:
            monkeypatch.setattr(near_copies, "_LEFT_FREE", 1 << 60)
        assert [read(uri)[:1] for uri in uris] == [b"\0", b"\1", b"\2"]
        assert kept(tmp_path) in ([], [5])
    (message,) = caplog.messages
    assert f"no copy of '{uris[0]}' could be kept" in message
    assert ("No space left on device" in message) == (when == "met")


@pytest.mark.parametrize("error", [ConnectionError("it hung up"), FileNotFoundError("gone"), PermissionError("no")])
def test_what_the_place_raises_comes_as_it_is(
    error: Exception, place: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    uri = put(f"{place}/film.mp4", bytes(SIZE))

    def fails(uri: str) -> Any:
        raise error

    monkeypatch.setattr(near_copies, "open_far", fails)
    with sources_kept():
        with pytest.raises(type(error), match=str(error)):
            open_source(uri)
        assert kept(tmp_path) == []
    assert not caplog.messages


def test_somebody_elses_folder_is_not_used(place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    root = tmp_path / f"actor18m-sources-{os.getuid()}"
    root.mkdir(mode=0o755)
    with sources_kept():
        for number in range(2):
            assert len(read(put(f"{place}/{number}.mp4", bytes(SIZE)))) == SIZE
        assert kept(tmp_path) == []
    assert [f"{root} is not ours alone" in message for message in caplog.messages] == [True]


def test_a_build_whose_copies_were_taken_away_reads_on(
    place: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    uris = [put(f"{place}/{number}.mp4", bytes([number]) * SIZE) for number in range(3)]
    with sources_kept():
        read(uris[0])
        shutil.rmtree(tmp_path / f"actor18m-sources-{os.getuid()}")
        assert [read(uri)[:1] for uri in uris] == [b"\0", b"\1", b"\2"]
    assert len(caplog.messages) == 1


def test_a_place_that_does_not_tell_changes_is_read_where_it_lies(
    place: str, fetched: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    uri = put(f"{place}/film.mp4", bytes(SIZE))
    monkeypatch.setattr(near_copies, "info_of", lambda uri: {"size": SIZE, "type": "file"})
    with sources_kept():
        read(uri)
        read(uri)
    assert len(fetched) == 2


LIVES = """\
import os, sys, tempfile
from pathlib import Path
tempfile.tempdir = sys.argv[1]
os.environ["ACTOR18M_SOURCES_OF"] = sys.argv[2]
from actor18m.storage import near_copies
copies = near_copies._copies()
(copies.folder / "abc").write_bytes(b"whole")
(copies.folder / "def.part").write_bytes(b"half")
print("ready", flush=True)
sys.stdin.read()
"""


def living(tmp_path: Path, name: str) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", LIVES, str(tmp_path), name]
    child = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert child.stdout is not None
    assert child.stdout.readline() == b"ready\n"
    return child


def test_what_a_killed_build_left_goes_with_the_next_one_and_what_a_living_one_has_stays(
    place: str, tmp_path: Path
) -> None:
    killed, other = living(tmp_path, "killed"), living(tmp_path, "other")
    try:
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        assert kept(tmp_path) == [4, 4, 5, 5]
        with sources_kept():
            read(put(f"{place}/film.mp4", bytes(SIZE)))
            assert kept(tmp_path) == [4, 5, SIZE]
        assert kept(tmp_path) == [4, 5]
    finally:
        for child in (killed, other):
            child.kill()
            child.wait()
            for pipe in (child.stdin, child.stdout):
                assert pipe is not None
                pipe.close()


def test_what_a_killed_process_had_begun_is_fetched_by_the_next(place: str, tmp_path: Path) -> None:
    uri = put(f"{place}/film.mp4", b"a" * SIZE)
    with sources_kept():
        read(uri)
        (copy,) = (path for path in tmp_path.rglob("*") if path.is_file() and path.stat().st_size == SIZE)
        copy.unlink()
        copy.with_suffix(".part").write_bytes(b"b" * 100)
        assert read(uri) == b"a" * SIZE
        assert kept(tmp_path) == [SIZE]
