"""Large objects, which S3 takes in parts."""

import os
from pathlib import Path
from typing import Any
from uuid import uuid4

import fsspec
import pytest

from actor18m.storage.lease import TakenOver, hold
from actor18m.storage.lease import _claim_next as claim_next
from actor18m.storage.objects import Objects
from actor18m.storage.store import Store, make_store
from tests.engine.faulty import Fault, Faulty, answering

LARGE = 11 << 20


@pytest.fixture
def store(proxy: Faulty, monkeypatch: pytest.MonkeyPatch) -> Store:
    """Whose large files are sent in parts of 5 MiB, the smallest that there are."""
    monkeypatch.setattr("s3fs.core.calculate_chunksize", lambda size, **given: 5 << 20)
    fs: Any = fsspec.filesystem("s3")
    fs.mkdir(bucket := f"b{uuid4().hex}")
    return make_store(f"s3://{bucket}/store")


@pytest.fixture
def large(tmp_path: Path) -> Path:
    (tmp_path / "large").write_bytes(os.urandom(LARGE))
    return tmp_path / "large"


def unfinished(store: Store) -> list[str]:
    fs: Any = fsspec.filesystem("s3")
    bucket = store.url.removeprefix("s3://").partition("/")[0]
    told = fs.call_s3("list_multipart_uploads", Bucket=bucket)
    return [each["Key"] for each in told.get("Uploads", [])]


@pytest.mark.parametrize("is_new", [True, False], ids=["create", "replace"])
@pytest.mark.parametrize("fault", ["lost", pytest.param("busy", marks=pytest.mark.slow)])
def test_an_upload_whose_last_answer_is_lost_is_known_for_ones_own_and_leaves_no_parts(
    fault: Fault, is_new: bool, store: Store, large: Path, proxy: Faulty
) -> None:
    spoilt: list[bytes] = []

    def the_first_end(head: bytes) -> Fault:
        first = head.split(b"\r\n")[0]
        if not spoilt and first.startswith(b"POST") and b"uploadId" in first:
            spoilt.append(first)
            return fault
        return "none"

    with hold(store) as lease:
        proxy.fault = the_first_end
        if is_new:
            lease.create("images/one", large)
        else:
            store.place.replace("images/one", large, "")
    assert spoilt
    assert store.read("images/one") == large.read_bytes()
    assert unfinished(store) == []


def test_what_a_dead_writer_left_of_its_uploads_goes_when_the_next_one_comes(store: Store, large: Path) -> None:
    fs: Any = fsspec.filesystem("s3")
    bucket = store.url.removeprefix("s3://").partition("/")[0]
    for key in ("store/images/two", "store/images/three", "elsewhere/four"):
        fs.call_s3("create_multipart_upload", Bucket=bucket, Key=key)
    with hold(store) as lease:
        assert unfinished(store) == ["elsewhere/four"]
        lease.create("images/two", large)
    Objects(f"s3://{bucket}").drop_uploads()
    assert unfinished(store) == ["elsewhere/four"], "of a whole bucket nothing is dropped"


def test_who_was_taken_over_while_it_sent_parts_is_told_so(store: Store, large: Path, proxy: Faulty) -> None:
    """Moto does not answer as S3 does for an upload that was dropped: the proxy does."""
    taken: list[int] = []
    refuse = answering(proxy, 404, "NoSuchUpload")

    def taken_over(head: bytes) -> Fault:
        method, target = head.split(b" ")[:2]
        if b"uploadId" not in target or method == b"PUT":
            return "none"
        if not taken:
            taken.append(0)
            taken[0] = claim_next(store, 1).epoch
        return refuse(head) if method == b"POST" else "none"

    proxy.fault = taken_over
    with hold(store) as lease, pytest.raises(TakenOver):
        lease.create("images/one", large)
    assert taken == [2]
    assert not store.exists("images/one")
    assert unfinished(store) == []


def test_who_may_not_see_unfinished_uploads_may_write_all_the_same(store: Store, proxy: Faulty) -> None:
    refuse = answering(proxy, 403, "AccessDenied")
    proxy.fault = lambda head: refuse(head) if b"?uploads" in head.split(b"\r\n")[0] else "none"
    with hold(store) as lease:
        lease.create("one", b"1")
    assert proxy.faults == 1
