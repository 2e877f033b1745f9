"""Folders of files of a model hub, from a local server that speaks as one, and from mirrors."""

import hashlib
import http.server
import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from actor18m.errors import ActorError
from actor18m.models import snapshots, weights
from actor18m.models.lock import Code, Model, Snapshot, Weights
from actor18m.models.snapshots import PINNED, Pins, pull_snapshot, snapshot_of, state_of

LARGE, SMALL = b"tensor" * 2000, b'{"layers": 2}'
COMMIT, LATER = "a" * 40, "b" * 40


class Hub:
    """What a hub holds, and what it was asked."""

    def __init__(self) -> None:
        self.commit = COMMIT
        self.content = {"model.safetensors": LARGE, "config.json": SMALL, "README.md": b"hello", "old/model.bin": b"x"}
        self.asked: list[tuple[str, str | None, str | None]] = []
        self.cut_after: int | None = None
        self.sends_on = False
        """Large files are elsewhere, as a hub has them."""
        self.address = ""

    def answer(self, path: str) -> bytes | None:
        if path.startswith("/api/models/me/tiny/revision/"):
            return json.dumps({"sha": self.commit}).encode()
        if path.startswith(f"/api/models/me/tiny/tree/{self.commit}"):
            return json.dumps([self._listed(name, held) for name, held in self.content.items()]).encode()
        return self.content.get(path.removeprefix(f"/me/tiny/resolve/{self.commit}/"))

    @staticmethod
    def _listed(name: str, held: bytes) -> dict[str, object]:
        told: dict[str, object] = {"type": "file", "path": name, "size": len(held), "oid": "0" * 40}
        if name.endswith(".safetensors"):
            told["lfs"] = {"oid": hashlib.sha256(held).hexdigest(), "size": len(held)}
        return told


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    held = Hub()

    class Speaks(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            held.asked.append((self.path, self.headers.get("Range"), self.headers.get("Authorization")))
            if held.sends_on and "resolve" in self.path and "elsewhere" not in self.path:
                self.send_response(302)
                self.send_header("Location", f"{held.address.replace('127.0.0.1', 'localhost')}{self.path}?elsewhere")
                self.end_headers()
                return
            content = held.answer(self.path.partition("?elsewhere")[0])
            begun = int((self.headers.get("Range") or "bytes=0-")[6:-1])
            self.send_response(404 if content is None else 206 if begun else 200)
            self.send_header("Content-Length", str(len((content or b"")[begun:])))
            self.end_headers()
            self.wfile.write((content or b"")[begun:][: held.cut_after if "resolve" in self.path else None])

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Speaks) as running:
        threading.Thread(target=running.serve_forever, daemon=True).start()
        held.address = f"http://127.0.0.1:{running.server_port}"
        monkeypatch.setenv("HF_ENDPOINT", held.address)
        monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "models"))
        yield held
        running.shutdown()


def tiny(*files: str, revision: str | None = None) -> Model:
    return Model(
        role="test",
        backend="none",
        profile="cluster",
        code=Code(library="none", licence="MIT"),
        weights=Weights(licence="MIT", origin="here"),
        snapshot=Snapshot(hub="me/tiny", revision=revision, files=list(files or ("*.safetensors", "config.json"))),
    )


def test_what_is_wanted_is_fetched_and_pinned(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    written = pull_snapshot("tiny", model=tiny())
    assert [file.name for file in written] == ["config.json", "model.safetensors"], "and nothing else of the repository"
    assert (snapshot_of("tiny") / "model.safetensors").read_bytes() == LARGE
    pins = snapshots.pins_of("tiny")
    assert (pins.hub, pins.revision) == ("me/tiny", COMMIT)
    assert pins.files["config.json"].sha256 == hashlib.sha256(SMALL).hexdigest(), "of which the hub tells no digest"
    assert {authorized for *_, authorized in hub.asked} == {"Bearer secret"}
    assert "secret" not in (weights.folder() / "tiny" / PINNED).read_text()
    assert pull_snapshot("tiny", model=tiny()) == []


def test_a_token_is_the_hub_s_alone(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "secret")
    hub.sends_on = True
    pull_snapshot("tiny", model=tiny())
    told = {"elsewhere" in path: authorized for path, _, authorized in hub.asked}
    assert told == {False: "Bearer secret", True: None}


def test_a_cut_connection_is_gone_on_with(hub: Hub) -> None:
    hub.cut_after = 5000
    with pytest.raises(ActorError, match=r"tiny: model\.safetensors .*Run the same command again"):
        pull_snapshot("tiny", model=tiny("*.safetensors"))
    with pytest.raises(ActorError, match="models pull tiny"):
        snapshot_of("tiny")
    hub.cut_after = None
    pull_snapshot("tiny", model=tiny("*.safetensors"))
    assert hub.asked[-1][1] == "bytes=5000-"
    assert (snapshot_of("tiny") / "model.safetensors").read_bytes() == LARGE


def test_other_bytes_than_those_pinned_are_refused(hub: Hub) -> None:
    pull_snapshot("tiny", model=tiny())
    (weights.folder() / "tiny" / "config.json").unlink()
    hub.content["config.json"] = b'{"layers": 3}'
    with pytest.raises(ActorError, match=r"config\.json from .* is another file .*delete .*pinned\.json"):
        pull_snapshot("tiny", model=tiny())


def test_a_hub_that_moved_on_is_asked_for_the_pinned_revision(hub: Hub) -> None:
    pull_snapshot("tiny", model=tiny())
    pull_snapshot("tiny", model=tiny())
    assert [path for path, *_ in hub.asked if "/revision/" in path] == [
        "/api/models/me/tiny/revision/main", f"/api/models/me/tiny/revision/{COMMIT}",
    ]  # fmt: skip


def test_only_what_is_small_is_fetched_to_learn_the_pins(hub: Hub) -> None:
    written = pull_snapshot("tiny", model=tiny(), only_pins=True)
    assert [file.name for file in written] == ["config.json"]
    assert snapshots.pins_of("tiny").files["model.safetensors"].size == len(LARGE)
    assert state_of("tiny") == "missing"
    with pytest.raises(ActorError, match=r"model\.safetensors is not there whole"):
        snapshot_of("tiny")


def test_damage_is_told_by_reading_the_bytes(hub: Hub) -> None:
    pull_snapshot("tiny", model=tiny())
    file = weights.folder() / "tiny" / "model.safetensors"
    file.write_bytes(LARGE[:-1] + b"!")
    assert (state_of("tiny"), state_of("tiny", by_bytes=True)) == ("ok", "corrupt")


def test_what_a_repository_lacks_is_told(hub: Hub) -> None:
    with pytest.raises(ActorError, match=r"tiny: .* has no \*\.onnx"):
        pull_snapshot("tiny", model=tiny("*.onnx"))


def test_a_hub_that_is_not_there_is_told_with_the_way_out(hub: Hub, monkeypatch: pytest.MonkeyPatch) -> None:
    hub.commit = "gone"
    hub.content = {}
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    with pytest.raises(ActorError, match=r"does not tell of me/tiny .*--from FOLDER"):
        pull_snapshot("tiny", model=tiny())


@pytest.mark.parametrize("layout", ["by name", "cache"])
def test_without_the_network_they_come_from_a_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: str
) -> None:
    monkeypatch.setenv("ACTOR18M_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("HF_ENDPOINT", "http://127.0.0.1:9")
    mirror = tmp_path / "mirror"
    place = mirror / "tiny" if layout == "by name" else mirror / "models--me--tiny" / "snapshots" / LATER
    place.mkdir(parents=True)
    (place / "model.safetensors").write_bytes(LARGE)
    (place / "config.json").write_bytes(SMALL)
    pull_snapshot("tiny", model=tiny(), mirror=mirror)
    assert (snapshot_of("tiny") / "config.json").read_bytes() == SMALL
    assert snapshots.pins_of("tiny").revision == ("local" if layout == "by name" else LATER)
    with pytest.raises(ActorError, match="neither a folder other nor the hub's cache"):
        pull_snapshot("other", model=tiny(), mirror=tmp_path)


def test_of_a_folder_of_another_model_nothing_is_kept(tmp_path: Path) -> None:
    (tmp_path / "mirror" / "tiny").mkdir(parents=True)
    (tmp_path / "mirror" / "tiny" / "model.safetensors").write_bytes(LARGE)
    with pytest.raises(ActorError, match=r"has no config\.json\. Is it another model\?"):
        pull_snapshot("tiny", tmp_path / "models", tiny(), mirror=tmp_path / "mirror")
    assert not (tmp_path / "models").exists()


def test_a_revision_that_is_known_stays_known_when_its_files_come_from_a_folder(hub: Hub, tmp_path: Path) -> None:
    """Pinned on a laptop, pulled on machines without the network."""
    pull_snapshot("tiny", model=tiny())
    known = snapshots.pins_of("tiny")
    mirror = tmp_path / "mirror" / "tiny"
    mirror.mkdir(parents=True)
    for name in known.files:
        shutil.move(weights.folder() / "tiny" / name, mirror / name)
    pull_snapshot("tiny", model=tiny(), mirror=mirror.parent)
    assert snapshots.pins_of("tiny") == known
    assert known.revision != "local"


def test_files_of_a_commit_of_github_are_fetched_and_pinned(
    hub: Hub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(snapshots, "_GITHUB", hub.address)
    monkeypatch.setenv("HF_TOKEN", "secret")
    monkeypatch.setattr(hub, "answer", lambda path: LARGE if path == f"/me/tiny/{COMMIT}/models/resolve.onnx" else None)
    told = Snapshot(hub="me/tiny", at="github", revision=COMMIT, files=["models/resolve.onnx"])
    model = tiny().model_copy(update={"snapshot": told})
    hub.cut_after = 100
    with pytest.raises(ActorError, match=r"models/resolve\.onnx could not be had .* what came is kept"):
        pull_snapshot("tiny", tmp_path / "near", model)
    hub.cut_after = None
    (written,) = pull_snapshot("tiny", tmp_path / "near", model)
    assert written.read_bytes() == LARGE
    pins = Pins.model_validate_json((tmp_path / "near" / "tiny" / PINNED).read_bytes())
    assert (pins.revision, pins.files["models/resolve.onnx"].sha256) == (COMMIT, hashlib.sha256(LARGE).hexdigest())
    assert pull_snapshot("tiny", tmp_path / "near", model) == []
    assert {token for _, _, token in hub.asked} == {None}, "what is Hugging Face's is not told to others"
    with pytest.raises(ValueError, match="needs a revision and whole names"):
        Snapshot(hub="me/tiny", at="github", files=["model.onnx"])


def test_a_path_that_leaves_the_folder_is_not_taken(hub: Hub) -> None:
    hub.content = {"../escape.safetensors": LARGE, "model.safetensors": LARGE}
    pull_snapshot("tiny", model=tiny("*.safetensors"))
    assert not (weights.folder() / "escape.safetensors").exists()
    assert Pins.model_validate_json((weights.folder() / "tiny" / PINNED).read_bytes()).files.keys() == {
        "model.safetensors"
    }
