"""Videos on S3 are fetched once by a build on a machine, however many stages and workers look at them."""

import re
import tempfile
import threading
from fractions import Fraction
from io import BytesIO
from pathlib import Path
from typing import Any
from uuid import uuid4

import av
import numpy as np
import pytest

from actor18m.storage.near_copies import LIMIT
from tests.engine import seen_thrice
from tests.engine.faulty import Fault, Faulty, half
from tests.engine.site import Site

s3fs = pytest.importorskip("s3fs", reason="s3fs is not installed")

FILMS = 3
_RANGE = re.compile(rb"range: bytes=(\d+)-(\d+)", re.IGNORECASE)


def noisy(seed: int) -> bytes:
    """Two seconds of a megabyte or so."""
    made, noise = BytesIO(), np.random.default_rng(seed)
    with av.open(made, "w", format="mp4") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "18", "preset": "ultrafast"})
        stream.width, stream.height, stream.pix_fmt = 256, 192, "yuv420p"
        for number in range(50):
            frame = av.VideoFrame.from_ndarray(noise.integers(0, 255, (192, 256, 3), dtype=np.uint8), format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return made.getvalue()


class Counted:
    """Bytes of videos that were asked for."""

    def __init__(self, sizes: dict[bytes, int]) -> None:
        self.bytes = 0
        self._sizes, self._lock = sizes, threading.Lock()

    def __call__(self, request: bytes) -> Fault:
        method, path, *_ = request.split(b" ", 2)
        if method == b"GET" and path in self._sizes:
            wanted = _RANGE.search(request)
            first, last = (0, 1 << 60) if wanted is None else map(int, wanted.groups())
            with self._lock:
                self.bytes += min(last + 1, self._sizes[path]) - first
        return "none"


def build(site: Site, bucket: str, to: str, *options: str) -> Any:
    (site.root / "thrice.yaml").write_text(seen_thrice.PIPELINE)
    where = ["--store", str(site.root / f"store_{to}"), "--dataset", str(site.root / to)]
    told = site.bare("build", str(site.root / "thrice.yaml"), "--input", f"s3://{bucket}/videos", *where, *options)
    assert told.exit_code == 0, told.output + told.stderr
    return told


def published(dataset: Path) -> dict[str, bytes]:
    root = dataset / "latest"
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.mark.slow
def test_each_video_is_fetched_once_and_nothing_of_it_stays(
    site: Site, proxy: Faulty, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("RAY_TMPDIR", tempfile.gettempdir())  # whose sockets want short paths
    monkeypatch.setenv("TMPDIR", str(site.root / "temporary"))
    (site.root / "temporary").mkdir()
    monkeypatch.setattr(tempfile, "tempdir", None)
    bucket = f"b{uuid4().hex}"
    fs: Any = s3fs.S3FileSystem()
    fs.mkdir(bucket)
    sizes = {}
    for number in range(FILMS):
        content = noisy(number)
        fs.pipe_file(f"{bucket}/videos/{number}.mp4", content)
        sizes[f"/{bucket}/videos/{number}.mp4".encode()] = len(content)
    asked = {}
    on_ray = ("--executor", "ray", "--workers", "2")
    for to, limit, options in (("without", "0", ()), ("kept", "1", ()), ("kept_on_ray", "1", on_ray)):
        monkeypatch.setenv(LIMIT, limit)
        proxy.fault = counted = Counted(sizes)
        build(site, bucket, to, *options)
        asked[to] = counted.bytes / sum(sizes.values())
    with capsys.disabled():
        print(f"\nhow often each byte of {FILMS} videos is read from S3 by a build of four stages: {asked}")
    assert asked["without"] > 4
    assert asked["kept"] == asked["kept_on_ray"] == 1
    assert published(site.root / "without") == published(site.root / "kept") == published(site.root / "kept_on_ray")
    left = [path.name for path in (site.root / "temporary").glob("actor18m-sources-*/**/*") if path.is_file()]
    assert left in ([], ["lock"])


@pytest.mark.slow
def test_through_cut_answers_they_are_whole(site: Site, proxy: Faulty, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(LIMIT, "1")
    bucket = f"b{uuid4().hex}"
    fs: Any = s3fs.S3FileSystem()
    fs.mkdir(bucket)
    for number in range(2):
        fs.pipe_file(f"{bucket}/videos/{number}.mp4", noisy(number))
    build(site, bucket, "calm")
    proxy.fault = half("cut")
    build(site, bucket, "shaken")
    assert proxy.faults > 5
    assert published(site.root / "shaken") == published(site.root / "calm")
