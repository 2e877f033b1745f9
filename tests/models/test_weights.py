"""Fetching, from a local web server and with the real pip from a local folder of wheels."""

import bz2
import hashlib
import http.server
import os
import re
import threading
import zipfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import ClassVar

import pytest

from actor18m.errors import ActorError
from actor18m.models.backends import load
from actor18m.models.lock import Code, Lock, Model, Url, WeightFile, Weights, Wheel, read_lock
from actor18m.models.weights import path_of, pull, verify

GOOD = b"weights" * 1000


class _Silent(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and the address it is served at."""
    root = tmp_path / "served"
    root.mkdir()
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(_Silent, directory=str(root))) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield root, f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


class Cut(http.server.BaseHTTPRequestHandler):
    """Answers with `gives` bytes of what it has, from where it is asked on if `goes_on`, and is cut then."""

    content, gives, goes_on = GOOD, 3000, True
    asked: ClassVar[list[str | None]] = []

    def do_GET(self) -> None:
        wanted = self.headers.get("Range")
        self.asked.append(wanted)
        begun = int(wanted[6:-1]) if wanted and self.goes_on else 0
        if begun >= len(self.content):
            self.send_error(416)
            return
        self.send_response(206 if begun else 200)
        self.send_header("Content-Length", str(len(self.content) - begun))
        self.end_headers()
        self.wfile.write(self.content[begun : begun + self.gives])

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def cut(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The address of a server whose answers are cut."""
    monkeypatch.setattr(Cut, "asked", [])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Cut) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}/a.bin"
        running.shutdown()


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the wheel carrier==1.0, which holds a.bin and b.bin; pip looks nowhere else."""
    root = tmp_path / "wheels"
    root.mkdir()
    info = "carrier-1.0.dist-info"
    with zipfile.ZipFile(root / "carrier-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("carrier/__init__.py", "raise SystemExit('a carrier must never be imported')")
        wheel.writestr("carrier/a.bin", GOOD)
        wheel.writestr("carrier/b.bin", GOOD)
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: carrier\nVersion: 1.0\n")
        wheel.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        wheel.writestr(f"{info}/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(root))
    return root


def lock_of(**sources: list[Url | Wheel]) -> Lock:
    files = [
        WeightFile(name=f"{name}.bin", size=len(GOOD), sha256=hashlib.sha256(GOOD).hexdigest(), sources=tried)
        for name, tried in sources.items()
    ]
    code, weights = Code(library="none", licence="MIT"), Weights(licence="MIT", origin="here")
    return Lock(version=1, models={"m": Model(role="test", backend="none", code=code, weights=weights, files=files)})


def in_carrier(name: str) -> Wheel:
    return Wheel(package="carrier", version="1.0", path=f"carrier/{name}.bin", package_licence="MIT")


def test_a_file_comes_from_its_publisher(server: tuple[Path, str], tmp_path: Path) -> None:
    root, address = server
    (root / "a.bin").write_bytes(GOOD)
    lock = lock_of(a=[Url(url=f"{address}/a.bin")])
    assert verify(lock, tmp_path) == {"a.bin": "missing"}
    assert pull(None, tmp_path, lock) == [tmp_path / "a.bin"]
    assert verify(lock, tmp_path) == {"a.bin": "ok"}


def test_a_file_whose_size_nobody_said_is_known_by_its_digest(server: tuple[Path, str], tmp_path: Path) -> None:
    root, url = server
    lock = lock_of(a=[Url(url=f"{url}/a.bin")])
    known = lock.models["m"].files[0].model_copy(update={"size": None})
    lock = Lock(version=1, models={"m": lock.models["m"].model_copy(update={"files": [known]})})
    (root / "a.bin").write_bytes(GOOD + b"more")
    with pytest.raises(ActorError, match=r"no source had a.* \(sha256 "):
        pull(into=tmp_path, lock=lock)
    (root / "a.bin").write_bytes(GOOD)
    (written,) = pull(into=tmp_path, lock=lock)
    assert written.read_bytes() == GOOD
    assert verify(lock, tmp_path) == {written.name: "ok"}
    written.write_bytes(GOOD[:-1])
    assert verify(lock, tmp_path) == {written.name: "corrupt"}


def test_a_cut_download_is_gone_on_with(cut: str, tmp_path: Path) -> None:
    lock = lock_of(a=[Url(url=cut)])
    for begun in (3000, 6000):
        with pytest.raises(ActorError, match=f"the connection was cut after {begun} bytes"):
            pull(into=tmp_path / "models", lock=lock)
    pull(into=tmp_path / "models", lock=lock)
    assert Cut.asked == [None, "bytes=3000-", "bytes=6000-"]
    assert [path.read_bytes() for path in (tmp_path / "models").iterdir()] == [GOOD]


def test_a_server_that_cannot_go_on_begins_anew(cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    lock = lock_of(a=[Url(url=cut)])
    with pytest.raises(ActorError, match="was cut after 3000"):
        pull(into=tmp_path / "models", lock=lock)
    monkeypatch.setattr(Cut, "goes_on", False)
    monkeypatch.setattr(Cut, "gives", len(GOOD))
    pull(into=tmp_path / "models", lock=lock)
    assert (tmp_path / "models" / "a.bin").read_bytes() == GOOD


@pytest.mark.parametrize("left", [b"other" * 500, b"x" * len(GOOD)])
def test_what_is_no_beginning_of_it_is_thrown_away(
    left: bytes, cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Cut, "gives", len(GOOD))
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / ".a.bin.part").write_bytes(left)
    lock = lock_of(a=[Url(url=cut)])
    with pytest.raises(ActorError, match=r"it is another file|416"):
        pull(into=tmp_path / "models", lock=lock)
    pull(into=tmp_path / "models", lock=lock)
    assert [path.read_bytes() for path in (tmp_path / "models").iterdir()] == [GOOD]


def test_two_that_pull_the_same_fetch_it_once(cut: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Cut, "gives", len(GOOD))
    lock = lock_of(a=[Url(url=cut)])
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: pull(into=tmp_path / "models", lock=lock), range(4)))
    assert Cut.asked == [None]
    assert [path.read_bytes() for path in (tmp_path / "models").iterdir()] == [GOOD]


def test_a_packed_file_is_unpacked(server: tuple[Path, str], tmp_path: Path) -> None:
    root, address = server
    (root / "a.bin.bz2").write_bytes(bz2.compress(GOOD))
    pull(None, tmp_path, lock_of(a=[Url(url=f"{address}/a.bin.bz2")]))
    assert (tmp_path / "a.bin").read_bytes() == GOOD


def test_the_digest_decides_and_the_next_source_is_tried(
    server: tuple[Path, str], wheels: Path, tmp_path: Path
) -> None:
    root, address = server
    (root / "other.bin").write_bytes(bytes(len(GOOD)))
    (root / "longer.bin").write_bytes(GOOD + b"!")
    lock = lock_of(a=[Url(url=f"{address}/{n}.bin") for n in ("gone", "other", "longer")] + [in_carrier("a")])
    said: list[str] = []
    pull(None, tmp_path, lock, said.append)
    assert (tmp_path / "a.bin").read_bytes() == GOOD
    causes = [line for line in said if "not from there" in line]
    assert ["404" in causes[0], "another file" in causes[1], "more than the 7000 bytes" in causes[2]] == [True] * 3


def test_one_wheel_is_downloaded_for_all_its_files(wheels: Path, tmp_path: Path) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if line.startswith("b.bin"):
            (wheels / "carrier-1.0-py3-none-any.whl").unlink(missing_ok=True)

    pull(None, tmp_path, lock_of(a=[in_carrier("a")], b=[in_carrier("b")]), say)
    assert [(tmp_path / name).read_bytes() == GOOD for name in ("a.bin", "b.bin")] == [True, True]


def test_what_is_there_and_right_is_not_fetched_again(tmp_path: Path) -> None:
    (tmp_path / "a.bin").write_bytes(GOOD)
    assert pull(None, tmp_path, lock_of(a=[in_carrier("a")])) == []


def test_a_damaged_file_is_seen_and_replaced(wheels: Path, tmp_path: Path) -> None:
    lock = lock_of(a=[in_carrier("a")])
    (tmp_path / "a.bin").write_bytes(bytes(len(GOOD)))
    assert verify(lock, tmp_path) == {"a.bin": "corrupt"}
    pull(None, tmp_path, lock)
    assert verify(lock, tmp_path) == {"a.bin": "ok"}


def test_when_no_source_has_it_the_error_tells_each_cause_and_the_way_out(
    server: tuple[Path, str], wheels: Path, tmp_path: Path
) -> None:
    absent = Wheel(package="carrier", version="2.0", path="carrier/a.bin", package_licence="MIT")
    elsewhere = in_carrier("c")
    target = tmp_path / "models"
    with pytest.raises(ActorError) as caught:
        pull(None, target, lock_of(a=[Url(url=f"{server[1]}/a.bin"), absent, elsewhere]))
    message = str(caught.value)
    for part in (
        "no source had a.bin",
        "404",
        "carrier==2.0: pip: ERROR",
        "carrier/c.bin",
        "Without the network, give a folder that has it: --from FOLDER",
    ):
        assert part in message
    assert list(target.iterdir()) == [], "nothing half-written stays"


def test_a_backend_that_lacks_its_weights_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    with pytest.raises(ActorError, match=r"centerface\.onnx are not in .*: run `actor18m models pull`"):
        path_of("centerface.onnx")


@pytest.mark.parametrize("name", sorted(read_lock().models))
def test_a_backend_whose_weights_are_damaged_is_not_loaded(
    name: str, pulled: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A flipped bit changes measurements, and no fingerprint."""
    pulled(name)
    for file in read_lock().files([name]):
        there = tmp_path / file.name
        monkeypatch.delenv("ACTOR18M_MODELS", raising=False)
        whole = path_of(file.name).read_bytes()
        others = [path_of(other.name) for other in read_lock().files([name]) if other != file]
        for other in others:
            (tmp_path / other.name).symlink_to(other)
        monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
        for damaged in (whole[:-1], b"", flipped(whole, len(whole) // 2), whole + b"\0"):
            there.write_bytes(damaged)
            with pytest.raises(ActorError, match=rf"{re.escape(file.name)} are damaged.*actor18m models pull"):
                load(name)
        for path in tmp_path.iterdir():
            path.unlink()


def test_weights_are_looked_at_again_when_they_were_written_to(
    pulled: Callable[..., None], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pulled("dlib-face")
    name = "shape_predictor_5_face_landmarks.dat"
    whole = path_of(name).read_bytes()
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path))
    (tmp_path / name).write_bytes(whole)
    before = (tmp_path / name).stat()
    assert path_of(name) == path_of(name) == tmp_path / name
    (tmp_path / name).write_bytes(flipped(whole, 1000))
    os.utime(tmp_path / name, ns=(before.st_atime_ns, before.st_mtime_ns))
    with pytest.raises(ActorError, match="are damaged"):
        path_of(name)


def flipped(content: bytes, at: int) -> bytes:
    return content[:at] + bytes([content[at] ^ 1]) + content[at + 1 :]


@pytest.mark.parametrize("place", ["m/a.bin", "a.bin"])
def test_with_a_mirror_a_file_comes_from_the_models_folder_there_or_from_beside_it(tmp_path: Path, place: str) -> None:
    lock, mirror = lock_of(a=[Url(url="http://127.0.0.1:9/a.bin")]), tmp_path / "mirror"
    (mirror / place).parent.mkdir(parents=True)
    (mirror / place).write_bytes(GOOD)
    assert pull(into=tmp_path / "models", lock=lock, mirror=mirror) == [tmp_path / "models" / "a.bin"]
    assert (tmp_path / "models" / "a.bin").read_bytes() == GOOD


def test_what_a_mirror_lacks_is_told_at_once_and_the_network_is_not_asked(cut: str, tmp_path: Path) -> None:
    lock = lock_of(a=[Url(url=cut)], b=[Url(url=cut)], c=[Url(url=cut)])
    mirror = tmp_path / "mirror"
    (mirror / "m").mkdir(parents=True)
    (mirror / "m" / "a.bin").write_bytes(GOOD)
    (mirror / "m" / "b.bin").write_bytes(b"another")
    with pytest.raises(ActorError) as told:
        pull(into=tmp_path / "models", lock=lock, mirror=mirror)
    assert f"the mirror {mirror} lacks 2 of 3 files" in str(told.value)
    assert f"{mirror}/m/b.bin: ValueError: it is another file: 7 bytes" in str(told.value)
    assert f"sha256 {hashlib.sha256(GOOD).hexdigest()} is wanted" in str(told.value)
    assert f"{mirror}/m/c.bin: it is not there" in str(told.value)
    assert Cut.asked == []
    assert [file.name for file in (tmp_path / "models").iterdir()] == ["a.bin"]
