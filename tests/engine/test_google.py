"""Inputs, store and dataset at gs://, through gcsfs: against an emulator, behind a proxy that makes trouble."""

import asyncio
import json
import os
import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from uuid import uuid4

import pytest

from actor18m.catalog.sources.files import find
from actor18m.catalog.sources.left_out import FilesLeftOut
from actor18m.dataset import Dataset, Version
from actor18m.errors import ActorError
from actor18m.publish.targets import target_of
from actor18m.storage import remote
from actor18m.storage.file_versions import versions
from actor18m.storage.lease import StoreBusy, hold
from actor18m.storage.lease import _claim_next as claim_next
from actor18m.storage.objects import Objects
from actor18m.storage.store import make_store, open_store
from tests.engine import drawing
from tests.engine.faults import SHAKY, Faults
from tests.engine.faulty import Fault, Faulty, faulty, half
from tests.engine.films import film
from tests.engine.google import google_server
from tests.engine.site import Site

pytest.importorskip("gcsfs", reason="gcsfs is not installed")


@pytest.fixture(scope="module")
def google() -> Iterator[int]:
    with google_server() as port:
        yield port


@pytest.fixture
def shaky(google: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    """gcsfs tries again by itself, after seconds; here it waits less."""
    monkeypatch.setattr(remote, "_gave_up", {})
    monkeypatch.setattr("gcsfs.retry.asyncio", SimpleNamespace(sleep=lambda s: asyncio.sleep(s / 20)))
    with faulty(google, late_s=0.3) as made:
        monkeypatch.setenv("STORAGE_EMULATOR_HOST", f"http://127.0.0.1:{made.port}")
        remote.at("gs://any")[0].clear_instance_cache()
        yield made


@pytest.fixture
def bucket(shaky: Faulty) -> str:
    name = f"b{uuid4().hex}"
    remote.at(f"gs://{name}")[0].mkdir(name)
    return name


def test_what_is_written_reads_the_same_whatever_it_is_called(bucket: str, tmp_path: Path) -> None:
    place = Objects(f"gs://{bucket}/folder")
    for number, content in enumerate((b"", b"a\r\nb\n", b"\r", b"\n--==0==--", os.urandom(6 << 20))):
        path = f"a b/ü-{number}.bin"
        place.create(path, content, "")
        assert place.read(path) == content
        (tmp_path / "file").write_bytes(content)
        place.replace(path, tmp_path / "file", "")
        assert place.read(path) == content
        assert place.stamp(path) == dict(place.stamps("a b"))[path] == versions([f"gs://{bucket}/folder/{path}"])[0]
    assert sorted(place.names("")) == [f"a b/ü-{number}.bin" for number in range(5)]
    assert list(place.entries("")) == [("a b", True)]
    assert place.read_part("a b/ü-4.bin", 1 << 20, 5) == content[1 << 20 :][:5]
    place.delete("a b/ü-0.bin")
    assert not place.exists("a b/ü-0.bin")


def test_of_two_who_write_where_both_have_looked_one_is_refused(bucket: str) -> None:
    place = Objects(f"gs://{bucket}/folder")
    place.create("latest", b"1", "")
    with pytest.raises(FileExistsError):
        place.create("latest", b"2", "")
    place.overwrite("latest", b"2", lambda: None)
    assert place.read("latest") == b"2"
    for mine, other in ((b"4", b"3"), (b"4", b"2")):
        with pytest.raises(FileExistsError):
            place.overwrite("latest", mine, lambda other=other: place.replace("latest", other, ""))  # type: ignore[misc]
        assert place.read("latest") == other
    with pytest.raises(FileExistsError):
        place.overwrite("new", b"1", lambda: place.replace("new", b"2", ""))


@pytest.mark.parametrize("fault", ["lost", "late", "cut"])
def test_a_write_whose_answer_was_lost_is_known_for_ones_own(fault: Fault, bucket: str, shaky: Faulty) -> None:
    place, once = Objects(f"gs://{bucket}/folder"), set[bytes]()

    def the_first_time(head: bytes) -> Fault:
        first = head.split(b"\r\n")[0]
        is_new = b"/upload/" in first and first not in once
        once.add(first)
        return fault if is_new else "none"

    shaky.fault = the_first_time
    place.overwrite("latest", b"1", lambda: None)
    once.clear()
    place.overwrite("latest", b"2", lambda: None)
    assert place.read("latest") == b"2"
    once.clear()
    store = make_store(f"gs://{bucket}/store-{fault}")
    with hold(store) as lease:
        once.clear()
        lease.create("a/b", b"c")
        assert lease.epoch == 1
    assert shaky.faults >= 4


def test_of_many_that_reach_for_an_epoch_one_gets_it(bucket: str, shaky: Faulty) -> None:
    store, got, refused = make_store(f"gs://{bucket}/store"), list[int](), list[str]()

    def reach() -> None:
        try:
            got.append(claim_next(store, 0).epoch)
        except StoreBusy as error:
            refused.append(str(error))

    shaky.fault = half("lost", seed=2)
    threads = [threading.Thread(target=reach) for _ in range(6)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert (got, len(refused)) == ([1], 5)


@pytest.mark.parametrize(
    ("status", "said", "told"),
    [
        (401, "Anonymous caller does not have storage.objects access", "its credentials are not known there"),
        (403, "ann@host does not have storage.objects access", "access is denied"),
    ],
)
def test_a_refusal_is_told_at_once_with_the_place_the_cause_and_the_way_out(
    status: int, said: str, told: str, shaky: Faulty
) -> None:
    body = json.dumps({"error": {"code": status, "message": said}}).encode()
    head = f"HTTP/1.1 {status} No\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n"
    shaky.refusal, shaky.fault = head.encode() + b"Connection: close\r\n\r\n" + body, lambda head: "refused"
    place = Objects("gs://bucket/folder")
    asked: Mapping[str, Callable[[], object]] = {
        "read": lambda: place.read("a"),
        "look at": lambda: place.exists("a"),
        "list": lambda: list(place.entries("")),
        "write": lambda: place.create("a", b"", ""),
    }
    for what, ask in asked.items():
        with pytest.raises(remote.NoAccess) as found:
            ask()
        assert str(found.value).startswith(f"cannot {what} 'gs://bucket/folder")
        assert told in str(found.value)
        assert said in str(found.value)


def test_a_bucket_that_is_not_there_is_told_where_something_is_written(shaky: Faulty) -> None:
    for write in (
        lambda: make_store("gs://no-such-bucket/store"),
        lambda: target_of("gs://no-such-bucket/d").check_usable(),
    ):
        with pytest.raises(ActorError, match=r"there is no such bucket \(.*\)\. Make it, or see how its name is spelt"):
            write()


@pytest.mark.parametrize("url", ["gs://no-such-bucket", "gs://no-such-bucket/folder"])
def test_a_bucket_that_is_not_there_is_told_where_something_is_read(url: str, shaky: Faulty) -> None:
    for read in (
        lambda: open_store(url),
        lambda: Dataset.at(url).names(),
        lambda: list(find(url, FilesLeftOut())),
    ):
        with pytest.raises(ActorError, match=r"there is no such bucket \(.*\)\. Make it, or see how its name is spelt"):
            read()


@pytest.mark.slow
def test_a_build_of_all_on_google_through_faults_makes_the_bytes_of_a_disk(
    site: Site, shaky: Faulty, bucket: str
) -> None:
    (site.root / "drawing.yaml").write_text(drawing.PIPELINE)
    fs: Any = remote.at(f"gs://{bucket}")[0]
    for number, text in enumerate(("a tale of two", "three small words", "one", "plums and apples")):
        fs.pipe_file(f"{bucket}/videos/film{number}.mp4", film(text, pictures=4 + number))

    def build(store: str, dataset: str) -> Any:
        where = ("--store", store, "--dataset", dataset)
        return site.bare("build", str(site.root / "drawing.yaml"), "--input", f"gs://{bucket}/videos", *where)

    def content_of(url: str) -> dict[str, bytes]:
        version = Version.open(url)
        return {name: version.read(name) for name in version.manifest.files if not name.endswith(".urls")}

    here = build(str(site.root / "store"), str(site.root / "dataset"))
    assert here.exit_code == 0, here.output + here.stderr
    store, dataset = f"gs://{bucket}/store", f"gs://{bucket}/dataset"
    shaky.fault = faults = Faults(5, SHAKY)
    there = build(store, dataset)
    assert there.exit_code == 0, there.output + there.stderr
    assert "(as before; 0 shards made, 2 reused)" in build(store, dataset).output
    shaky.fault = half("none")
    print(f"\n{faults}")
    assert faults.total > 20
    assert content_of(dataset) == content_of(str(site.root / "dataset"))
    assert "all is well" in site.bare("verify", store, dataset).output
    told = " ".join(site.bare("doctor", "--store", store, "--dataset", dataset).output.split())
    assert f"{store} can be written, read and deleted from" in told
    assert "can be written, read and deleted from; its latest version is 000001" in told
