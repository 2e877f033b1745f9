"""Of stages that ask an endpoint, doctor looks whether it is there, takes the key, and serves the model."""

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from actor18m.doctor.check import Check
from actor18m.doctor.models import pipeline
from tests.engine.chat_server import KEY, ChatServer

PIPELINE = """\
extends: embedded
name: asked
stages:
  - stage: stages.asked.captions:AskedCaptions
    instead_of: stages.captions:Captions
    roles: {chat: {backend: openai-chat, url: "%s", model: %s, key_from: SOME_API_KEY}}
  - stage: stages.asked.judge:AskedJudge
    instead_of: stages.judge:Judge
    roles: {chat: {backend: openai-chat, url: "%s", model: %s, key_from: SOME_API_KEY}}
"""


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[ChatServer]:
    monkeypatch.setenv("SOME_API_KEY", KEY)
    with ChatServer(lambda _: "") as started:
        yield started


def looked(folder: Path, url: str, *models: str) -> list[Check]:
    one, other = models if len(models) > 1 else (models[0], models[0])
    (folder / "asked.yaml").write_text(PIPELINE % (url, one, url, other))
    return [check for check in pipeline(folder / "asked.yaml") if check.name == "endpoint"]


def test_one_that_is_well_is_looked_at_once(server: ChatServer, tmp_path: Path) -> None:
    (check,) = looked(tmp_path, server.url, "default")
    assert check.state == "ok"
    assert check.found == f"{server.url}, asked by captions.roles.chat, judge.roles.chat: serves default"
    assert server.log == [], "nothing is asked that costs"


def test_a_model_that_is_not_served_is_told_with_those_that_are(server: ChatServer, tmp_path: Path) -> None:
    well, wrong = looked(tmp_path, server.url, "default", "another")
    assert (well.state, wrong.state) == ("ok", "fail")
    assert wrong.found.endswith("asked by judge.roles.chat: does not serve another, but default")


def test_a_key_that_is_not_set_or_not_taken_is_told(
    server: ChatServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOME_API_KEY", "sk-of-somebody-else-0123456789")
    (refused,) = looked(tmp_path, server.url, "default")
    assert (refused.state, refused.fix) == ("fail", "set SOME_API_KEY anew")
    assert "sk-of" not in refused.found
    monkeypatch.delenv("SOME_API_KEY")
    (unset,) = looked(tmp_path, server.url, "default")
    assert "SOME_API_KEY is not set here" in unset.found


def test_one_that_is_not_there_is_told_with_the_way_out(server: ChatServer, tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        (gone,) = looked(tmp_path, f"http://127.0.0.1:{taken.getsockname()[1]}/v1", "default")
    assert gone.state == "fail"
    assert "cannot be reached (" in gone.found
    assert "mend `url`" in gone.fix
    (elsewhere,) = looked(tmp_path, server.url.removesuffix("/v1"), "default")
    assert (elsewhere.state, "mostly with /v1" in elsewhere.fix) == ("warn", True)


def test_of_one_that_a_stage_starts_the_program_is_looked_for(tmp_path: Path) -> None:
    text = PIPELINE.replace('url: "%s", model: %s, key_from: SOME_API_KEY', 'serve: [%s, "{port}"], model: %s')
    (tmp_path / "asked.yaml").write_text(text % ("python3", "one", "no/vllm", "one"))
    well, wrong = (check for check in pipeline(tmp_path / "asked.yaml") if check.name == "endpoint")
    assert (well.state, wrong.state) == ("ok", "fail")
    assert well.found == "a server of the stage's own, asked by captions.roles.chat: " + (
        "python3 is here; the stage starts it to serve one"
    )
    assert "no/vllm is not here, by which one is to be served" in wrong.found
