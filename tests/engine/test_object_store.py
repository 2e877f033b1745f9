"""Store, inputs and dataset on S3, served by moto behind a proxy that makes trouble. Needs s3fs and moto."""

import json
import multiprocessing
import os
import signal
import time
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest
import webdataset
from webdataset.gopen import gopen_schemes

from actor18m.dataset import Version
from actor18m.publish import publish
from actor18m.storage import remote
from actor18m.storage.far_file import open_far
from actor18m.storage.objects import Objects
from tests.engine import drawing
from tests.engine.faulty import Fault, Faulty, half
from tests.engine.films import film
from tests.engine.intake_alone import PIPELINE
from tests.engine.s3 import environment
from tests.engine.site import Site, films
from tests.publish import killed
from tests.publish.material import FACTS

s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")


@pytest.fixture
def bucket(proxy: Faulty) -> str:
    name = f"b{uuid4().hex}"
    fs: Any = s3fs.S3FileSystem()
    fs.mkdir(name)
    for number, text in enumerate(films("film", 3).values()):
        fs.pipe_file(f"{name}/videos/{number}.mp4", film(text, pictures=4 + number))
    return name


def build(site: Site, bucket: str, dataset: Path, store: str) -> Any:
    (site.root / "steady.yaml").write_text(PIPELINE)
    where = ["--store", f"s3://{bucket}/{store}", "--dataset", str(dataset)]
    return site.bare("build", str(site.root / "steady.yaml"), "--input", f"s3://{bucket}/videos", *where)


def files(dataset: Path) -> dict[str, bytes]:
    root = dataset / "latest"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["busy", "cut"])
def test_a_build_over_a_place_that_fails_half_of_the_time_makes_the_same_bytes(
    fault: Fault, site: Site, proxy: Faulty, bucket: str
) -> None:
    calm = build(site, bucket, site.root / "calm", "calm")
    assert calm.exit_code == 0, calm.output + calm.stderr
    proxy.fault = half(fault)
    shaken = build(site, bucket, site.root / "shaken", "shaken")
    assert shaken.exit_code == 0, shaken.output + shaken.stderr
    assert proxy.faults > 10
    assert len(files(site.root / "calm")) > 5
    assert files(site.root / "shaken") == files(site.root / "calm")


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["busy", "stalled", "cut"])
def test_a_build_over_a_place_that_always_fails_stops_with_a_sentence(
    fault: Fault, site: Site, proxy: Faulty, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(remote.TIMEOUT, "2")
    proxy.fault = lambda request: fault
    begun = time.monotonic()
    result = build(site, bucket, site.root / "dataset", "store")
    assert time.monotonic() - begun < 60
    assert result.exit_code == 1
    assert f"s3://{bucket}" in result.stderr
    assert "tried" in result.stderr
    assert "Traceback" not in result.stderr


def test_what_a_place_refuses_or_does_not_have_is_a_sentence_at_once(
    site: Site, proxy: Faulty, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    gone = site.bare("build", "--input", f"s3://{bucket}/no.mp4", "--store", str(site.root / "s"))
    assert gone.exit_code == 1
    assert "there is nothing at 's3://" in gone.stderr
    nobucket = site.bare("status", "--store", "s3://no-such-bucket-at-all/store")
    assert nobucket.exit_code == 1
    assert "s3://no-such-bucket-at-all/store" in nobucket.stderr
    assert "there is no such bucket" in nobucket.stderr
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.delenv(name)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("HOME", str(site.root))
    s3fs.S3FileSystem.clear_instance_cache()
    denied = site.bare("status", "--store", f"s3://{bucket}/store")
    assert denied.exit_code == 1
    assert "Credentials come from the environment" in denied.stderr
    assert len(denied.stderr) < 600


def test_a_place_where_nobody_listens_is_told_soon(
    site: Site, proxy: Faulty, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", environment(9)["AWS_ENDPOINT_URL"])
    s3fs.S3FileSystem.clear_instance_cache()
    monkeypatch.setenv(remote.TIMEOUT, "2")
    begun = time.monotonic()
    result = site.bare("status", "--store", f"s3://{bucket}/store")
    assert time.monotonic() - begun < 20
    assert result.exit_code == 1
    assert "cannot read 's3://" in result.stderr
    assert "tried" in result.stderr


def test_a_read_whose_answer_is_cut_goes_on_where_it_was(
    proxy: Faulty, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(3 << 20)
    s3fs.S3FileSystem().pipe_file(f"{bucket}/large", content)
    proxy.fault = half("cut", seed=3)
    stream, _ = open_far(f"s3://{bucket}/large")
    with stream:
        assert stream.read() == content
        stream.seek(1 << 20)
        assert stream.read(10) == content[1 << 20 : (1 << 20) + 10]


def drawn(site: Site) -> Site:
    """Films whose words are drawn as images of subset A."""
    site = replace(site, pipeline=drawing.PIPELINE)
    site.put({f"film{number}": text for number, text in enumerate(("a tale of two", "three small words", "one"))})
    return site


def publish_to(site: Site, dataset: str) -> Any:
    """What is measured already goes to another place."""
    return site.bare(
        *("build", str(site.root / "steady.yaml"), "--input", str(site.videos)),
        *("--store", str(site.root / "store"), "--dataset", dataset),
    )


def content_of(url: str | Path) -> dict[str, bytes]:
    """Of a version, what is the same wherever it lies."""
    version = Version.open(url)
    return {name: version.read(name) for name in version.manifest.files if not name.endswith(".urls")}


@pytest.mark.slow
def test_a_dataset_on_s3_is_the_same_as_on_disk_through_every_fault(site: Site, proxy: Faulty, bucket: str) -> None:
    site = drawn(site)
    site.build()
    wanted = content_of(site.dataset)
    assert sum(name.endswith(".tar") for name in wanted) == 2
    faults: tuple[Fault, ...] = ("none", "busy", "cut")
    for fault in faults:
        url = f"s3://{bucket}/{fault}"
        before, proxy.fault = proxy.faults, half(fault)
        told = publish_to(site, url)
        assert told.exit_code == 0, told.output + told.stderr
        assert f"dataset: {url}/000001 (new; 2 shards made, 0 reused)" in told.output
        again = publish_to(site, url)
        assert f"dataset: {url}/000001 (as before; 0 shards made, 2 reused)" in again.output
        assert fault == "none" or proxy.faults - before > 10
        proxy.fault = half("none")
        assert content_of(url) == wanted
        checked = site.bare("verify", url)
        assert "all is well" in checked.output, checked.output
    text = site.bare("doctor", "--dataset", url).output
    assert "can be written, read and deleted from; its latest version is 000001" in " ".join(text.split())
    story = site.bare("explain", str(site.root / "steady.yaml"), "--store", str(site.root / "store"), "--dataset", url,
                      "--json", str(site.videos / "film0.mp4"))  # fmt: skip
    (told,) = json.loads(story.output)
    assert {each["shard"] for each in told["published"]} == {name for name in wanted if name.endswith(".tar")}


@pytest.mark.slow
def test_webdataset_reads_what_the_lists_name(
    site: Site, proxy: Faulty, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = drawn(site)
    site.build()
    url = f"s3://{bucket}/dataset"
    assert publish_to(site, url).exit_code == 0
    monkeypatch.setitem(gopen_schemes, "s3", lambda each, mode, bufsize, **given: fsspec.open(each, mode).open())

    def samples(dataset: str | Path, folder: str) -> list[dict[str, Any]]:
        loaded = webdataset.WebDataset(Version.open(dataset).urls(folder), shardshuffle=False)
        return [{name: value for name, value in each.items() if name != "__url__"} for each in loaded]

    for folder in ("videos", "subset-A"):
        there = samples(url, folder)
        assert len(there) >= 2
        assert [each["__key__"] for each in there] == [each["__key__"] for each in samples(site.dataset, folder)]
        version = Version.open(url)
        for each in there:
            assert version.sample(each["__key__"]) == {name: each[name] for name in each if name[0] != "_"}


def test_a_sample_is_had_by_range_requests(proxy: Faulty, bucket: str) -> None:
    url = f"s3://{bucket}/dataset"
    published = publish(url, killed.old(), "policy: {}\n", FACTS)
    version = Version.open(url)
    keys = version.table("clips", ["clip"])["clip"].to_pylist()
    version.sample(keys[0])
    asked: list[bytes] = []

    def seen(request: bytes) -> Fault:
        asked.append(request)
        return "none"

    proxy.fault = seen
    found = version.sample(keys[1])
    (request,) = asked
    assert b"range: bytes=" in request.lower()
    assert json.loads(found["json"])["clip"] == keys[1]
    assert published.path == version.url


def test_of_two_who_write_where_both_have_looked_one_is_refused(bucket: str, proxy: Faulty) -> None:
    """And a write whose answer was lost is known for one's own."""
    place = Objects(f"s3://{bucket}/folder")
    place.create("latest", b"1", "")
    with pytest.raises(FileExistsError):
        place.create("latest", b"2", "")
    for new, other in ((b"2", b"3"), (b"4", b"5")):
        with pytest.raises(FileExistsError):
            place.overwrite("latest", new, lambda other=other: place.replace("latest", other, ""))  # type: ignore[misc]
        assert place.read("latest") == other
    with pytest.raises(FileExistsError):
        place.overwrite("new", b"1", lambda: place.replace("new", b"2", ""))
    once: list[Fault] = ["lost"]
    proxy.fault = lambda head: once.pop() if once and head.startswith(b"PUT") else "none"
    place.overwrite("latest", b"6", lambda: None)
    assert place.read("latest") == b"6"


@pytest.mark.slow
@pytest.mark.parametrize("fault", ["busy", "stalled", "cut"])
def test_a_dataset_that_cannot_be_reached_is_told_before_anything_is_measured(
    fault: Fault, site: Site, proxy: Faulty, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(remote.TIMEOUT, "2")
    (site.root / "steady.yaml").write_text(PIPELINE)
    proxy.fault = lambda request: fault
    told = publish_to(site, f"s3://{bucket}/dataset")
    assert told.exit_code == 1
    assert f"the dataset s3://{bucket}/dataset cannot be written: " in told.stderr
    assert "tried" in told.stderr
    assert not (site.root / "store").exists()
    proxy.fault = half("none")
    missing = publish_to(site, "s3://no-such-bucket-at-all/dataset")
    assert missing.exit_code == 1
    assert "the dataset s3://no-such-bucket-at-all/dataset cannot be written: " in missing.stderr
    assert not (site.root / "store").exists()


def publish_new(url: str) -> None:
    publish(url, killed.new(), "policy: {}\n", FACTS)


@pytest.mark.slow
def test_a_publish_to_s3_that_is_killed_leaves_the_latest_whole_and_is_completed_by_the_next(
    proxy: Faulty, bucket: str
) -> None:
    processes = multiprocessing.get_context("spawn")
    publish(f"s3://{bucket}/before", killed.old(), "policy: {}\n", FACTS)
    publish_new(f"s3://{bucket}/after")
    old, new = content_of(f"s3://{bucket}/before"), content_of(f"s3://{bucket}/after")
    seen: dict[int, str] = {}
    for moment in range(4, 25, 3):
        url = f"s3://{bucket}/killed-{moment}"
        publish(url, killed.old(), "policy: {}\n", FACTS)
        process = processes.Process(target=publish_new, args=(url,))
        writes = 0

        def kill(request: bytes, process: Any = process, moment: int = moment) -> Fault:
            nonlocal writes
            writes += request.startswith((b"PUT", b"DELETE", b"POST"))
            if writes == moment:
                os.kill(process.pid, signal.SIGKILL)
                return "busy"
            return "none"

        process.start()
        proxy.fault = kill
        process.join()
        proxy.fault = half("none")
        found = content_of(url)
        assert found in (old, new), moment
        seen[moment] = "new" if found == new else "old"
        assert process.exitcode == (-signal.SIGKILL if writes >= moment else 0)
        publish_new(url)
        assert content_of(url) == new, moment
    print(f"killed at these writes, readers saw: {seen}")
    assert set(seen.values()) == {"old", "new"}
