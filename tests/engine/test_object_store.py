"""Store and inputs on S3, served by moto behind a proxy that makes trouble. Needs s3fs and moto."""

import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from actor18m import remote
from actor18m.far_file import open_far
from tests.engine.faulty import Fault, Faulty, faulty, half
from tests.engine.films import film
from tests.engine.site import Site, films

s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")
moto_server = pytest.importorskip("moto.server", reason="moto is not installed")

PIPELINE = """\
name: intake
profile: test
stages:
  - stage: stages.intake:Intake
policy:
  intake:
    seconds: {value: duration_s, at_least: 0.1}
"""


@pytest.fixture(scope="module")
def behind() -> Iterator[int]:
    """The port of a server of S3."""
    server = moto_server.ThreadedMotoServer(port=0, verbose=False)
    server.start()
    yield server.get_host_and_port()[1]
    server.stop()


@pytest.fixture
def proxy(behind: int, monkeypatch: pytest.MonkeyPatch) -> Iterator[Faulty]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing-secret")
    monkeypatch.setattr(remote, "_gave_up", {})
    with faulty(behind) as made:
        address(monkeypatch, made.port)
        yield made


def address(monkeypatch: pytest.MonkeyPatch, port: int) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{port}")
    s3fs.S3FileSystem.clear_instance_cache()


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
    assert "there is no store at s3://no-such-bucket-at-all/store" in nobucket.stderr
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
    address(monkeypatch, 9)
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
